/** Whether an offer is taken, and what becomes of files whose names are taken: asked before anything is written. */
import { statfs } from "node:fs/promises";
import { basename } from "node:path";
import { toHex } from "../base/bytes.ts";
import { Mp2pError } from "../base/errors.ts";
import type { Offer } from "./events.ts";
import { fileError } from "./file-error.ts";
import type { OfferBook } from "./offer-book.ts";
import type { Conflict } from "./place.ts";
import { printable } from "./printable.ts";
import { KIND } from "./records.ts";
import type { Emit } from "./running-transfer.ts";
import type { Existing, Survey } from "./survey.ts";
import type { Target } from "./target.ts";

const NAMES_SHOWN = 100;
const CONFLICTS: readonly Conflict[] = ["skip", "rename", "overwrite"];

export interface Offering {
  readonly peer: Offer["peer"];
  readonly transferId: Uint8Array;
  readonly book: OfferBook;
}

export async function describe(
  { peer, transferId, book }: Offering,
  target: Target,
  found: Survey,
): Promise<Offer> {
  const { bavail, bsize } = await statfs(target.directory).catch((error) => {
    throw fileError(error, "MP2P_TARGET", "open the folder", basename(target.directory));
  });
  const counts = { [KIND.file]: 0, [KIND.folder]: 0, [KIND.link]: 0 };
  const names: string[] = [];
  for (const { kind, path } of book.entries) {
    counts[kind]++;
    if (names.length < NAMES_SHOWN) names.push(printable(path ?? "a name that is not UTF-8"));
  }
  const refused = [...book.refused].slice(0, NAMES_SHOWN).map(([number, why]) => {
    const name = printable(book.entries[number]?.path ?? "");
    return { name, code: "MP2P_NAME" as const, why };
  });
  const taken = [...found.conflicts.values()].slice(0, NAMES_SHOWN);
  return {
    peer,
    transferId: toHex(transferId),
    files: counts[KIND.file],
    folders: counts[KIND.folder],
    links: counts[KIND.link],
    bytes: book.bytes,
    names,
    refused,
    conflicts: {
      files: found.conflicts.size,
      names: taken.map(({ name }) => printable(name)),
    },
    resumeBytes: found.resumeBytes,
    freeBytes: bavail * bsize,
  };
}

/** @throws {Mp2pError} `MP2P_DISK_FULL` where there is no room, `MP2P_REFUSED` where the answer is no */
export async function decide(
  offer: Offer,
  found: Survey,
  accept: "all" | ((offer: Offer) => boolean | Promise<boolean>),
  emit: Emit,
): Promise<void> {
  const { peer, files, bytes, names } = offer;
  emit({ type: "offer", peer: peer.keyText, files, bytes, names });
  const needed = bytes - found.resumeBytes;
  if (needed > offer.freeBytes) {
    const message = `the receiver has ${offer.freeBytes} bytes free, ${needed} are needed`;
    throw new Mp2pError("MP2P_DISK_FULL", message, {
      hint: "Free some space on the receiver, or receive into another folder.",
    });
  }
  if (accept !== "all" && !(await accept(offer))) {
    throw new Mp2pError("MP2P_REFUSED", "the receiver declined the offer", {
      hint: "Receive it again to be asked again: nothing was written.",
    });
  }
}

/**
 * Asks once for each file whose name is taken.
 *
 * @param check - throws where the transfer has ended meanwhile
 */
export async function policiesFor(
  found: Survey,
  onConflict: Conflict | ((existing: Existing) => Conflict | Promise<Conflict>),
  check: () => void,
): Promise<Map<number, Conflict>> {
  const policies = new Map<number, Conflict>();
  for (const number of found.damaged) policies.set(number, "overwrite");
  for (const [number, existing] of found.conflicts) {
    const ask = typeof onConflict === "function";
    policies.set(number, ask ? answered(await onConflict(existing)) : onConflict);
    check();
  }
  return policies;
}

/** @throws {TypeError} for an answer that is none */
function answered(answer: Conflict): Conflict {
  if (CONFLICTS.includes(answer)) return answer;
  throw new TypeError(`onConflict answers ${CONFLICTS.join(", ")}, not ${answer}`);
}

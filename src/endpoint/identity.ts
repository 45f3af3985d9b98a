/** Identities kept in files: `identity` in the home folder, readable by its owner only. */
import { chmod, link, open, readFile, rm, stat } from "node:fs/promises";
import { homedir, platform, userInfo } from "node:os";
import { join } from "node:path";
import { selectBackend } from "../backend/select.ts";
import { Mp2pError } from "../base/errors.ts";
import { fromZbase32, toZbase32 } from "../base/zbase32.ts";
import { Identity as KeyIdentity, SEED_BYTES } from "../noise/identity.ts";
import { makeWithParents } from "./make-with-parents.ts";

const FILE = "identity";
const PREFIX = "mp2p-seed-1 ";

/** Who an endpoint is: an Ed25519 key, whose public half is its address. Secrets never leave it. */
export class Identity extends KeyIdentity {
  /** A fresh identity that is kept nowhere. */
  static async generate(): Promise<Identity> {
    const { primitives } = await selectBackend();
    return new Identity(primitives, primitives.randomBytes(SEED_BYTES));
  }

  /**
   * @param seed - 32 secret random bytes; the same seed is the same identity
   * @throws {TypeError} for anything but bytes
   * @throws {RangeError} for another length
   */
  static async fromSeed(seed: Uint8Array): Promise<Identity> {
    const { primitives } = await selectBackend();
    return new Identity(primitives, seed);
  }

  /**
   * The identity of this user, made at the first call. Processes that load at once get the same one.
   *
   * @param options.home - folder; default `homeFolder()`
   * @throws {Mp2pError} `MP2P_IDENTITY` where the file is damaged, readable by others or not writable
   */
  static async load(options: { readonly home?: string } = {}): Promise<Identity> {
    const home = options.home ?? homeFolder();
    const file = join(home, FILE);
    const seed = (await readSeed(file)) ?? (await createSeed(home, file));
    return Identity.fromSeed(seed);
  }
}

/** `MP2P_HOME`, else the platform's folder for settings. */
export function homeFolder(): string {
  const { MP2P_HOME, XDG_CONFIG_HOME, APPDATA } = process.env;
  if (MP2P_HOME) return MP2P_HOME;
  if (platform() === "win32" && APPDATA) return join(APPDATA, "mp2p");
  return join(XDG_CONFIG_HOME || join(userFolder(), ".config"), "mp2p");
}

/** Never the current folder, as an empty HOME would have it. */
function userFolder(): string {
  try {
    return homedir() || userInfo().homedir;
  } catch (cause) {
    const hint = "set MP2P_HOME to a folder you can write to";
    throw new Mp2pError("MP2P_IDENTITY", "this user has no home folder", { cause, hint });
  }
}

async function readSeed(file: string): Promise<Uint8Array | undefined> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
    const { mode } = await stat(file);
    if (platform() !== "win32" && (mode & 0o077) !== 0) {
      throw new Mp2pError("MP2P_IDENTITY", `others can read the identity in ${file}`, {
        hint: `run: chmod 600 ${file}`,
      });
    }
  } catch (error) {
    if (error instanceof Mp2pError) throw error;
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new Mp2pError("MP2P_IDENTITY", `the identity in ${file} cannot be read`, {
      cause: error,
    });
  }
  const seed = text.startsWith(PREFIX) ? fromZbase32(text.slice(PREFIX.length).trim()) : undefined;
  if (seed?.length === SEED_BYTES) return seed;
  throw new Mp2pError("MP2P_IDENTITY", `the identity in ${file} is damaged`, {
    hint: "restore the file from a backup, or move it away to get a new identity",
  });
}

/** Written aside and linked into place: the first of several processes wins, the others read its file. */
async function createSeed(home: string, file: string): Promise<Uint8Array> {
  const { primitives } = await selectBackend();
  const seed = primitives.randomBytes(SEED_BYTES);
  const draft = `${file}.${process.pid}.${toZbase32(primitives.randomBytes(5))}`;
  try {
    await makeWithParents(home, 0o700);
    const handle = await open(draft, "wx", 0o600);
    await handle.writeFile(`${PREFIX}${toZbase32(seed)}\n`);
    await handle.sync();
    await handle.close();
    await chmod(draft, 0o600);
    await link(draft, file);
    return seed;
  } catch (error) {
    const existing = (error as NodeJS.ErrnoException).code === "EEXIST" && (await readSeed(file));
    if (existing) return existing;
    throw new Mp2pError("MP2P_IDENTITY", `no identity can be written to ${file}`, {
      cause: error,
      hint: "set MP2P_HOME to a folder you can write to",
    });
  } finally {
    // One that stays is no harm: it is its owner's alone, as the identity is.
    await rm(draft, { force: true }).catch(() => undefined);
  }
}

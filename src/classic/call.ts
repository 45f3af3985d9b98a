/** A classic client on a network interface. */
import { type Address, formatAddress, parseAddress } from "../base/address.ts";
import { Mp2pError } from "../base/errors.ts";
import type { Identity } from "../noise/identity.ts";
import { classicGroup } from "./classic-group.ts";
import { classicIdentity } from "./classic-identity.ts";
import { ClassicClient } from "./client.ts";
import { classicInterface } from "./interfaces.ts";
import { LONGEST_TEXT_BYTES } from "./session-data.ts";
import { KEY_BYTES } from "./signature.ts";
import { CLASSIC_PORT, ClassicSocket } from "./socket.ts";

const TIMEOUT_MS = 20_000;

export interface CallClassicOptions {
  readonly identity: Identity;
  /** Name of a network interface, as `ip link` shows it. */
  readonly interface: string;
  /** The server's group, `"ff1e::1"`. */
  readonly address: string;
  /** The server's port. Default: 1024, which the original demands. */
  readonly port?: number;
  /** The server's Ed25519 key, 32 bytes. */
  readonly key: Uint8Array;
  /** Messages, sent one after the other; up to 1,455 bytes each. */
  readonly messages: readonly Uint8Array[];
  /** Where this client listens. Default: 1025, as the original. */
  readonly localPort?: number;
  readonly usesIdentityKey?: boolean;
  /** For each message. Default: 20 s. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/**
 * Speaks the original Go mp2p, whose weaknesses docs/CLASSIC.md lists: prefer `Endpoint.connect`.
 *
 * @returns the server's answer to each message
 * @throws {Mp2pError} `MP2P_USAGE`, `MP2P_KEY_INVALID`, `MP2P_NO_NETWORK`, `MP2P_PORT_IN_USE`,
 * `MP2P_SOCKET`, or `MP2P_TIMEOUT` where no answer comes
 */
export async function callClassic(options: CallClassicOptions): Promise<readonly Uint8Array[]> {
  const { signal, timeoutMs = TIMEOUT_MS } = options;
  signal?.throwIfAborted();
  const call = await Call.open(options);
  try {
    const answers: Uint8Array[] = [];
    for (const message of options.messages) {
      answers.push(await call.request(message, timeoutMs, signal));
    }
    return answers;
  } finally {
    await call.close();
  }
}

class Call {
  readonly #client: ClassicClient;
  readonly #server: string;
  #socket: ClassicSocket | undefined;
  #timer: NodeJS.Timeout | undefined;
  #answered: ((answer: Uint8Array) => void) | undefined;

  private constructor(client: ClassicClient, server: string) {
    this.#client = client;
    this.#server = server;
  }

  static async open(options: CallClassicOptions): Promise<Call> {
    const server = checkedServer(options);
    const signer = classicIdentity(options.identity, "client", options.usesIdentityKey === true);
    const { primitives } = signer;
    const sha512 = (data: Uint8Array) => primitives.sha512(data);
    const port = options.localPort ?? CLASSIC_PORT.client;
    const group = classicGroup(signer.key, server.family, port, sha512);
    const client = new ClassicClient({ primitives, signer, address: group, server: options.key });
    const call = new Call(client, formatAddress(server));
    call.#socket = await ClassicSocket.open({
      interface: classicInterface(options.interface),
      group,
      onDatagram: (datagram) => {
        client.handle(datagram, performance.now());
        call.#step();
      },
    });
    return call;
  }

  async request(message: Uint8Array, timeoutMs: number, signal?: AbortSignal): Promise<Uint8Array> {
    const deadline = AbortSignal.timeout(timeoutMs);
    const ends = signal === undefined ? [deadline] : [deadline, signal];
    const end = AbortSignal.any(ends);
    try {
      return await new Promise<Uint8Array>((resolve, reject) => {
        end.addEventListener("abort", () => reject(end.reason), { once: true });
        this.#answered = resolve;
        this.#client.say(message, performance.now());
        this.#step();
      });
    } catch (error) {
      signal?.throwIfAborted();
      throw deadline.aborted ? this.#timeout(timeoutMs) : error;
    }
  }

  async close(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#socket?.close();
  }

  #step(): void {
    clearTimeout(this.#timer);
    const answer = this.#client.takeAnswer();
    if (answer !== undefined) this.#answered?.(answer);
    const nowMs = performance.now();
    const { send, wakeAtMs } = this.#client.poll(nowMs);
    for (const datagram of send) this.#socket?.send(datagram, this.#server);
    if (wakeAtMs === Number.POSITIVE_INFINITY) return;
    this.#timer = setTimeout(() => this.#step(), Math.max(1, wakeAtMs - nowMs));
  }

  #timeout(timeoutMs: number): Mp2pError {
    const cause = this.#socket?.sendError;
    const dropped = JSON.stringify(this.#client.drops);
    const heard = dropped === "{}" ? "nothing was heard" : `not taken: ${dropped}`;
    const what = `no answer from ${this.#server} within ${timeoutMs / 1000} s; ${heard}`;
    return new Mp2pError("MP2P_TIMEOUT", what, {
      ...(cause && { cause }),
      hint: "check address, key and interface; does the network carry multicast?",
    });
  }
}

/** @returns the server's group and port */
function checkedServer(options: CallClassicOptions): Address {
  const { address: text, port = CLASSIC_PORT.server, key, messages } = options;
  const address = parseAddress(text.includes(":") ? `[${text}]:${port}` : `${text}:${port}`);
  if (address === undefined || address.port === 0 || !isMulticast(address)) {
    const what = `not the group of a classic server: ${JSON.stringify(text.slice(0, 80))}`;
    throw new Mp2pError("MP2P_USAGE", what, {
      hint: "give the address that the server prints, without brackets and port",
    });
  }
  if (key.length !== KEY_BYTES) {
    throw new Mp2pError("MP2P_KEY_INVALID", "a classic key has 32 bytes, 64 hex digits");
  }
  if (messages.some(({ length }) => length > LONGEST_TEXT_BYTES)) {
    throw new Mp2pError("MP2P_USAGE", `a classic message has up to ${LONGEST_TEXT_BYTES} bytes`);
  }
  return address;
}

function isMulticast({ family, bytes: [first = 0] }: Address): boolean {
  return family === 6 ? first === 0xff : first >= 224 && first < 240;
}

/** A classic client and server without sockets, with random bytes that follow from a seed. */
import { ascii, concat } from "../../src/base/bytes.ts";
import { ClassicClient } from "../../src/classic/client.ts";
import {
  type ClassicPrimitives,
  ClassicServer,
  type ClassicServerOptions,
  type HeardMessage,
} from "../../src/classic/server.ts";
import { Identity } from "../../src/noise/identity.ts";
import { availableKinds, loadBackend } from "../support/backends.ts";

const [kind = "fallback"] = await availableKinds();
const { primitives: real } = await loadBackend(kind);

export const SERVER_GROUP = "[ff1e::8000:1]:1024";
export const CLIENT_GROUP = "[ff1e::8000:2]:1025";
/** Where the client's datagrams come from. */
export const CLIENT_SOURCE = "[2001:db8::2]:1025";
export const ATTACKER_SOURCE = "[2001:db8:bad::1]:4000";

export const TEXT: Uint8Array = ascii("Hello server, how are you?");
export const REPLY: Uint8Array = ascii("Hi");

/** The primitives of a backend, with random bytes that are the same at every run. */
export function seeded(seed: string): ClassicPrimitives {
  let block = ascii(seed);
  return {
    randomBytes(length) {
      let bytes: Uint8Array = new Uint8Array(0);
      while (bytes.length < length) {
        block = real.sha512(block);
        bytes = concat(bytes, block.subarray(0, 32));
      }
      return bytes.slice(0, length);
    },
    x25519: (secret, peer) => real.x25519(secret, peer),
    x25519PublicKey: (secret) => real.x25519PublicKey(secret),
    ed25519Verify: (key, message, signature) => real.ed25519Verify(key, message, signature),
  };
}

export function identity(name: string): Identity {
  return new Identity(real, real.sha512(ascii(name)).slice(0, 32));
}

export interface Lab {
  readonly server: ClassicServer;
  readonly client: ClassicClient;
  readonly serverIdentity: Identity;
  readonly clientIdentity: Identity;
  readonly heard: HeardMessage[];
}

export function lab(options: Partial<ClassicServerOptions> = {}): Lab {
  const serverIdentity = identity("server");
  const clientIdentity = identity("client");
  const heard: HeardMessage[] = [];
  const server = new ClassicServer({
    primitives: seeded("server"),
    signer: serverIdentity,
    group: SERVER_GROUP,
    answer(message) {
      heard.push(message);
      return REPLY;
    },
    ...options,
  });
  const client = newClient(clientIdentity, serverIdentity.key);
  return { server, client, serverIdentity, clientIdentity, heard };
}

export function newClient(
  signer: Identity,
  server: Uint8Array,
  seed: string = "client",
): ClassicClient {
  return new ClassicClient({ primitives: seeded(seed), signer, address: CLIENT_GROUP, server });
}

/** Everything both sides say until the client has its answer, in order. */
export interface Recorded {
  readonly declaration: Uint8Array;
  readonly initiation: Uint8Array;
  readonly answer: Uint8Array;
  readonly data: Uint8Array;
  readonly reply: Uint8Array;
}

/** One message and its answer, nothing lost. */
export function converse(
  { server, client }: Lab,
  nowMs: number = 0,
  source: string = CLIENT_SOURCE,
): Recorded {
  client.say(TEXT, nowMs);
  const [declaration, initiation] = present(client.poll(nowMs).send);
  server.handle(present(declaration), source, nowMs);
  const answer = present(server.handle(present(initiation), source, nowMs)).bytes;
  client.handle(answer, nowMs);
  const data = present(client.poll(nowMs).send[0]);
  const reply = present(server.handle(data, source, nowMs)).bytes;
  client.handle(reply, nowMs);
  return {
    declaration: present(declaration),
    initiation: present(initiation),
    answer,
    data,
    reply,
  };
}

export function present<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("nothing there");
  return value;
}

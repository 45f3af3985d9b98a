/** Two endpoints on loopback, dialled, for tests of what programs see. */
import type { ExecutionContext } from "ava";
import { Endpoint } from "../../src/endpoint/endpoint.ts";
import { Identity } from "../../src/endpoint/identity.ts";
import type { EndpointOptions } from "../../src/endpoint/options.ts";
import type { Session } from "../../src/endpoint/session.ts";

export type Kind = "native" | "fallback";

export interface Pair {
  readonly alice: Endpoint;
  readonly bob: Endpoint;
  /** Alice's end; she dialled. */
  readonly there: Session;
  /** Bob's end. */
  readonly here: Session;
}

export async function openEndpoint(
  t: ExecutionContext,
  options: Partial<EndpointOptions> = {},
): Promise<Endpoint> {
  const identity = options.identity ?? (await Identity.generate());
  const endpoint = await Endpoint.open({ bind: ["127.0.0.1:0"], ...options, identity });
  t.teardown(() => endpoint.close());
  return endpoint;
}

export async function firstOf<T>(items: AsyncIterable<T>): Promise<T> {
  for await (const item of items) return item;
  throw new Error("ended without an item");
}

export async function openPair(
  t: ExecutionContext,
  kinds: readonly [Kind, Kind],
  options: Partial<EndpointOptions> = {},
): Promise<Pair> {
  const alice = await openEndpoint(t, { ...options, backend: kinds[0] });
  const bob = await openEndpoint(t, { ...options, backend: kinds[1] });
  const there = await alice.connect(bob.ticket());
  const here = await firstOf(bob.sessions());
  return { alice, bob, there, here };
}

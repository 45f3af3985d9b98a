import { readFileSync } from "node:fs";
import test from "ava";
import fc from "fast-check";
import { fromHex, toHex } from "../../src/base/bytes.ts";
import {
  formatTicket,
  isTicketExpired,
  parseTicket,
  type Ticket,
} from "../../src/rendezvous/ticket.ts";

const ALPHABET = "ybndrfg8ejkmcpqxot1uwisza345h769";
const RUNS = process.env.MP2P_SOAK === "1" ? 5000 : 200;

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const port = fc.integer({ min: 1, max: 65_535 });
const ipv4 = fc
  .tuple(
    fc.integer({ min: 1, max: 223 }).filter((first) => first !== 127),
    fc.ipV4(),
    port,
  )
  .map(([first, ip, at]) => `${first}.${ip.split(".").slice(1).join(".")}:${at}`);
const ipv6 = fc
  .tuple(
    fc.integer({ min: 0x2000, max: 0xfdff }),
    fc.array(fc.integer({ min: 1, max: 0xffff }), { minLength: 7, maxLength: 7 }),
    port,
  )
  .map(
    ([first, rest, at]) =>
      `[${[first, ...rest].map((group) => group.toString(16)).join(":")}]:${at}`,
  );

const group = fc
  .tuple(
    fc.constantFrom("ff15::8000:", "ff3e:40:2001:db8:1:2:8000:"),
    fc.integer({ min: 1, max: 9 }),
  )
  .map(([head, tail]) => `[${head}${tail}]:6727`);

const tickets: fc.Arbitrary<Ticket> = fc.record(
  {
    key: bytes(32),
    candidates: fc.array(fc.oneof(ipv4, ipv6), { maxLength: 28 }),
    groups: fc.array(group, { minLength: 1, maxLength: 4 }),
    instance: bytes(8),
    token: bytes(16),
    expires: fc.nat({ max: 0xffff_ffff }),
    sameHost: fc.constant(true),
    castId: bytes(16),
    castSecret: bytes(16),
  },
  { requiredKeys: ["key", "candidates"], noNullPrototype: true },
) as fc.Arbitrary<Ticket>;

interface Vector {
  readonly name: string;
  readonly text: string;
  readonly key: string;
  readonly candidates: readonly string[];
  readonly groups?: readonly string[];
  readonly instance?: string;
  readonly token?: string;
  readonly expires?: number;
  readonly sameHost?: true;
  readonly castId?: string;
  readonly castSecret?: string;
}

// Read from the checkout, not from the build folder: AVA runs at the project's root.
const vectors = JSON.parse(readFileSync("__test__/vectors/ticket.json", "utf8")) as {
  readonly valid: readonly Vector[];
  readonly invalid: readonly {
    readonly name: string;
    readonly text: string;
    readonly says: string;
  }[];
};

test("a ticket comes back as it was written", (t) => {
  fc.assert(
    fc.property(tickets, (ticket) => {
      t.deepEqual(parseTicket(formatTicket(ticket)), ticket);
    }),
    { numRuns: RUNS, seed: 3 },
  );
});

test("every change of one letter is refused", (t) => {
  const text = formatTicket({
    key: new Uint8Array(32).fill(7),
    candidates: ["192.0.2.1:5000"],
    token: new Uint8Array(16),
  });
  for (let at = 0; at < text.length; at++) {
    for (const letter of `${ALPHABET}l0v2-`) {
      if (letter === text[at]) continue;
      const forged = text.slice(0, at) + letter + text.slice(at + 1);
      t.throws(() => parseTicket(forged), { code: "MP2P_TICKET_INVALID" }, `${letter} at ${at}`);
    }
  }
});

test("a ticket that lost or gained letters is refused", (t) => {
  fc.assert(
    fc.property(tickets, fc.nat(), (ticket, seed) => {
      const text = formatTicket(ticket);
      const at = seed % text.length;
      t.throws(
        () => parseTicket(text.slice(0, at)),
        { code: "MP2P_TICKET_INVALID" },
        `cut at ${at}`,
      );
      t.throws(
        () => parseTicket(text.slice(0, at) + text.slice(at + 1)),
        { code: "MP2P_TICKET_INVALID" },
        `lost ${at}`,
      );
      t.throws(() => parseTicket(`${text}y`), { code: "MP2P_TICKET_INVALID" });
    }),
    { numRuns: RUNS, seed: 3 },
  );
});

test("no text whatever makes the parser fail in another way", (t) => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.string({ unit: fc.constantFrom(...ALPHABET) }).map((text) => `mp2p1${text}`),
      ),
      (text) => {
        t.throws(() => parseTicket(text), { code: "MP2P_TICKET_INVALID" });
      },
    ),
    { numRuns: RUNS, seed: 3 },
  );
});

test("a ticket with two IPv4 candidates and an instance is 98 letters behind its prefix", (t) => {
  const ticket: Ticket = {
    key: new Uint8Array(32),
    instance: new Uint8Array(8),
    candidates: ["192.0.2.1:1", "192.0.2.2:2"],
  };
  t.is(formatTicket(ticket).length, "mp2p1".length + 98);
});

test("no ticket names an address that would make its reader a reflector", (t) => {
  const key = new Uint8Array(32);
  const refused = [
    "0.0.0.0:1",
    "0.1.2.3:1",
    "127.0.0.1:1",
    "224.0.0.1:1",
    "239.1.2.3:1",
    "240.0.0.1:1",
    "255.255.255.255:1",
    "192.0.2.1:0",
    "[::]:1",
    "[::1]:1",
    "[ff02::1]:1",
    "[fe80::1]:1",
    "[::ffff:192.0.2.1]:1",
  ];
  for (const candidate of refused) {
    t.throws(
      () => formatTicket({ key, candidates: [candidate] }),
      { instanceOf: RangeError },
      candidate,
    );
  }
  const loopback: Ticket = { key, candidates: ["127.0.0.1:1", "[::1]:1"], sameHost: true };
  t.deepEqual(parseTicket(formatTicket(loopback)), loopback);
  t.throws(() => formatTicket({ key, candidates: ["example.org:1"] }), { instanceOf: TypeError });
});

test("expiry is judged by the reader's clock", (t) => {
  const ticket: Ticket = { key: new Uint8Array(32), candidates: [], expires: 1000 };
  t.false(isTicketExpired(ticket, 1000));
  t.true(isTicketExpired(ticket, 1001));
  t.false(isTicketExpired({ key: ticket.key, candidates: [] }, 2 ** 40));
});

test("white space and upper case from a copy are forgiven", (t) => {
  const text = formatTicket({ key: new Uint8Array(32), candidates: [] });
  t.deepEqual(parseTicket(`  ${text.toUpperCase()}\r\n`), parseTicket(text));
});

for (const vector of vectors.valid) {
  const { name, text, key, candidates, instance, token, castId, castSecret, ...rest } = vector;
  test(`frozen vector: ${name}`, (t) => {
    const ticket: Ticket = {
      key: fromHex(key) as Uint8Array,
      candidates,
      ...(instance && { instance: fromHex(instance) as Uint8Array }),
      ...(token && { token: fromHex(token) as Uint8Array }),
      ...(castId && { castId: fromHex(castId) as Uint8Array }),
      ...(castSecret && { castSecret: fromHex(castSecret) as Uint8Array }),
      ...rest,
    };
    t.is(formatTicket(ticket), text);
    t.deepEqual(parseTicket(text), ticket);
    t.is(toHex(parseTicket(text).key), key);
  });
}

for (const { name, text, says } of vectors.invalid) {
  test(`frozen vector, refused: ${name}`, (t) => {
    const error = t.throws(() => parseTicket(text), { code: "MP2P_TICKET_INVALID" });
    t.true(error.message.includes(says), error.message);
  });
}

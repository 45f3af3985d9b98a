import { SocketAddress } from "node:net";
import test from "ava";
import fc from "fast-check";
import { formatAddress, parseAddress, reachOf } from "../../src/base/address.ts";
import { runs } from "../support/runs.ts";

test("an address has one spelling, the one the system gives it", (t) => {
  const property = fc.property(
    fc.oneof(fc.ipV6(), fc.ipV4()),
    fc.nat({ max: 65_535 }),
    (host, port) => {
      const isV6 = host.includes(":");
      const text = isV6 ? `[${host}]:${port}` : `${host}:${port}`;
      const parsed = parseAddress(text);
      t.truthy(parsed, text);
      const formatted = formatAddress(parsed as NonNullable<typeof parsed>);
      t.deepEqual(parseAddress(formatted), parsed, text);
      const system = new SocketAddress({ address: host, port, family: isV6 ? "ipv6" : "ipv4" })
        .address;
      // The system writes the last 32 bits of mapped and compatible addresses as IPv4.
      if (!(isV6 && system.includes(".")))
        t.is(formatted, isV6 ? `[${system}]:${port}` : `${system}:${port}`);
    },
  );
  fc.assert(property, { numRuns: runs(300) });
});

test("what is no address with a port is refused", (t) => {
  const texts = [
    "127.0.0.1",
    "127.0.0.1:65536",
    "127.0.0.1:",
    "127.0.0.01:1",
    "256.0.0.1:1",
    "1.2.3:1",
    "::1:1",
    "[::1]",
    "[:::1]:1",
    "[1::2::3]:1",
    "[1:2:3:4:5:6:7]:1",
    "[1:2:3:4:5:6:7:8:9]:1",
    "[1:2:3:4:5:6:7::8]:1 ",
    "[12345::]:1",
    "[::1%]:1",
    "[::1%a%b]:1",
    "example.com:1",
    "",
  ];
  for (const text of texts) t.is(parseAddress(text), undefined, text);
});

test("where an address reaches is told by its range", (t) => {
  const reaches = {
    "127.8.8.8:1": "loopback",
    "[::1]:1": "loopback",
    "10.0.0.1:1": "lan",
    "172.16.0.1:1": "lan",
    "172.32.0.1:1": "direct",
    "192.168.1.1:1": "lan",
    "169.254.1.1:1": "lan",
    "[fe80::1%2]:1": "lan",
    "[fd00::1]:1": "lan",
    "[2001:db8::1]:1": "direct",
    "203.0.113.1:1": "direct",
    "0.0.0.0:1": undefined,
    "[::]:1": undefined,
    "224.0.0.1:1": undefined,
    "255.255.255.255:1": undefined,
    "[ff02::1]:1": undefined,
  };
  for (const [text, reach] of Object.entries(reaches)) {
    const address = parseAddress(text);
    t.truthy(address, text);
    t.is(
      reachOf(address as NonNullable<typeof address>),
      reach as ReturnType<typeof reachOf>,
      text,
    );
  }
});

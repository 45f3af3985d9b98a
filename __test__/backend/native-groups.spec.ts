/**
 * Groups between two network namespaces with two cables: both families, bursts, hop limits, and an
 * interface that is not joined. Skipped, and says why, where namespaces cannot be made.
 */
import { platform } from "node:os";
import test, { type ExecutionContext } from "ava";
import { failureOf, Process } from "../support/process.ts";
import { testWhere } from "../support/where.ts";

const CHILD = new URL("native-groups-child.js", import.meta.url).pathname;
const SYMBOLS = 88;
const spaces = [`mp2p-ng-${process.pid}-a`, `mp2p-ng-${process.pid}-b`] as const;
const missing = platform() !== "linux" ? "not Linux" : makeSpaces();

/** Prints hop limit and length of what comes to a port by a group. */
const HOPS = `
import socket, struct, sys
s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.setsockopt(41, socket.IPV6_RECVHOPLIMIT, 1)
s.bind(("::", 6727))
for group in sys.argv[1:]:
    s.setsockopt(41, socket.IPV6_JOIN_GROUP,
                 socket.inet_pton(socket.AF_INET6, group) + struct.pack("@I", socket.if_nametoindex("v0")))
print("ready", flush=True)
while True:
    data, control, flags, source = s.recvmsg(2000, 100)
    if len(data) == 40: print("hops", struct.unpack("@i", control[0][2])[0], flush=True)
`;

test.after.always(() => {
  for (const space of spaces) failureOf(["ip", "netns", "del", space]);
});

function makeSpaces(): string | undefined {
  const [a, b] = spaces;
  const commands = [`netns add ${a}`, `netns add ${b}`];
  for (const cable of ["v0", "v1"]) {
    commands.push(`link add ${cable} netns ${a} type veth peer name ${cable} netns ${b}`);
  }
  for (const [at, space] of spaces.entries()) {
    for (const cable of [0, 1]) {
      commands.push(
        `-n ${space} addr add 10.9${cable}.0.${at + 1}/24 dev v${cable}`,
        `-n ${space} link set v${cable} addrgenmode none`,
        `-n ${space} link set v${cable} up`,
        `-n ${space} addr add fe80::${at + 1}/64 dev v${cable} nodad`,
        `-n ${space} addr add fd00:9${cable}::${at + 1}/64 dev v${cable} nodad`,
      );
    }
  }
  for (const command of commands) {
    const failure = failureOf(["ip", ...command.split(" ")]);
    if (failure !== undefined) return failure;
  }
  return undefined;
}

function child(t: ExecutionContext, space: string, role: string, groups: readonly string[]) {
  const command = ["ip", "netns", "exec", space, process.execPath, CHILD, role, ...groups];
  return new Process(t, command);
}

interface Row {
  readonly kind: number;
  readonly group: number;
  readonly count: number;
  readonly stranger: string;
  readonly object: number;
}

/** Rows of `process` until they hold `packets` packets. */
async function rowsOf(process: Process, packets: number): Promise<Row[]> {
  for (;;) {
    const lines = process.lines.filter((line) => line.startsWith("row "));
    const rows = lines.map((line) => JSON.parse(line.slice(4)) as Row);
    if (rows.reduce((sum, { count }) => sum + count, 0) >= packets) return rows;
    await process.more();
  }
}

testWhere(
  [missing],
  "a burst to a group of either family arrives in few rows, with its membership and its source",
  async (t) => {
    const groups = ["239.255.1.2%v0:6727", "[ff12::8000:1%v0]:6727", "[ff15::8000:1%v1]:6727"];
    const listener = child(t, spaces[1], "listen", groups);
    await listener.line("ready");
    const sender = child(t, spaces[0], "send", groups);
    for (const line of await sender.output()) {
      const { plain, packets, tooBig, calls } = JSON.parse(line.slice(5));
      t.deepEqual({ plain, packets, tooBig }, { plain: true, packets: SYMBOLS, tooBig: 0 });
      t.true(calls <= 4, `${calls} send calls`);
    }
    const rows = await rowsOf(listener, groups.length * (SYMBOLS + 1));
    const from = ["10.90.0.1:", "[fe80::1%v0]:", "[fd00:91::1]:"];
    for (const [index] of groups.entries()) {
      const here = rows.filter(({ group }) => group === index + 1);
      const symbols = here.filter(({ kind }) => kind === 3);
      t.is(
        symbols.reduce((sum, { count }) => sum + count, 0),
        SYMBOLS,
      );
      t.true(symbols.every(({ object }) => object === index));
      t.true(here.every(({ stranger }) => stranger.startsWith(from[index] as string)));
    }
  },
);

testWhere(
  [missing],
  "a group is heard on the interface on which it was joined, and on no other",
  async (t) => {
    const joined = ["[ff12::8000:2%v1]:6727", "239.255.1.3%v1:6727"];
    const listener = child(t, spaces[1], "listen", joined);
    await listener.line("ready");
    const groups = joined.flatMap((group) => [group.replace("v1", "v0"), group]);
    await child(t, spaces[0], "send", groups).output();
    const rows = await rowsOf(listener, joined.length * (SYMBOLS + 1));
    // Objects number the groups sent to: those on the other interface are the even ones.
    const objects = new Set(rows.filter(({ kind }) => kind === 3).map(({ object }) => object));
    t.deepEqual([...objects], [1, 3]);
  },
);

testWhere(
  [missing, failureOf(["python3", "--version"])],
  "datagrams to link scope carry 255 hops, others what was asked",
  async (t) => {
    const python = ["ip", "netns", "exec", spaces[1], "python3", "-c", HOPS];
    const receiver = new Process(t, [...python, "ff12::8000:3", "ff15::8000:3"]);
    await receiver.line("ready");
    const groups = ["[ff12::8000:3%v0]:6727", "[ff15::8000:3%v0]:6727"];
    await child(t, spaces[0], "send", groups).output();
    while (receiver.lines.length < 3) await receiver.more();
    t.deepEqual(receiver.lines.slice(1), ["hops 255", "hops 7"]);
  },
);

testWhere(
  [missing],
  "an interface that is down refuses for the moment, and its neighbours go on",
  async (t) => {
    t.is(failureOf(["ip", "-n", spaces[0], "link", "set", "v0", "down"]), undefined);
    t.teardown(() => failureOf(["ip", "-n", spaces[0], "link", "set", "v0", "up"]));
    const groups = ["239.255.1.4%v0:6727", "[ff12::8000:4%v0]:6727", "239.255.1.4%v1:6727"];
    const lines = await child(t, spaces[0], "send", groups).output();
    const sent = lines.map((line) => JSON.parse(line.slice(5)));
    t.deepEqual(
      sent.map(({ plain }) => plain),
      [false, false, true],
    );
    t.true(sent[2].calls <= 4, "segmentation is not given up for it");
  },
);

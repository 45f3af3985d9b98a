/** Groups as backend/port.ts promises them: joined, heard, told apart, left, answered, counted. */
import test, { type ExecutionContext } from "ava";
import { ROW_FRAMES, ROW_PLAIN, ROW_SYMBOLS, type StrangerFilter } from "../../src/backend/port.ts";
import { ascii, concat } from "../../src/base/bytes.ts";
import { announcement, type GroupPlace, groupOn, openMember } from "./group-place.ts";
import { frames, keysOf, type Opened, patterned, planOf, Wire } from "./harness.ts";
import { answerTo, init, openCookie, packet } from "./packets.ts";
import { type Mix, RECEIVE_SLOT, SEND_SLOT } from "./pair.ts";

const OPEN: StrangerFilter = {
  addressees: [],
  initsPerSecond: 0,
  initsPerSourcePerSecond: 0,
  initsPerSourceBurst: 0,
  announcementsPerSecond: 1_000,
};

export interface GroupMix extends Mix {
  readonly place: GroupPlace;
}

/** @param name - backends and place */
export function groupConformance(name: string, mix: GroupMix): void {
  hearing(name, mix);
  leaving(name, mix);
  sealed(name, mix);
  strangers(name, mix);
}

interface Members {
  readonly from: Opened;
  readonly to: Opened;
}

async function openBoth(t: ExecutionContext, mix: GroupMix): Promise<Members> {
  const [from, to] = [
    await openMember(t, mix.from, mix.place),
    await openMember(t, mix.to, mix.place),
  ];
  for (const { socket } of [from, to]) socket.setFilter(OPEN);
  return { from, to };
}

/** Announcements heard by now, by their number and membership. */
function heard({ recorder }: Opened): readonly (readonly [number: number, group: number])[] {
  return recorder.rows
    .filter((row) => row.kind === ROW_PLAIN && row.bytes[0] === 0x58)
    .map((row) => [row.bytes[1] as number, row.group] as const);
}

async function untilHeard(member: Opened, number: number): Promise<void> {
  await member.recorder.until(() => heard(member).some(([each]) => each === number));
}

function hearing(name: string, { place, ...mix }: GroupMix): void {
  test(`${name}: a member hears the group by its membership's number, with the sender's address`, async (t) => {
    const { from, to } = await openBoth(t, { place, ...mix });
    const [one, other] = [groupOn(place), groupOn(place)];
    const [first, second] = [to.socket.join(other), to.socket.join(one)];
    t.true(first >= 1 && second >= 1 && first !== second);
    t.is(to.socket.join(one), second, "joined already");
    t.true(from.socket.sendPlain(one, announcement(1)));
    t.true(from.socket.sendPlain(other, announcement(2)));
    await untilHeard(to, 1);
    await untilHeard(to, 2);
    t.deepEqual([...heard(to)].sort(), [
      [1, second],
      [2, first],
    ]);
    const source = to.recorder.rows[0]?.stranger ?? "";
    t.regex(source, /^(\d+\.\d+\.\d+\.\d+|\[[0-9a-f:]+(%\w+)?\]):\d+$/);
    t.is(to.recorder.rows[1]?.stranger, source, "both left by one port");
  });

  test(`${name}: an answer to the source of a group's datagram arrives, by unicast`, async (t) => {
    const { from, to } = await openBoth(t, { place, ...mix });
    const group = groupOn(place);
    to.socket.join(group);
    const cid = ascii("answered");
    from.socket.expect(cid);
    from.socket.sendPlain(group, announcement(1));
    await untilHeard(to, 1);
    const source = to.recorder.rows[0]?.stranger as string;
    const resp = answerTo(cid, 0x51, 320);
    t.true(to.socket.sendPlain(source, resp));
    await from.recorder.untilPackets(1);
    const [row] = from.recorder.rows;
    t.deepEqual(row?.bytes, resp);
    t.is(row?.group, 0);
  });

  test(`${name}: every member of a group hears it once, the sender too`, async (t) => {
    const { from, to } = await openBoth(t, { place, ...mix });
    const third = await openMember(t, mix.to, place);
    third.socket.setFilter(OPEN);
    const [group, sentinel] = [groupOn(place), groupOn(place)];
    for (const { socket } of [from, to, third]) {
      socket.join(group);
      socket.join(sentinel);
    }
    from.socket.sendPlain(group, announcement(1));
    for (const member of [from, to, third]) await untilHeard(member, 1);
    await settle(from, [from, to, third], sentinel);
    for (const member of [from, to, third]) {
      t.is(heard(member).filter(([number]) => number === 1).length, 1);
    }
  });

  test(`${name}: a group that nobody joined takes datagrams, and so does one that is not ours`, async (t) => {
    const { from } = await openBoth(t, { place, ...mix });
    const group = groupOn(place);
    const path = from.socket.addPath(group);
    t.is(from.socket.addPath(group), path);
    from.socket.installSend(SEND_SLOT, keysOf(1));
    t.is(from.socket.sendSealed(SEND_SLOT, path, planOf([frames(1)])).packets, 1);
    t.true(from.socket.sendPlain(group, announcement(1)));
    while (from.socket.counters().packetsSent < 2) await new Promise(setImmediate);
    t.deepEqual(from.recorder.failures, []);
    t.is(from.recorder.rows.length, 0);
  });

  test(`${name}: fifty groups are heard, each by its own number and once`, async (t) => {
    const { from, to } = await openBoth(t, { place, ...mix });
    const groups = Array.from({ length: 50 }, () => groupOn(place));
    const numbers = groups.map((group) => to.socket.join(group));
    t.is(new Set(numbers).size, groups.length);
    for (const [at, group] of groups.entries()) from.socket.sendPlain(group, announcement(at));
    for (const at of groups.keys()) await untilHeard(to, at);
    await settle(from, [to], groups[0] as string);
    const ours = heard(to).filter(([number]) => number < groups.length);
    t.deepEqual(
      [...ours].sort((a, b) => a[0] - b[0]),
      [...numbers.entries()],
    );
  });
}

let sentinels = 100;

/**
 * What was sent before has been read once two datagrams of a group came one after the other: a turn
 * of the event loop, or of the receive thread, lies between them.
 */
async function settle(from: Opened, members: readonly Opened[], group: string): Promise<void> {
  for (let turn = 0; turn < 2; turn++) {
    sentinels = 100 + ((sentinels + 1) % 150);
    const number = sentinels;
    from.socket.sendPlain(group, announcement(number));
    for (const member of members) await untilHeard(member, number);
  }
}

function leaving(name: string, { place, ...mix }: GroupMix): void {
  test(`${name}: what was left is heard no more, and again once it is joined anew`, async (t) => {
    const { from, to } = await openBoth(t, { place, ...mix });
    const [group, kept] = [groupOn(place), groupOn(place)];
    const number = to.socket.join(group);
    to.socket.join(kept);
    from.socket.sendPlain(group, announcement(1));
    await untilHeard(to, 1);
    to.socket.leave(number);
    to.socket.leave(number);
    from.socket.sendPlain(group, announcement(2));
    await settle(from, [to], kept);
    t.false(heard(to).some(([each]) => each === 2));
    const anew = to.socket.join(group);
    t.not(anew, number, "a number rests");
    from.socket.sendPlain(group, announcement(3));
    await untilHeard(to, 3);
    t.deepEqual(
      heard(to).find(([each]) => each === 3),
      [3, anew],
    );
  });

  test(`${name}: a group that another program joined does not reach those who did not`, async (t) => {
    const { from, to } = await openBoth(t, { place, ...mix });
    const neighbour = await openMember(t, mix.to, place);
    neighbour.socket.setFilter(OPEN);
    const [theirs, ours] = [groupOn(place), groupOn(place)];
    neighbour.socket.join(theirs);
    to.socket.join(ours);
    from.socket.sendPlain(theirs, announcement(1));
    await untilHeard(neighbour, 1);
    await settle(from, [to], ours);
    t.false(heard(to).some(([each]) => each === 1));
    const { droppedGroup, packetsReceived } = to.socket.counters();
    t.is(packetsReceived, 2 + droppedGroup, "what did arrive is counted");
  });

  test(`${name}: when a socket is closed its groups are left and its port can be had`, async (t) => {
    const { from, to } = await openBoth(t, { place, ...mix });
    const group = groupOn(place);
    to.socket.join(group);
    from.socket.addPath(group);
    await Promise.all([to.socket.close(), from.socket.close()]);
    t.false(from.socket.sendPlain(group, announcement(1)));
    t.throws(() => to.socket.join(group));
    const [next, sender] = [
      await openMember(t, mix.to, place),
      await openMember(t, mix.from, place),
    ];
    next.socket.setFilter(OPEN);
    next.socket.join(group);
    sender.socket.sendPlain(group, announcement(2));
    await untilHeard(next, 2);
    t.is(to.recorder.rows.length, 0);
  });
}

function sealed(name: string, { place, ...mix }: GroupMix): void {
  test(`${name}: symbols sealed to a group arrive at every member in joined rows`, async (t) => {
    const { from, to } = await openBoth(t, { place, ...mix });
    const third = await openMember(t, mix.from, place);
    const keys = { ...keysOf(1), suite: mix.suite };
    const group = groupOn(place);
    from.socket.installSend(SEND_SLOT, keys);
    const path = from.socket.addPath(group);
    const block = patterned(128 * 1_160);
    const plan = planOf([
      frames(7),
      { kind: "symbols", bytes: block, stream: 3, offset: 5 * 65_536 },
    ]);
    const members = [to, third].map((member) => {
      member.socket.installReceive(RECEIVE_SLOT, keys);
      return { ...member, number: member.socket.join(group) };
    });
    t.is(from.socket.sendSealed(SEND_SLOT, path, plan).packets, 129);
    for (const { recorder, number } of members) {
      await recorder.untilPackets(129);
      t.true(recorder.rows.every((row) => row.group === number && row.slot === RECEIVE_SLOT));
      t.deepEqual(recorder.rows[0]?.kind, ROW_FRAMES);
      const symbols = recorder.rows.filter((row) => row.kind === ROW_SYMBOLS);
      t.is(Buffer.compare(concat(...symbols.map((row) => row.bytes)), block), 0);
      let next = 5 * 65_536;
      for (const row of symbols) {
        t.like(row, { stream: 3, offset: next });
        next += row.count;
      }
      t.true(symbols.length < 64, `${symbols.length} rows for 128 packets`);
    }
  });

  test(`${name}: what cannot be opened is counted by its source and interface`, async (t) => {
    const { from, to } = await openBoth(t, { place, ...mix });
    const keys = { ...keysOf(1), suite: mix.suite };
    const group = groupOn(place);
    to.socket.join(group);
    to.socket.installReceive(RECEIVE_SLOT, keys);
    const good = packet(keys, 7, Uint8Array.of(1));
    const forged = good.slice();
    forged[20] = (forged[20] as number) ^ 1;
    forged[14] = 8;
    const foreign = packet(keysOf(2), 9, Uint8Array.of(1));
    for (const datagram of [good, good, forged, foreign, foreign, good, foreign]) {
      t.true(from.socket.sendPlain(group, datagram));
    }
    // By unicast it is nobody's of a group.
    from.socket.sendPlain(to.address, foreign);
    from.socket.sendPlain(group, packet(keys, 8, Uint8Array.of(2)));
    await to.recorder.untilPackets(2);
    while (to.socket.counters().packetsReceived < 9) await new Promise(setImmediate);
    t.deepEqual(
      to.recorder.rows.map((row) => row.packet),
      [7, 8],
    );
    const source = to.recorder.rows[0]?.stranger;
    t.deepEqual(to.socket.groupDrops(), [
      { source, interface: place.interface, unknown: 3, forged: 1, replayed: 2 },
    ] as never);
    const { droppedUnknown, droppedForged, droppedReplayed } = to.socket.counters();
    t.deepEqual([droppedUnknown, droppedForged, droppedReplayed], [4, 1, 2]);
  });
}

function strangers(name: string, { place, ...mix }: GroupMix): void {
  test(`${name}: announcements pass by groups only, and at their rate`, async (t) => {
    const { from, to } = await openBoth(t, { place, ...mix });
    const [group, sealedGroup] = [groupOn(place), groupOn(place)];
    const [number] = [to.socket.join(group), to.socket.join(sealedGroup)];
    for (const announcementsPerSecond of [0, 5]) {
      const before = { ...to.socket.counters(), heard: heard(to).length };
      to.socket.setFilter({ ...OPEN, announcementsPerSecond });
      for (let each = 0; each < 60; each++) from.socket.sendPlain(group, announcement(each));
      const limited = () => to.socket.counters().droppedLimited - before.droppedLimited;
      const passed = () => heard(to).length - before.heard;
      while (limited() + passed() < 60) await new Promise(setImmediate);
      if (announcementsPerSecond === 0) t.is(passed(), 0);
      // More than one where the sixty took longer than two seconds to come.
      else t.true(passed() >= 1 && passed() < 60, `${passed()} passed`);
    }
    t.true(heard(to).every(([, by]) => by === number));
    const { droppedMalformed } = to.socket.counters();
    from.socket.sendPlain(to.address, announcement(1));
    from.socket.sendPlain(group, Uint8Array.of(0x58, 1, 0));
    while (to.socket.counters().droppedMalformed < droppedMalformed + 2)
      await new Promise(setImmediate);
    t.pass("unicast and three bytes are no announcements");
  });

  const [host, other] = place.hosts;
  const withTwoHosts = host === other ? test.skip : test;
  withTwoHosts(
    `${name}: a host that announces without end leaves its neighbour heard`,
    async (t) => {
      const { from, to } = await openBoth(t, { place, ...mix });
      const neighbour = await openMember(t, mix.from, place, other);
      const group = groupOn(place);
      to.socket.join(group);
      to.socket.setFilter({ ...OPEN, announcementsPerSecond: 3 });
      for (let each = 0; each < 60; each++) from.socket.sendPlain(group, announcement(1));
      while (to.socket.counters().droppedLimited + heard(to).length < 60)
        await new Promise(setImmediate);
      neighbour.socket.sendPlain(group, announcement(2));
      const limited = to.socket.counters().droppedLimited;
      while (to.socket.counters().droppedLimited + heard(to).length < 61)
        await new Promise(setImmediate);
      t.is(to.socket.counters().droppedLimited, limited);
      t.true(heard(to).some(([number]) => number === 2));
    },
  );

  test(`${name}: a cookie goes back to the group that the INIT came by, and only who asked takes it`, async (t) => {
    const { from, to } = await openBoth(t, { place, ...mix });
    const group = groupOn(place);
    const me = { mac1Key: new Uint8Array(32).fill(1), cookieKey: new Uint8Array(32).fill(2) };
    to.socket.join(group);
    const by = from.socket.join(group);
    to.socket.setFilter({ ...OPEN, addressees: [me] });
    const scid = ascii("question");
    from.socket.expect(scid);
    const question = init({ ...me, scid });
    from.socket.sendPlain(group, question);
    await from.recorder.untilPackets(1);
    const [answer] = from.recorder.rows;
    t.is(answer?.group, by);
    t.notThrows(() => openCookie(answer?.bytes as Uint8Array, me.cookieKey, question));
    t.is(to.socket.counters().cookiesSent, 1);
    t.is(to.recorder.rows.length, 0);
  });

  test(`${name}: a datagram to the groups' port by unicast is nobody's`, async (t) => {
    const { from, to } = await openBoth(t, { place, ...mix });
    const group = groupOn(place);
    to.socket.join(group);
    const host = to.address.slice(0, to.address.lastIndexOf(":"));
    from.socket.sendPlain(`${host}:${place.port}`, announcement(1));
    await settle(from, [to], group);
    t.false(heard(to).some(([number]) => number === 1));
  });

  if (place.family === 4 && place.interface === "lo") {
    test(`${name}: a port that a program keeps for itself is named`, async (t) => {
      const taken = await Wire.bind(t, "0.0.0.0");
      const port = Number(taken.address.slice(taken.address.lastIndexOf(":") + 1));
      const to = await openMember(t, mix.to, { ...place, port });
      const error = t.throws(() => to.socket.join(groupOn({ ...place, port })), {
        code: "MP2P_NO_MULTICAST",
      });
      t.regex(String(error), new RegExp(`share port ${port}`));
    });
  }
}

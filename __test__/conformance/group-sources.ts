/** Groups for one source, on several interfaces, and what cannot be joined. */
import test, { type ExecutionContext } from "ava";
import type { StrangerFilter } from "../../src/backend/port.ts";
import {
  announcement,
  type GroupPlace,
  groupNumbered,
  groupOn,
  groupOnEach,
  openMember,
} from "./group-place.ts";
import { type Load, type Opened, open } from "./harness.ts";

const OPEN: StrangerFilter = {
  addressees: [],
  initsPerSecond: 0,
  initsPerSourcePerSecond: 0,
  initsPerSourceBurst: 0,
  announcementsPerSecond: 10_000,
};

async function member(
  t: ExecutionContext,
  load: Load,
  place: GroupPlace,
  host?: string,
): Promise<Opened> {
  const opened = await openMember(t, load, place, host);
  opened.socket.setFilter(OPEN);
  return opened;
}

/** One on each host, and who hears them; undefined, and says so, where nobody can join for one source. */
async function threeMembers(t: ExecutionContext, load: Load, place: GroupPlace) {
  if (!(await load()).capabilities.sourceSpecific) {
    t.log("skipped: this system cannot join for one source");
    return undefined;
  }
  const one = await member(t, load, place);
  const other = await member(t, load, place, place.hosts[1]);
  return { one, other, to: await member(t, load, place) };
}

/** Number of each announcement and the membership it came by, sorted. */
function heard({ recorder }: Opened): readonly string[] {
  return recorder.rows.map(({ bytes, group }) => `${bytes[1]} by ${group}`).sort();
}

async function until({ recorder }: Opened, announcements: number): Promise<void> {
  await recorder.until(() => recorder.rows.length >= announcements);
}

/** `"192.0.2.1"`, `"::1"` */
function bare(host: string): string {
  return host.replace(/^\[|\]$/g, "");
}

export function groupSourceConformance(name: string, load: Load, place: GroupPlace): void {
  // 232/8 and ff3x::/96, which systems keep for groups of one source (RFC 4607).
  const sourceGroup = () => groupOn(place, place.family === 4 ? 232 : 3);

  test(`${name}: a membership for one source hears that source only`, async (t) => {
    const members = await threeMembers(t, load, place);
    if (members === undefined) return t.pass();
    const { one, other, to } = members;
    const [group, both] = [sourceGroup(), sourceGroup()];
    const number = to.socket.join(group, bare(place.hosts[1]));
    one.socket.sendPlain(group, announcement(1));
    other.socket.sendPlain(group, announcement(2));
    await until(to, 1);
    const second = to.socket.join(both, bare(place.hosts[0]));
    const third = to.socket.join(both, bare(place.hosts[1]));
    one.socket.sendPlain(both, announcement(3));
    other.socket.sendPlain(both, announcement(4));
    one.socket.sendPlain(group, announcement(5));
    other.socket.sendPlain(group, announcement(6));
    await until(to, 4);
    const expected = [`2 by ${number}`, `3 by ${second}`, `4 by ${third}`, `6 by ${number}`];
    t.deepEqual(heard(to), expected);
    to.socket.leave(second);
    one.socket.sendPlain(both, announcement(7));
    other.socket.sendPlain(both, announcement(8));
    await until(to, 5);
    t.deepEqual(heard(to), [...expected, `8 by ${third}`]);
  });

  test(`${name}: any source beside one: each datagram comes by one membership`, async (t) => {
    const members = await threeMembers(t, load, place);
    if (members === undefined) return t.pass();
    const { one, other, to } = members;
    const group = groupOn(place);
    const forOne = to.socket.join(group, bare(place.hosts[0]));
    const forAny = to.socket.join(group);
    for (let each = 0; each < 20; each += 2) {
      one.socket.sendPlain(group, announcement(each));
      other.socket.sendPlain(group, announcement(each + 1));
    }
    await until(to, 20);
    const numbers = new Set(to.recorder.rows.map(({ bytes }) => bytes[1]));
    t.is(numbers.size, 20);
    for (const { bytes, group: by } of to.recorder.rows) {
      if ((bytes[1] as number) % 2 === 1) t.is(by, forAny);
      else t.true(by === forOne || by === forAny);
    }
  });

  test(`${name}: what is no group, or not for us, is refused and says why`, async (t) => {
    const to = await member(t, load, place);
    const without = await open(t, load, [`${place.hosts[0]}:0`]);
    const good = groupOn(place);
    const otherFamily = { ...place, family: place.family === 4 ? 6 : 4, scope: 2 } as const;
    const foreign = groupNumbered(otherFamily, 1);
    const wrong: Readonly<Record<string, () => unknown>> = {
      "no address": () => to.socket.join("all of them"),
      "a unicast address": () => to.socket.join(`${place.hosts[0]}:${place.port}`),
      "no interface": () => to.socket.join(good.replace(/%\w+/, "")),
      "another port": () => to.socket.join(good.replace(/\d+$/, "9")),
      "a group as its source": () => to.socket.join(good, bare(good.replace(/%.*/, ""))),
      "a source of the other family": () =>
        to.socket.join(good, place.family === 4 ? "::1" : "127.0.0.1"),
      "a source that is none": () => to.socket.join(good, "somebody"),
      "a path to no interface": () => to.socket.addPath(good.replace(/%\w+/, "")),
    };
    for (const [label, call] of Object.entries(wrong)) {
      t.throws(call, { instanceOf: RangeError }, label);
    }
    const refused: Readonly<Record<string, () => unknown>> = {
      "an interface that is not there": () => to.socket.join(good.replace(/%\w+/, "%nosuch0")),
      "a path to one": () => to.socket.addPath(good.replace(/%\w+/, "%nosuch0")),
      "a family that is not bound": () => to.socket.join(foreign),
      "a socket without groups": () => without.socket.join(good),
      "a path of a socket without groups": () => without.socket.addPath(good),
      "a datagram of a socket without groups": () =>
        without.socket.sendPlain(good, announcement(1)),
    };
    for (const [label, call] of Object.entries(refused)) {
      const error = t.throws(call, { code: "MP2P_NO_MULTICAST" }, label);
      t.true((error as { hint?: string }).hint !== undefined, label);
    }
    const gone = good.replace(/%\w+/, "%nosuch0");
    t.false(to.socket.sendPlain(gone, announcement(1)), "interfaces go at any moment");
  });
}

/** Places that differ in their interface only. */
export function groupInterfaceConformance(
  name: string,
  load: Load,
  places: readonly GroupPlace[],
): void {
  test(`${name}: a group is heard on the interfaces it was joined on, and left one by one`, async (t) => {
    const [here, there] = places as [GroupPlace, GroupPlace];
    const [from, to] = await twoAnywhere(t, load, here);
    const [onHere, onThere] = groupOnEach([here, there]) as [string, string];
    const one = to.socket.join(onHere);
    from.socket.sendPlain(onThere, announcement(1));
    from.socket.sendPlain(onHere, announcement(2));
    await until(to, 1);
    const other = to.socket.join(onThere);
    from.socket.sendPlain(onThere, announcement(3));
    await until(to, 2);
    from.socket.sendPlain(onHere, announcement(4));
    await until(to, 3);
    to.socket.leave(one);
    from.socket.sendPlain(onHere, announcement(5));
    from.socket.sendPlain(onThere, announcement(6));
    await until(to, 4);
    t.deepEqual(heard(to), [`2 by ${one}`, `3 by ${other}`, `4 by ${one}`, `6 by ${other}`]);
  });

  test(`${name}: a group on ${places.length} interfaces is heard on each, once`, async (t) => {
    const [place] = places as [GroupPlace];
    const [from, to] = await twoAnywhere(t, load, place);
    const groups = groupOnEach(places);
    const numbers = groups.map((group) => to.socket.join(group));
    for (const turn of [0, 1]) {
      for (const [at, group] of groups.entries())
        from.socket.sendPlain(group, announcement(at + turn * 100));
      await until(to, groups.length * (turn + 1));
    }
    const expected = [0, 100].flatMap((turn) => numbers.map((by, at) => `${at + turn} by ${by}`));
    t.deepEqual(heard(to), expected.sort());
  });
}

async function twoAnywhere(
  t: ExecutionContext,
  load: Load,
  place: GroupPlace,
): Promise<readonly [from: Opened, to: Opened]> {
  const host = place.family === 4 ? "0.0.0.0" : "[::]";
  return [await member(t, load, place, host), await member(t, load, place, host)];
}

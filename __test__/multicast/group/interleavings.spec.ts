import test from "ava";
import fc from "fast-check";
import { equalBytes } from "../../../src/base/bytes.ts";
import { newMember, type SimMember } from "../../sim/group-member.ts";
import { GroupNet } from "../../sim/group-net.ts";
import { testPrimitives } from "../../support/primitives.ts";
import { runs } from "../../support/runs.ts";

const [[, primitives]] = (await testPrimitives()) as [
  Awaited<ReturnType<typeof testPrimitives>>[0],
];

type Step =
  | { readonly kind: "say"; readonly who: number; readonly count: number; readonly bytes: number }
  | { readonly kind: "join" }
  | { readonly kind: "leave"; readonly who: number }
  | { readonly kind: "remove"; readonly who: number; readonly whom: number }
  | { readonly kind: "wait"; readonly ms: number }
  | { readonly kind: "full"; readonly who: number; readonly room: number };

const who = fc.nat(5);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant("say" as const),
      who,
      count: fc.integer({ min: 1, max: 40 }),
      bytes: fc.constantFrom(0, 10, 983, 984, 985, 5000, 65_000),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("join" as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("leave" as const), who }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("remove" as const), who, whom: who }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("wait" as const),
      ms: fc.constantFrom(1, 5, 40, 1500),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("full" as const), who, room: fc.nat(20) }),
  },
);

const network = fc.record({
  seed: fc.integer(),
  loss: fc.constantFrom(0, 0.05, 0.3),
  duplicate: fc.constantFrom(0, 0.2),
  jitterMs: fc.constantFrom(0, 5, 40),
  streamDelayMs: fc.constantFrom(0.1, 5, 50),
});

/** What one member said, in order, with the moments at which others came to hear it and went. */
interface Speech {
  readonly member: SimMember;
  readonly said: string[];
  /** How much was said when another joined, and left. */
  readonly joinedAt: Map<SimMember, number>;
  readonly leftAt: Map<SimMember, number>;
}

class Scene {
  readonly net: GroupNet;
  readonly speeches: Speech[] = [];
  readonly #reliable: boolean;

  constructor(options: ConstructorParameters<typeof GroupNet>[1], reliable: boolean) {
    this.net = new GroupNet(primitives, options);
    this.#reliable = reliable;
    for (let count = 0; count < 3; count++) this.act({ kind: "join" });
  }

  act(step: Step): void {
    const at = (index: number) => this.speeches[index % this.speeches.length] as Speech;
    switch (step.kind) {
      case "say":
        for (let count = 0; count < step.count; count++) this.#say(at(step.who), step.bytes);
        break;
      case "join":
        if (this.speeches.length < 7) this.#join();
        break;
      case "leave":
        if (this.speeches.length > 5) at(step.who).member.leave();
        break;
      case "remove": {
        const { member } = at(step.who);
        if (this.speeches.length > 5 && member !== at(step.whom).member && !member.gone)
          member.engine.remove(at(step.whom).member.party.key);
        break;
      }
      case "wait":
        this.run(step.ms);
        break;
      case "full":
        at(step.who).member.hub.socketRoom = step.room;
        break;
    }
  }

  run(ms: number, done?: () => boolean): void {
    const until = this.net.clock.now + ms;
    while (this.net.clock.now < until && !done?.()) {
      this.net.clock.run(Math.min(until, this.net.clock.now + 1));
      this.#note();
    }
  }

  #join(): void {
    const member = newMember(this.net, { reliable: this.#reliable });
    for (const [index, other] of this.speeches.entries())
      if (index % 2 === 0) member.meet(other.member);
      else other.member.meet(member);
    this.speeches.push({ member, said: [], joinedAt: new Map(), leftAt: new Map() });
  }

  #say({ member, said }: Speech, bytes: number): void {
    if (member.gone) return;
    const alone = member.engine.members.length === 0;
    const text = `${said.length} `.padEnd(bytes, ".");
    // Alone it may or may not be heard: somebody could be about to join.
    if (member.say(text) && !alone) said.push(text);
    else if (alone) said.push(text);
  }

  #note(): void {
    for (const speech of this.speeches) {
      for (const { member: other } of this.speeches) {
        const isMember = speech.member.engine.members.some(({ channel }) =>
          equalBytes(channel.peer.key, other.party.key),
        );
        const { joinedAt, leftAt, said } = speech;
        if (isMember && !joinedAt.has(other)) joinedAt.set(other, said.length);
        if (!isMember && joinedAt.has(other) && !leftAt.has(other)) leftAt.set(other, said.length);
      }
    }
  }
}

function isMemberOf(one: SimMember, other: SimMember): boolean {
  return one.engine.members.some(({ channel }) => equalBytes(channel.peer.key, other.party.key));
}

/** What a listener got of a speaker, against what it was promised. */
function assertPromise({ member, said, joinedAt, leftAt }: Speech, other: SimMember): void {
  const heard = other.heard(member);
  // In order and without a gap, whatever happened to either.
  const from = said.indexOf(heard[0] as string);
  if (heard.length > 0 && said.slice(from, from + heard.length).join() !== heard.join())
    throw new Error(`out of order: ${heard.map((text) => text.trim().slice(0, 6))}`);
  const stayed = joinedAt.has(other) && !leftAt.has(other) && !member.gone && !other.gone;
  if (!stayed || !isMemberOf(member, other) || !isMemberOf(other, member)) return;
  const due = said.slice(joinedAt.get(other));
  promised += due.length;
  const last = heard.slice(heard.length - due.length);
  if (due.length > heard.length || last.join() !== due.join())
    throw new Error(`${due.length} due, ${heard.length} heard`);
}

let promised = 0;

test("reliable: through any joins, departures, loss, reordering and full sockets, members get all, in order, once", (t) => {
  fc.assert(
    fc.property(network, fc.array(step, { maxLength: 30 }), (options, steps) => {
      const scene = new Scene(options, true);
      for (const each of steps) scene.act(each);
      const speaking = () => scene.speeches.filter(({ member }) => !member.gone);
      scene.run(120_000, () => speaking().every(({ member }) => member.engine.flushed));
      for (const speech of scene.speeches) {
        for (const { member } of scene.speeches) assertPromise(speech, member);
        if (speech.member.delivered.some(({ lost }) => lost > 0)) throw new Error("a gap");
      }
    }),
    { numRuns: runs(60) },
  );
  t.log(`${promised} deliveries were due`);
  t.true(promised > 100);
});

test("unreliable: numbers only rise, and lost says exactly what is missing", (t) => {
  fc.assert(
    fc.property(network, fc.array(step, { maxLength: 30 }), (options, steps) => {
      const scene = new Scene(options, false);
      for (const each of steps) scene.act(each);
      scene.run(5000);
      for (const { member, said } of scene.speeches) {
        for (const { member: other } of scene.speeches) {
          const heard = other.delivered.filter(({ from }) => equalBytes(from, member.party.key));
          for (const [index, { seq, lost, data }] of heard.entries()) {
            const text = String.fromCharCode(...data);
            if (!said.includes(text)) throw new Error(`never said: ${text.slice(0, 20)}`);
            const before = heard[index - 1];
            if (before !== undefined && seq !== before.seq + lost + 1)
              throw new Error("miscounted");
          }
        }
      }
    }),
    { numRuns: runs(40) },
  );
  t.pass();
});

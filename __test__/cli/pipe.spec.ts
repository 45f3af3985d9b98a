/** Stdin to stdout, both ways, by the real binary. */
import { join } from "node:path";
import test from "ava";
import { Command, temporaryFolder } from "./command.ts";

const BIND = ["--bind", "127.0.0.1:0"];

test("a pipe carries both directions, and each ends on its own", async (t) => {
  const root = temporaryFolder(t);
  const events = { eventsOn: "stderr" } as const;
  const bob = new Command(t, join(root, "bob"), ["listen", "--pipe", "--json", ...BIND], events);
  const { ticket } = await bob.event("ready");
  const alice = new Command(t, join(root, "alice"), ["connect", ticket, "--json"], events);

  const question = Buffer.alloc(2_000_000, "question ");
  alice.child.stdin.end(question);
  const heard: Buffer[] = [];
  await new Promise<void>((resolve) => {
    bob.child.stdout.on("data", (chunk: Buffer) => {
      heard.push(chunk);
      if (Buffer.concat(heard).length === question.length) resolve();
    });
  });
  t.deepEqual(Buffer.concat(heard), question);

  // Alice's direction is over; Bob's still works.
  const answer = Buffer.alloc(1_000_000, "answer ");
  bob.child.stdin.end(answer);
  const [asked, answered] = await Promise.all([alice.ended, bob.ended]);
  t.is(asked.code, 0, asked.stderr);
  t.is(answered.code, 0, answered.stderr);
  t.is(asked.stdout, answer.toString("latin1"));
  t.like(alice.events.at(-1), { t: "done", bytes: 3_000_000 });
  t.is(bob.events.at(-1)?.t, "done");
});

test("the ticket may be the first line of stdin, the data what follows", async (t) => {
  const root = temporaryFolder(t);
  const events = { eventsOn: "stderr" } as const;
  const bob = new Command(t, join(root, "bob"), ["listen", "--pipe", "--json", ...BIND], events);
  bob.child.stdin.end();
  const { ticket } = await bob.event("ready");
  const alice = new Command(t, join(root, "alice"), ["connect", "-"]);
  alice.child.stdin.end(`${ticket}\nhello\n`);
  t.is((await bob.ended).stdout, "hello\n");
  t.is((await alice.ended).code, 0);
});

test("a pipe that names its peer takes no other", async (t) => {
  const root = temporaryFolder(t);
  const events = { eventsOn: "stderr" } as const;
  const id = await new Command(t, join(root, "alice"), ["id"]).ended;
  const listen = ["listen", "--pipe", "--allow", id.stdout.trim(), "--json", ...BIND];
  const bob = new Command(t, join(root, "bob"), listen, events);
  bob.child.stdin.end("for alice");
  const { ticket } = await bob.event("ready");
  const eve = new Command(t, join(root, "eve"), ["connect", ticket, "--json"], events);
  eve.child.stdin.end();
  t.is((await eve.ended).code, 5);
  const alice = new Command(t, join(root, "alice"), ["connect", ticket]);
  alice.child.stdin.end();
  t.is((await alice.ended).stdout, "for alice");
  t.is((await bob.ended).code, 0);
});

test("whoever stops reading a pipe ends it at both ends, at once", async (t) => {
  const root = temporaryFolder(t);
  const events = { eventsOn: "stderr" } as const;
  const bob = new Command(t, join(root, "bob"), ["listen", "--pipe", "--json", ...BIND], events);
  const { ticket } = await bob.event("ready");
  const alice = new Command(t, join(root, "alice"), ["connect", ticket, "--json"], events);
  bob.child.stdin.write(Buffer.alloc(4_000_000));
  alice.child.stdout.once("data", () => alice.child.stdout.destroy());
  t.is((await alice.ended).code, 1);
  t.is((await bob.ended).code, 1);
  t.is(bob.events.at(-1)?.t, "error");
});

test("files sent to a pipe are refused with a reason", async (t) => {
  const root = temporaryFolder(t);
  const events = { eventsOn: "stderr" } as const;
  const bob = new Command(t, join(root, "bob"), ["listen", "--pipe", "--json", ...BIND], events);
  const { ticket } = await bob.event("ready");
  const alice = new Command(t, join(root, "alice"), ["send", root, "--to", ticket, "--json"]);
  t.is((await alice.ended).code, 5);
  t.like(alice.events.at(-1), { t: "error", code: "MP2P_NO_SUCH_SERVICE" });
});

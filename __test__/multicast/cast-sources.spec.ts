/** Who records packets of a cast and sends them again keeps nobody from learning who its sender is. */
import test from "ava";
import { SourceBook } from "../../src/multicast/cast/source-book.ts";

const SENDER = "192.0.2.1:6727";
const INTERFACE = "eth0";
const PORTS = 600;
const TURNS = 5000;
const WORD_EVERY_MS = 200;

test("a late receiver checks the sender's word at once, however many ports of a host replay", (t) => {
  for (const withSymbols of [false, true]) {
    const book = new SourceBook();
    let checked = 0;
    for (let now = 0; now < TURNS; now++) {
      const address = `198.51.100.7:${1024 + (now % PORTS)}`;
      const replayer = book.number(address, INTERFACE);
      if (withSymbols) book.admits(replayer, 1);
      checked += Number(book.mayCheck(replayer, address, now));
      if (now % WORD_EVERY_MS !== WORD_EVERY_MS - 1) continue;
      const sender = book.number(SENDER, INTERFACE);
      t.true(book.mayCheck(sender, SENDER, now), `symbols ${withSymbols}, after ${now} ms`);
    }
    t.true(checked <= 10 + TURNS / 100, `${checked} in vain`);
  }
});

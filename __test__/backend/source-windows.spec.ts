/** What conformance cannot show on one interface, and without a clock: whose room is taken. */
import test from "ava";
import { SourceWindows } from "../../src/backend/fallback/source-windows.ts";

const FAR = 2 ** 40;

function take(windows: SourceWindows, packet: number, source: string, name = "eth0"): boolean {
  const isFresh = windows.isFresh(packet, source, name);
  if (isFresh) windows.accept(packet, source, name);
  return isFresh;
}

test("a source is an address, a port and an interface", (t) => {
  const windows = new SourceWindows();
  for (const turn of [true, false]) {
    t.is(take(windows, 7, "192.0.2.1:5000"), turn);
    t.is(take(windows, 7, "192.0.2.1:5001"), turn);
    t.is(take(windows, 7, "192.0.2.1:5000", "eth1"), turn);
    t.is(take(windows, 7, "192.0.2.1:5000", ""), turn);
  }
});

test("sources without end take room from each other, not from who speaks", (t) => {
  const windows = new SourceWindows();
  let wrong = 0;
  for (let packet = 0; packet < 2000; packet++) {
    if (!take(windows, packet, "192.0.2.1:5000")) wrong++;
    for (let other = 0; other < 7; other++)
      if (!take(windows, FAR, `198.51.100.7:${packet * 7 + other}`)) wrong++;
    if (take(windows, packet, "192.0.2.1:5000")) wrong++;
  }
  t.is(wrong, 0);
});

test("who asks and is not authentic changes nothing", (t) => {
  const windows = new SourceWindows();
  windows.accept(1, "192.0.2.1:5000", "eth0");
  for (let other = 0; other < 100; other++)
    t.true(windows.isFresh(FAR, `198.51.100.7:${other}`, "eth0"));
  t.false(windows.isFresh(1, "192.0.2.1:5000", "eth0"));
});

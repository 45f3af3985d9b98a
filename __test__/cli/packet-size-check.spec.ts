import test from "ava";
import { packetSizeCheck } from "../../src/cli/commands/packet-size-check.ts";

test("doctor names the interface whose packets are too small for data, and the command that mends it", (t) => {
  t.like(packetSizeCheck(new Map([["e0", 1500]])), { result: "ok", detail: "e0 1500" });
  t.like(packetSizeCheck(new Map([["e0", 1248]])), { result: "ok" });
  const check = packetSizeCheck(
    new Map([
      ["e0", 1500],
      ["tun0", 1000],
    ]),
  );
  t.is(check.result, "warn");
  t.regex(check.detail, /^tun0 takes 1000 bytes; 1248 are needed/);
  t.is(check.fix, "sudo ip link set tun0 mtu 1280");
});

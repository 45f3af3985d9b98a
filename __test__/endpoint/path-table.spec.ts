/** Path ids over interfaces that are made anew: their groups keep their addresses and become other paths. */
import test from "ava";
import type { DatagramSocket, PacketKeys, SendPlan } from "../../src/backend/port.ts";
import { Mp2pError } from "../../src/base/errors.ts";
import { HubSpeaker } from "../../src/endpoint/hub-speaker.ts";
import { PathTable } from "../../src/endpoint/path-table.ts";
import { SlotNumbers } from "../../src/endpoint/slot-numbers.ts";

const GROUP = "[ff12::8000:1%eth0]:6727";
const HOST = "192.0.2.7:5000";

/** A socket that knows interfaces by number, as systems do. */
function socketOn(interfaces: Map<string, number>) {
  const ids = new Map<string, number>();
  const sentBy: number[] = [];
  const socket = {
    addPath: (remote: string) => {
      const name = /%(\w+)/.exec(remote)?.[1];
      const index = name === undefined ? 0 : interfaces.get(name);
      if (index === undefined) throw new Mp2pError("MP2P_NO_MULTICAST", `no interface ${name}`);
      const key = `${remote} ${index}`;
      ids.set(key, ids.get(key) ?? ids.size + 1);
      return ids.get(key) as number;
    },
    removePath: () => undefined,
    installSend: () => undefined,
    removeSend: () => undefined,
    sendSealed: (_slot: number, path: number) => {
      sentBy.push(path);
      return { firstPacket: 0, packets: 1, tooBig: 0 };
    },
  };
  return { socket: socket as unknown as DatagramSocket, sentBy };
}

test("a group's path is another one once its interface was made anew, and only then", (t) => {
  const interfaces = new Map([["eth0", 1]]);
  const { socket } = socketOn(interfaces);
  const paths = new PathTable(socket);
  const [group, host] = [paths.hold(GROUP), paths.hold(HOST)];
  paths.renew();
  t.true(paths.isCurrent(group) && paths.isCurrent(host), "nothing changed");
  interfaces.delete("eth0");
  paths.renew();
  t.true(paths.isCurrent(group), "it may come back");
  interfaces.set("eth0", 2);
  paths.renew();
  t.false(paths.isCurrent(group));
  t.true(paths.isCurrent(host));
  t.is(paths.address(group), GROUP, "rows that wait to be read name it still");
  const fresh = paths.hold(GROUP);
  t.not(fresh, group);
  t.true(paths.isCurrent(fresh));
  paths.release(group);
  t.is(paths.hold(GROUP), fresh);
});

test("who speaks to a group goes on by the interface that has its name now", (t) => {
  const interfaces = new Map([["eth0", 1]]);
  const { socket, sentBy } = socketOn(interfaces);
  const paths = new PathTable(socket);
  const speaker = new HubSpeaker(socket, { paths, slots: new SlotNumbers() }, {} as PacketKeys);
  const plan = {} as SendPlan;
  speaker.send(GROUP, plan);
  interfaces.set("eth0", 2);
  paths.renew();
  speaker.send(GROUP, plan);
  t.is(sentBy.length, 2);
  t.not(sentBy[0], sentBy[1]);
  t.true(paths.isCurrent(sentBy[1] as number));
});

/** 32 bytes there and back over bare `node:dgram`: the yardstick of `request`. */
import { createSocket } from "node:dgram";
import { roundTrips } from "./round-trips.ts";
import { say, task } from "./speak.ts";

const { role, port, count } = task<{ role: "serve" | "ask"; port: number; count: number }>();
const socket = createSocket("udp4");

if (role === "serve") {
  socket.on("message", (message, from) => socket.send(message, from.port, from.address));
  socket.bind(0, "127.0.0.1", () => say({ t: "ready", port: socket.address().port }));
} else {
  let answered = (): void => {};
  socket.on("message", () => answered());
  socket.connect(port, "127.0.0.1", async () => {
    const ask = (request: Uint8Array): Promise<void> =>
      new Promise((resolve) => {
        answered = resolve;
        socket.send(request);
      });
    say({ t: "done", ...(await roundTrips(ask, count)) });
    socket.close();
  });
}

/** A process that opens a socket, lets go of it in the way given, and must then end by itself. */
import process from "node:process";
import { type BackendChoice, selectBackend } from "../../src/backend/select.ts";

const [choice, way] = process.argv.slice(2);
const backend = await selectBackend(choice as BackendChoice);
const socket = await backend.openSocket({ bind: ["127.0.0.1:0"] });
socket.start({ receive() {}, writable() {}, failed() {} });
socket.sendPlain(socket.addresses[0] as string, new Uint8Array(100));
if (way === "unref") socket.unref();
else await socket.close();

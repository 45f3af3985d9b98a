/** One stream over Node's TLS and TCP, defaults throughout: the yardstick of `stream-native`. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, createServer } from "node:tls";

import { Meter } from "./meter.ts";
import { pour } from "./pour.ts";
import { say, task } from "./speak.ts";

const { role, port, seconds, writeBytes } = task<{
  role: "receive" | "send";
  port: number;
  seconds: number;
  writeBytes: number;
}>();

if (role === "receive") receive();
else send();

function receive(): void {
  const server = createServer(selfSigned(), (socket) => {
    const meter = new Meter();
    socket.on("data", (chunk) => meter.count(chunk.length));
    socket.on("end", () => {
      say({ t: "done", ...meter.rate(), cipher: socket.getCipher().standardName });
      process.exit(0);
    });
  });
  server.listen(0, "127.0.0.1", () =>
    say({ t: "ready", port: (server.address() as AddressInfo).port }),
  );
}

function send(): void {
  // The certificate was made a moment ago on this machine; who the peer is does not matter here.
  const socket = connect({ host: "127.0.0.1", port, rejectUnauthorized: false }, () => {
    pour(socket, seconds, writeBytes);
  });
}

function selfSigned(): { key: Buffer; cert: Buffer } {
  const directory = mkdtempSync(join(tmpdir(), "mp2p-bench-tls-"));
  const key = join(directory, "key.pem");
  const cert = join(directory, "cert.pem");
  try {
    const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
    const files = ["-keyout", key, "-out", cert, "-subj", "/CN=localhost", "-days", "1"];
    execFileSync("openssl", ["req", "-x509", ...curve, ...files], { stdio: "ignore" });
    return { key: readFileSync(key), cert: readFileSync(cert) };
  } catch (error) {
    say({ t: "missing", why: `no certificate: openssl failed (${String(error).split("\n")[0]})` });
    process.exit(0);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

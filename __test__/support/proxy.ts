/** A UDP man in the middle on loopback: carries packets between a dialler and an endpoint, keeps samples. */
import { createSocket, type Socket } from "node:dgram";

const KEPT = 512;

export class UdpProxy {
  /** What the dialler is told to dial. */
  readonly address: string;
  /** Packets seen on their way to the endpoint and back, oldest out first. */
  readonly seen: { readonly bytes: Buffer; readonly toServer: boolean }[] = [];
  /** Asked for each packet; false drops it. */
  pass: (bytes: Buffer, toServer: boolean) => boolean = () => true;
  readonly #front: Socket;
  readonly #back: Socket;
  readonly #serverPort: number;
  #client: { address: string; port: number } | undefined;

  private constructor(front: Socket, back: Socket, serverPort: number) {
    this.#front = front;
    this.#back = back;
    this.#serverPort = serverPort;
    this.address = `127.0.0.1:${front.address().port}`;
    front.on("message", (bytes, from) => {
      this.#client = from;
      if (this.#keep(bytes, true)) back.send(bytes, serverPort, "127.0.0.1");
    });
    back.on("message", (bytes) => {
      const client = this.#client;
      if (client && this.#keep(bytes, false)) front.send(bytes, client.port, client.address);
    });
  }

  static async open(server: string): Promise<UdpProxy> {
    const [front, back] = await Promise.all([bound(), bound()]);
    return new UdpProxy(front, back, Number(server.split(":")[1]));
  }

  /** Sends as if it came from the dialler, or from the endpoint. */
  inject(bytes: Uint8Array, toServer: boolean): Promise<void> {
    return new Promise((resolve) => {
      const done = () => resolve();
      const client = this.#client;
      if (toServer) this.#back.send(bytes, this.#serverPort, "127.0.0.1", done);
      else if (client) this.#front.send(bytes, client.port, client.address, done);
      else resolve();
    });
  }

  close(): void {
    this.#front.close();
    this.#back.close();
  }

  #keep(bytes: Buffer, toServer: boolean): boolean {
    this.seen.push({ bytes: Buffer.from(bytes), toServer });
    if (this.seen.length > KEPT) this.seen.shift();
    return this.pass(bytes, toServer);
  }
}

async function bound(): Promise<Socket> {
  const socket = createSocket({ type: "udp4", recvBufferSize: 4 << 20, sendBufferSize: 4 << 20 });
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
  return socket;
}

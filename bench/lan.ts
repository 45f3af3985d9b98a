/**
 * A small network in namespaces: hosts on one bridge, each with one interface. What it needs (root, ip,
 * nft, tc, ethtool) is on a Debian machine after `npm run bench:setup`; where it is not, nothing is measured.
 */
import { execFileSync } from "node:child_process";

import { Child, NotMeasured, type StartOptions } from "./child.ts";

/** npm puts another program of this name first in PATH, which takes any arguments and does nothing with them. */
const NFT = "/usr/sbin/nft";

/** Made so far by this process: names must not clash with those of a test beside it. */
let made = 0;

export class Lan {
  readonly #name = `mp2p-b${process.pid}-${made++}`;
  readonly #hosts: number;
  readonly #remove = (): void => this.close();

  private constructor(hosts: number) {
    this.#hosts = hosts;
  }

  /** Host 0 is the sender. */
  static make(hosts: number): Lan {
    const lan = new Lan(hosts);
    process.once("exit", lan.#remove);
    try {
      lan.#makeBridge();
      for (let host = 0; host < hosts; host++) lan.#makeHost(host);
    } catch (error) {
      lan.close();
      throw new NotMeasured(`no namespaces: ${(error as Error).message.split("\n")[0]}`);
    }
    return lan;
  }

  address(host: number): string {
    return `10.77.0.${host + 1}`;
  }

  start(host: number, command: string, args: readonly string[], options?: StartOptions): Child {
    return new Child("ip", ["netns", "exec", this.#host(host), command, ...args], options);
  }

  /** Runs to its end. @returns what it printed */
  inside(host: number, command: string, ...args: readonly string[]): string {
    return run("ip", "netns", "exec", this.#host(host), command, ...args);
  }

  /**
   * Has the sender's packets cross the bridge one by one. Else those of one send call cross it as one, as
   * through a card that cuts and joins them, and a drop would hit all of them.
   */
  single(): void {
    this.inside(0, "ethtool", "-K", "e0", "tx-udp-segmentation", "off");
  }

  /** Loses packets as they arrive, each by itself. @param perMille - 0 for none */
  lose(host: number, perMille: number): void {
    this.inside(host, NFT, "flush", "ruleset");
    if (perMille === 0) return;
    const rule = `numgen random mod 1000 < ${perMille} counter drop`;
    const script = `table inet loss { chain in { type filter hook prerouting priority -300; iifname "e0" ${rule}; }; }`;
    this.inside(host, NFT, script);
  }

  /** Limits what reaches a host to a rate; 50 ms of it may wait. @param bitsPerSecond - undefined lifts it */
  limit(host: number, bitsPerSecond: number | undefined): void {
    const port = ["dev", `p${host}`, "root"];
    const tc = (...args: readonly string[]): string =>
      run("ip", "netns", "exec", this.#bridge, "tc", "qdisc", ...args);
    if (bitsPerSecond === undefined) {
      tc("del", ...port);
      return;
    }
    const rate = `${Math.round(bitsPerSecond)}bit`;
    const burst = String(Math.max(16_000, Math.round(bitsPerSecond / 8 / 500)));
    tc("replace", ...port, "tbf", "rate", rate, "burst", burst, "latency", "50ms");
  }

  /** Bytes that left a host's interface since it was made, headers and everything included. */
  sentBytes(host: number): number {
    const [link] = JSON.parse(this.inside(host, "ip", "-j", "-s", "link", "show", "e0")) as {
      stats64: { tx: { bytes: number } };
    }[];
    return link?.stats64.tx.bytes ?? Number.NaN;
  }

  close(): void {
    process.off("exit", this.#remove);
    for (const name of [...Array(this.#hosts).keys()].map((host) => this.#host(host)))
      quietly("ip", "netns", "del", name);
    quietly("ip", "netns", "del", this.#bridge);
  }

  get #bridge(): string {
    return `${this.#name}-br`;
  }

  #host(host: number): string {
    return `${this.#name}-${host}`;
  }

  #makeBridge(): void {
    run("ip", "netns", "add", this.#bridge);
    // Without a querier, a switch that snoops would forget memberships in the middle of a run.
    run("ip", "-n", this.#bridge, "link", "add", "br0", "type", "bridge", "mcast_snooping", "0");
    run("ip", "-n", this.#bridge, "link", "set", "br0", "up");
  }

  #makeHost(host: number): void {
    const name = this.#host(host);
    const ip = (...args: readonly string[]): string => run("ip", "-n", name, ...args);
    run("ip", "netns", "add", name);
    const far = ["peer", "name", `p${host}`, "netns", this.#bridge];
    ip("link", "add", "e0", "type", "veth", ...far);
    run("ip", "-n", this.#bridge, "link", "set", `p${host}`, "master", "br0", "up");
    ip("addr", "add", `${this.address(host)}/24`, "dev", "e0");
    ip("addr", "add", `fd77::${host + 1}/64`, "dev", "e0", "nodad");
    ip("link", "set", "lo", "up");
    ip("link", "set", "e0", "up");
    ip("route", "add", "224.0.0.0/4", "dev", "e0");
  }
}

function run(command: string, ...args: readonly string[]): string {
  return execFileSync(command, args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}

function quietly(command: string, ...args: readonly string[]): void {
  try {
    run(command, ...args);
  } catch {
    // It was never made, or is gone already.
  }
}

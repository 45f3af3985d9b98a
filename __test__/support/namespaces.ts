/**
 * Hosts in network namespaces: on one bridge, or on either side of a router. Names hold the process id,
 * as several tests make networks at once; `close` removes them all.
 */
import { execFileSync } from "node:child_process";
import { whyNot } from "./where.ts";

/** npm puts another program of this name first in PATH, which takes any arguments and does nothing with them. */
const NFT = "/usr/sbin/nft";

const OF_OURS = {
  ipv4: "udp dport 6727 ip daddr 224.0.0.0/4",
  ipv6: "udp dport 6727 ip6 daddr ff00::/8",
} as const;

let made = 0;

export class Hosts {
  readonly #prefix = `mp2p-t${process.pid}-${made++}`;
  readonly #names = new Set<string>();

  /** `count` hosts on one switch, each with `e0`: 10.78.0.N, fd78::N and fe80::N, N from 1. */
  static onBridge(count: number): Hosts {
    const hosts = new Hosts();
    return hosts.#made(() => {
      hosts.#add("bridge");
      hosts.ip("bridge", "link add br0 type bridge mcast_snooping 0");
      hosts.ip("bridge", "link set br0 up");
      for (let n = 1; n <= count; n++) {
        hosts.#add(`${n}`);
        hosts.cable(`${n}`);
      }
    });
  }

  /** Hosts `1` and `2`, each on a subnet of its own, and `router` between them on `r1` and `r2`. */
  static acrossRouter(): Hosts {
    const hosts = new Hosts();
    return hosts.#made(() => {
      hosts.#add("router");
      hosts.sysctl("router", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1");
      for (const n of ["1", "2"]) {
        hosts.#add(n);
        hosts.#cable(n, "e0", "router", `r${n}`);
        hosts.#address("router", `r${n}`, `8${n}`, "254");
        hosts.#address(n, "e0", `8${n}`, "1");
        hosts.ip(n, `route add default via 10.8${n}.0.254`);
        hosts.ip(n, `route add default via fd8${n}::254`);
      }
    });
  }

  /** Plugs a host's `e0` into the switch. */
  cable(host: string): void {
    this.#cable(host, "e0", "bridge", `p${host}`);
    this.ip("bridge", `link set p${host} master br0 up`);
    this.#address(host, "e0", "78", host);
  }

  /** The command as it runs on a host. */
  inside(host: string, ...command: readonly string[]): readonly string[] {
    return ["ip", "netns", "exec", `${this.#prefix}-${host}`, ...command];
  }

  /** Of the namespace. */
  name(host: string): string {
    return `${this.#prefix}-${host}`;
  }

  /** What `ip` is told, one after the other. */
  ip(host: string, ...lines: readonly string[]): void {
    const batch = ["-n", `${this.#prefix}-${host}`, "-batch", "-"];
    const stdio = ["pipe", "ignore", "pipe"] as const;
    execFileSync("ip", batch, { input: `${lines.join("\n")}\n`, stdio: [...stdio] });
  }

  /** A host takes no UDP that is addressed to it alone. */
  blockUnicast(host: string): void {
    const ipv4 = "meta l4proto udp ip daddr != 224.0.0.0/4 drop";
    this.#filter(host, `${ipv4}; meta l4proto udp ip6 daddr != ff00::/8 drop`);
  }

  /** A host loses packets as they arrive, each by itself. */
  lose(host: string, percent: number): void {
    this.#filter(host, `iifname "e0" numgen random mod 100 < ${percent} drop`);
  }

  /** A firewall that lets nothing in that is addressed to groups of ours. */
  eatMulticast(host: string): void {
    this.#filter(host, `${OF_OURS.ipv4} drop; ${OF_OURS.ipv6} drop`);
  }

  /** A firewall that lets nothing out that is addressed to groups of ours. */
  muteMulticast(host: string): void {
    this.#filter(host, `${OF_OURS.ipv4} drop; ${OF_OURS.ipv6} drop`, "output priority 0");
  }

  /** Counts packets that leave a host. @returns a function that reads the count */
  count(host: string, ...matches: readonly string[]): () => number {
    const rules = matches.map((match) => `${match} counter name sent`).join("; ");
    const chain = `chain out { type filter hook output priority 0; ${rules}; }`;
    run(this.inside(host, NFT, `table inet count { counter sent {}; ${chain}; }`));
    return () => {
      const [program = "", ...args] = this.inside(host, NFT, "-j", "list", "counters");
      const { nftables } = JSON.parse(execFileSync(program, args, { encoding: "utf8" }));
      return nftables.find((each: { counter?: object }) => each.counter).counter.packets;
    };
  }

  /** Takes back what `blockUnicast`, `eatMulticast`, `muteMulticast` and `lose` did. */
  heal(host: string): void {
    run(this.inside(host, NFT, "flush", "ruleset"));
  }

  close(): void {
    for (const name of this.#names) {
      try {
        run(["ip", "netns", "del", name]);
      } catch {
        // Never made.
      }
    }
    this.#names.clear();
  }

  #made(make: () => void): this {
    try {
      make();
    } catch (error) {
      this.close();
      throw error;
    }
    return this;
  }

  #add(host: string): void {
    const name = `${this.#prefix}-${host}`;
    this.#names.add(name);
    run(["ip", "netns", "add", name]);
    this.ip(host, "link set lo up");
  }

  #cable(host: string, device: string, other: string, farDevice: string): void {
    this.ip(
      host,
      `link add ${device} type veth peer name ${farDevice} netns ${this.#prefix}-${other}`,
    );
    // Packets leave one by one, as on a wire.
    run(this.inside(host, "ethtool", "-K", device, "tx-udp-segmentation", "off"));
  }

  #address(host: string, device: string, subnet: string, n: string): void {
    this.ip(host, `link set ${device} addrgenmode none`);
    this.ip(host, `link set ${device} up`);
    this.ip(host, `addr add 10.${subnet}.0.${n}/24 dev ${device}`);
    for (const prefix of [`fd${subnet}`, "fe80"])
      this.ip(host, `addr add ${prefix}::${n}/64 dev ${device} nodad`);
  }

  sysctl(host: string, ...settings: readonly string[]): void {
    run(this.inside(host, "sysctl", "-qw", ...settings));
  }

  #filter(host: string, rule: string, hook = "prerouting priority -300"): void {
    const chain = `chain filter { type filter hook ${hook}; ${rule}; }`;
    run(this.inside(host, NFT, `table inet mp2p { ${chain}; }`));
  }
}

/** Why networks cannot be made here; undefined where they can. */
export function namespacesMissing(): string | undefined {
  if (process.platform !== "linux") return "not Linux";
  return whyNot(() => {
    const hosts = Hosts.onBridge(1);
    try {
      hosts.blockUnicast("1");
    } finally {
      hosts.close();
    }
  });
}

function run(command: readonly string[]): void {
  const [program = "", ...args] = command;
  execFileSync(program, args, { stdio: ["ignore", "ignore", "pipe"] });
}

/**
 * Which signatures of sources that have proved nothing are worth the time it takes to verify them: a rate for
 * all, and one for each host, so that one host does not use up what is there for the others.
 */
import { RecentMap } from "../base/recent-map.ts";
import { TokenBucket } from "../base/token-bucket.ts";

/** Of all, and of one host. */
const STRANGE_PER_SECOND = 50;
const STRANGE_PER_HOST_PER_SECOND = 10;
const HOSTS_MOST = 256;

/** Over all members of a group, of one cast, or over all announcements of a kind. */
export class StrangeChecks {
  readonly #all = new TokenBucket(STRANGE_PER_SECOND);
  readonly #byHost = new RecentMap<string, TokenBucket>(HOSTS_MOST);

  /** @param source - `"192.0.2.7:5000"`: ports cost nothing, so they do not count */
  take(source: string, now: number): boolean {
    const host = source.slice(0, source.lastIndexOf(":"));
    const own = this.#byHost.get(host) ?? new TokenBucket(STRANGE_PER_HOST_PER_SECOND);
    this.#byHost.set(host, own);
    return own.holdsOne(now) && this.#all.take(now) && own.take(now);
  }
}

/** Signed frames on their way out, once to each target; a full socket stops it where it stands. */
import { type SendPlan, SPAN, SPAN_FRAMES } from "../../backend/port.ts";
import { concat } from "../../base/bytes.ts";
import type { Speaker } from "../hub.ts";
import { GROUP_PACKET_BYTES } from "./partial-message.ts";

interface Job {
  readonly speaker: Speaker;
  readonly frames: readonly Uint8Array[];
  readonly source: Uint8Array;
  readonly targets: readonly string[];
  target: number;
  frame: number;
}

export class Outbox {
  readonly #jobs: Job[] = [];

  get empty(): boolean {
    return this.#jobs.length === 0;
  }

  /**
   * Gives up the target that takes nothing where there is no such target any more: its interface
   * went, its member left.
   *
   * @param targets - those there are now
   * @returns whether it did
   */
  skip(targets: readonly string[]): boolean {
    const [job] = this.#jobs;
    const stuck = job?.targets[job.target];
    if (job === undefined || stuck === undefined || targets.includes(stuck)) return false;
    job.frame = 0;
    job.target++;
    return true;
  }

  /** @param frames - 1 to 64 */
  add(speaker: Speaker, frames: readonly Uint8Array[], targets: readonly string[]): void {
    if (targets.length === 0) return;
    const source = concat(...frames);
    this.#jobs.push({ speaker, frames, source, targets, target: 0, frame: 0 });
  }

  /** @returns whether everything left; false where the socket is full */
  flush(): boolean {
    for (let job = this.#jobs[0]; job !== undefined; job = this.#jobs[0]) {
      while (job.target < job.targets.length) {
        const { packets } = job.speaker.send(job.targets[job.target] as string, planOf(job));
        job.frame += packets;
        if (job.frame < job.frames.length) return false;
        job.frame = 0;
        job.target++;
      }
      this.#jobs.shift();
    }
    return true;
  }
}

function planOf({ frames, source, frame }: Job): SendPlan {
  const spanCount = frames.length - frame;
  const spans = new Float64Array(SPAN.STRIDE * spanCount);
  let at = 0;
  for (let index = 0; index < frames.length; index++) {
    const { length } = frames[index] as Uint8Array;
    if (index >= frame) {
      const span = SPAN.STRIDE * (index - frame);
      spans[span + SPAN.kind] = SPAN_FRAMES;
      spans[span + SPAN.at] = at;
      spans[span + SPAN.length] = length;
    }
    at += length;
  }
  return { spans, spanCount, sources: [source], packetBytes: GROUP_PACKET_BYTES, skip: 0 };
}

/** A sender that says what the test wants, byte by byte. */
import { RecordParser, type RecordShape } from "../../src/transfer/record-parser.ts";
import * as records from "../../src/transfer/records.ts";
import { KIND, RECORD } from "../../src/transfer/records.ts";
import type { TransferSession } from "../../src/transfer/session.ts";

const ANY: RecordShape = { most: 100_000 };
const SHAPES = new Map<number, RecordShape>(Object.values(RECORD).map((type) => [type, ANY]));

export const ID: Uint8Array = new Uint8Array(16).fill(7);

export type PartialEntry = Partial<records.Entry> & { readonly path: string };

export function entry(partial: PartialEntry): records.Entry {
  const defaults = { kind: KIND.file, mode: 0o644, mtimeNs: 1_000_000_000_000_000_000n, size: 1 };
  return { ...defaults, target: undefined, ...partial };
}

export interface Answer {
  readonly type: number;
  readonly body: Uint8Array;
}

export class RawSender {
  readonly answers: Answer[] = [];
  readonly #write: (bytes: Uint8Array) => void;
  readonly ended: Promise<void>;
  #changed: (() => void)[] = [];

  private constructor(write: (bytes: Uint8Array) => void, ended: Promise<void>) {
    this.#write = write;
    this.ended = ended;
  }

  static async open(session: TransferSession): Promise<RawSender> {
    const stream = await session.openStream({ service: "transfer/1" });
    const ended = new Promise<void>((resolve) => stream.on("close", () => resolve()));
    const sender = new RawSender((bytes) => stream.write(bytes), ended);
    const sink = {
      record: (type: number, body: Uint8Array) => sender.#answered(type, body.slice()),
      content: () => "discard" as const,
      filled: () => {},
      malformed: (why: string) => {
        throw new Error(why);
      },
    };
    const parser = new RecordParser(sink, SHAPES);
    stream.on("data", (chunk: Buffer) => parser.push(chunk));
    stream.on("end", () => stream.end());
    return sender;
  }

  write(...parts: readonly Uint8Array[]): void {
    for (const part of parts) this.#write(part);
  }

  offer(entries: readonly records.Entry[]): void {
    this.write(records.helloRecord(ID), ...entries.map(records.entryRecord));
    const bytes = entries.reduce((sum, { size }) => sum + size, 0);
    this.write(records.offeredRecord(entries.length, bytes));
  }

  /** Resolves with the first answer of this type. */
  async answer(type: number): Promise<Uint8Array> {
    for (;;) {
      const found = this.answers.find((answer) => answer.type === type);
      if (found !== undefined) return found.body;
      await new Promise<void>((resolve) => this.#changed.push(resolve));
    }
  }

  /** Results so far, as "NUMBER RESULT CODE". */
  results(): string[] {
    return this.answers
      .filter(({ type }) => type === RECORD.result)
      .map(({ body }) => {
        const result = records.readResult(body);
        return `${result?.entry} ${result?.result} ${result?.reason.code}`;
      });
  }

  #answered(type: number, body: Uint8Array): void {
    this.answers.push({ type, body });
    for (const resolve of this.#changed.splice(0)) resolve();
  }
}

/** A whole file of at most one unit. */
export function fileRecord(
  number: number,
  content: Uint8Array,
  blake3: (data: Uint8Array) => Uint8Array,
): Uint8Array {
  const head = records.RECORD_HEADER_BYTES + records.FILE_HEAD_BYTES;
  const bytes = new Uint8Array(head + content.length);
  const hash = content.length === 0 ? new Uint8Array(32) : blake3(content);
  records.putContentHead(bytes, { entry: number, hash }, content.length);
  bytes.set(content, head);
  return bytes;
}

/** One unit of a large file. */
export function unitRecord(
  number: number,
  unit: number,
  content: Uint8Array,
  blake3: (data: Uint8Array) => Uint8Array,
): Uint8Array {
  const head = records.RECORD_HEADER_BYTES + records.UNIT_HEAD_BYTES;
  const bytes = new Uint8Array(head + content.length);
  records.putContentHead(bytes, { entry: number, unit, hash: blake3(content) }, content.length);
  bytes.set(content, head);
  return bytes;
}

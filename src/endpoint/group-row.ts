/** A row of a received batch as groups and casts read it; one object is filled anew for each. */
import { type ReceiveBatch, ROW } from "../backend/port.ts";
import type { GroupRow } from "../multicast/hub.ts";

type Writable<T> = { -readonly [K in keyof T]: T[K] };

export function emptyGroupRow(): Writable<GroupRow> {
  const numbers = { kind: 0, packet: 0, count: 0, object: 0, block: 0, symbol: 0, time: 0 };
  return { ...numbers, bytes: new Uint8Array(0), source: "", interface: "" };
}

/** All but `source` and `interface`, which the batch knows by number only. */
export function fillGroupRow(row: Writable<GroupRow>, batch: ReceiveBatch, at: number): void {
  const { rows } = batch;
  const offset = rows[at + ROW.offset] as number;
  row.kind = rows[at + ROW.kind] as number;
  row.packet = rows[at + ROW.packet] as number;
  row.count = rows[at + ROW.count] as number;
  row.object = rows[at + ROW.stream] as number;
  row.block = Math.floor(offset / 65_536);
  row.symbol = offset % 65_536;
  row.bytes = rowBytes(batch, at);
  row.time = rows[at + ROW.time] as number;
}

/** Borrowed, as the batch is. */
export function rowBytes({ rows, slab }: ReceiveBatch, at: number): Uint8Array {
  const start = rows[at + ROW.at] as number;
  return slab.subarray(start, start + (rows[at + ROW.length] as number));
}

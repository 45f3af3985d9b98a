//! Rows of a receive batch, as `ROW` in src/backend/port.ts lays them out, and how consecutive
//! packets of one stream, or of one block of a cast, become one row.

use crate::number::{count_to_f64, size_to_f64};
use crate::region::Layout;
use mp2p_crypto::train::{STREAM_HEADER_BYTES, SYMBOL_HEADER_BYTES};
use std::net::SocketAddr;

const KIND_FRAMES: f64 = 0.0;
const KIND_STREAM: f64 = 1.0;
const KIND_PLAIN: f64 = 2.0;
const KIND_SYMBOLS: f64 = 3.0;
const STRIDE: usize = Layout::ROW_NUMBERS;
const COUNT: usize = 3;
const LENGTH: usize = 7;
const FIN: usize = 8;
/// Source addresses one slab can name; with more it counts as full.
const MAX_STRANGERS: usize = 64;

/// What one receive call says about all its packets.
#[derive(Clone, Copy)]
pub struct Arrival {
    /// As in the row: an id, or -1 - index of a stranger.
    pub path: f64,
    pub ecn: u8,
    pub time: f64,
    /// Membership it came by; 0 for unicast.
    pub group: u16,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum BulkKind {
    /// Offsets count bytes.
    Stream,
    /// Offsets are block * 65,536 + symbol: each packet is the next one, and none is short.
    Symbols,
}

/// One opened packet that holds a bulk frame.
pub struct BulkPacket {
    pub kind: BulkKind,
    pub slot: u16,
    pub number: u64,
    /// Or the object of a symbol.
    pub stream: u32,
    pub offset: u64,
    pub length: usize,
    pub fin: bool,
}

/// The last row of a table while packets may still join it.
#[derive(Clone, Copy)]
pub struct Run {
    kind: BulkKind,
    slot: u16,
    path: f64,
    group: u16,
    ecn: u8,
    stream: u32,
    next_number: u64,
    next_offset: u64,
    chunk: usize,
    count: usize,
    length: usize,
}

/// Rows written so far to one table.
#[derive(Default)]
pub struct RowLog {
    pub rows: usize,
    pub strangers: Vec<SocketAddr>,
    run: Option<Run>,
}

impl RowLog {
    /// No further receive call may write here.
    pub fn is_full(&self, packets: usize) -> bool {
        self.rows + packets > Layout::ROWS || self.strangers.len() >= MAX_STRANGERS
    }

    /// The row number of a source address without a path id.
    pub fn stranger(&mut self, address: SocketAddr) -> f64 {
        let known = self.strangers.iter().rposition(|&stranger| stranger == address);
        let index = known.unwrap_or_else(|| {
            self.strangers.push(address);
            self.strangers.len() - 1
        });
        -1.0 - size_to_f64(index)
    }

    /// Frame header of the packet that would join the last row.
    pub fn expected_header(&self) -> usize {
        match self.run {
            Some(Run { kind: BulkKind::Symbols, .. }) => SYMBOL_HEADER_BYTES,
            _ => STREAM_HEADER_BYTES,
        }
    }

    /// Payload of `packet` was appended to the slab at `at`.
    pub fn bulk(&mut self, table: &mut [f64], arrival: &Arrival, packet: &BulkPacket, at: usize) {
        let fin = f64::from(u8::from(packet.fin));
        if let Some(run) = self.run.as_mut().filter(|run| run.takes(arrival, packet)) {
            run.extend(packet);
            let row = &mut table[(self.rows - 1) * STRIDE..][..STRIDE];
            row[COUNT] = size_to_f64(run.count);
            row[LENGTH] = size_to_f64(run.length);
            row[FIN] = fin;
            if packet.fin || packet.length < run.chunk {
                self.run = None;
            }
            return;
        }
        self.run = (!packet.fin).then(|| Run::new(arrival, packet));
        self.push(
            table,
            [
                match packet.kind {
                    BulkKind::Stream => KIND_STREAM,
                    BulkKind::Symbols => KIND_SYMBOLS,
                },
                f64::from(packet.slot),
                count_to_f64(packet.number),
                1.0,
                f64::from(packet.stream),
                count_to_f64(packet.offset),
                size_to_f64(at),
                size_to_f64(packet.length),
                fin,
                arrival.path,
                f64::from(arrival.ecn),
                arrival.time,
                f64::from(arrival.group),
            ],
        );
    }

    pub fn frames(
        &mut self,
        table: &mut [f64],
        arrival: &Arrival,
        (slot, number): (u16, u64),
        (at, length): (usize, usize),
    ) {
        self.run = None;
        self.push(
            table,
            [
                KIND_FRAMES,
                f64::from(slot),
                count_to_f64(number),
                1.0,
                0.0,
                0.0,
                size_to_f64(at),
                size_to_f64(length),
                0.0,
                arrival.path,
                f64::from(arrival.ecn),
                arrival.time,
                f64::from(arrival.group),
            ],
        );
    }

    pub fn plain(&mut self, table: &mut [f64], arrival: &Arrival, at: usize, length: usize) {
        self.push(
            table,
            [
                KIND_PLAIN,
                0.0,
                0.0,
                1.0,
                0.0,
                0.0,
                size_to_f64(at),
                size_to_f64(length),
                0.0,
                arrival.path,
                f64::from(arrival.ecn),
                arrival.time,
                f64::from(arrival.group),
            ],
        );
    }

    fn push(&mut self, table: &mut [f64], row: [f64; STRIDE]) {
        table[self.rows * STRIDE..][..STRIDE].copy_from_slice(&row);
        self.rows += 1;
    }
}

impl BulkPacket {
    fn next_offset(&self) -> u64 {
        self.offset
            + match self.kind {
                BulkKind::Stream => self.length as u64,
                BulkKind::Symbols => 1,
            }
    }

    /// Whether it may join packets of `chunk` bytes: a short packet may end a stream's run; the
    /// symbols of a run are equal and of one block.
    fn fits_after(&self, chunk: usize) -> bool {
        match self.kind {
            BulkKind::Stream => self.length <= chunk,
            BulkKind::Symbols => self.length == chunk && self.offset & 0xffff != 0,
        }
    }
}

impl Run {
    fn new(arrival: &Arrival, packet: &BulkPacket) -> Self {
        Self {
            kind: packet.kind,
            slot: packet.slot,
            path: arrival.path,
            group: arrival.group,
            ecn: arrival.ecn,
            stream: packet.stream,
            next_number: packet.number + 1,
            next_offset: packet.next_offset(),
            chunk: packet.length,
            count: 1,
            length: packet.length,
        }
    }

    fn takes(&self, arrival: &Arrival, packet: &BulkPacket) -> bool {
        packet.number == self.next_number
            && packet.offset == self.next_offset
            && packet.stream == self.stream
            && packet.slot == self.slot
            && packet.kind == self.kind
            && packet.fits_after(self.chunk)
            && arrival.group == self.group
            && arrival.path.to_bits() == self.path.to_bits()
            && arrival.ecn == self.ecn
    }

    fn extend(&mut self, packet: &BulkPacket) {
        self.next_number += 1;
        self.next_offset = packet.next_offset();
        self.count += 1;
        self.length += packet.length;
    }
}

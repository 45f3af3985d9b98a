//! Opens sealed packets where they lie, so that the payloads of a run end up in one piece.

use crate::counters::Counters;
use crate::group_drops::Drop;
use crate::pool::{Filling, Pool};
use crate::region::Layout;
use crate::rows::{Arrival, BulkKind, BulkPacket};
use crate::slots::Tables;
use crate::source_windows::Origin;
use crate::sys::Received;
use mp2p_crypto::packet::{Cid, HEADER_BYTES, parse_header};
use mp2p_crypto::train::{
    FRAME_FIN, FRAME_STREAM, FRAME_SYMBOL, STREAM_HEADER_BYTES, SYMBOL_HEADER_BYTES,
};

/// How a datagram came by a group.
#[derive(Clone, Copy)]
pub struct Membership {
    pub number: u16,
    pub interface: u32,
}

/// Opens the sealed packets of one receive call.
pub struct Opener<'a> {
    pool: &'a Pool,
    counters: &'a Counters,
    from: Origin,
    /// Its path is set when the first packet proves genuine.
    arrival: Arrival,
    path: Option<f64>,
    /// Slot of the packet before: all packets of a train have the same.
    cached: Option<(Cid, usize)>,
}

impl<'a> Opener<'a> {
    pub fn new(
        pool: &'a Pool,
        counters: &'a Counters,
        received: &Received,
        path: Option<u32>,
        group: Option<Membership>,
    ) -> Self {
        let interface = group.map_or(0, |membership| membership.interface);
        let from = Origin { address: received.from, interface };
        let group = group.map_or(0, |membership| membership.number);
        let arrival = Arrival { path: 0.0, ecn: received.ecn, time: received.time, group };
        let path = path.map(f64::from);
        Self { pool, counters, from, arrival, path, cached: None }
    }

    /// Opens the packet at `from` in the slab and appends what it holds; a bad one is counted.
    pub fn open(&mut self, tables: &mut Tables, filling: &mut Filling, from: usize, length: usize) {
        let counters = self.counters;
        let used = filling.used;
        let (bytes, table) = self.pool.memory(&mut filling.slab);
        let Some((header, cid, number)) = parse_header(&bytes[from..from + length]) else {
            counters.dropped_malformed.add(1);
            return;
        };
        let index = match self.cached {
            Some((cached, index)) if cached == cid => Some(index),
            _ => tables.find(cid),
        };
        let Some((index, slot)) = index.and_then(|index| Some((index, tables.at(index)?))) else {
            self.drop(tables, Drop::Unknown);
            return;
        };
        self.cached = Some((cid, index));
        if filling.log.rows >= Layout::ROWS {
            counters.dropped_queue.add(1);
            return;
        }

        // The plaintext goes to where a bulk frame's data continue those of the packet before;
        // its header overwrites the end of those, which is put back afterwards. Only where the
        // kind of frame changes do its data have to be moved.
        let at = used - filling.log.expected_header();
        let mut before = [0; STREAM_HEADER_BYTES];
        let before = &mut before[..used - at];
        before.copy_from_slice(&bytes[at..used]);
        let ciphertext = from + HEADER_BYTES - at;
        let opened = slot.keys.open(number, &header, &mut bytes[at..from + length], ciphertext);
        let fresh = opened.is_some_and(|_| slot.accept(self.from, number));
        let Some(plain) = opened.filter(|_| fresh) else {
            bytes[at..used].copy_from_slice(before);
            let why = if opened.is_some() { Drop::Replayed } else { Drop::Forged };
            self.drop(tables, why);
            return;
        };
        let path = self.path.get_or_insert_with(|| filling.log.stranger(self.from.address));
        self.arrival.path = *path;
        let slot = slot.slot;
        let bulk = parse_bulk(&bytes[at..at + plain], slot, number);
        let length = bulk.as_ref().map_or(plain, |bulk| bulk.length);
        let data = at + plain - length;
        if data != used {
            bytes.copy_within(data..data + length, used);
        }
        bytes[at..used].copy_from_slice(before);
        filling.used += length;
        match bulk {
            Some(bulk) => filling.log.bulk(table, &self.arrival, &bulk, used),
            None => {
                filling.log.frames(table, &self.arrival, (slot, number), (used, length));
            }
        }
    }
}

impl Opener<'_> {
    fn drop(&self, tables: &mut Tables, why: Drop) {
        let counter = match why {
            Drop::Unknown => &self.counters.dropped_unknown,
            Drop::Forged => &self.counters.dropped_forged,
            Drop::Replayed => &self.counters.dropped_replayed,
        };
        counter.add(1);
        let Origin { address, interface } = self.from;
        if self.arrival.group > 0 {
            tables.group_drops.count(address, interface, why);
        }
    }
}

fn parse_bulk(plain: &[u8], slot: u16, number: u64) -> Option<BulkPacket> {
    match *plain.first()? {
        FRAME_SYMBOL => parse_symbol(plain, slot, number),
        kind if kind & !FRAME_FIN == FRAME_STREAM => parse_stream(plain, slot, number),
        _ => None,
    }
}

/// An empty symbol is none, and left to whoever reads frames.
fn parse_symbol(plain: &[u8], slot: u16, number: u64) -> Option<BulkPacket> {
    let header = plain.first_chunk::<SYMBOL_HEADER_BYTES>()?;
    let length = plain.len() - SYMBOL_HEADER_BYTES;
    let mut offset = [0; 8];
    offset[2..].copy_from_slice(&header[3..]);
    (length > 0).then(|| BulkPacket {
        kind: BulkKind::Symbols,
        slot,
        number,
        stream: u32::from(u16::from_be_bytes([header[1], header[2]])),
        offset: u64::from_be_bytes(offset),
        length,
        fin: false,
    })
}

fn parse_stream(plain: &[u8], slot: u16, number: u64) -> Option<BulkPacket> {
    let header = plain.first_chunk::<STREAM_HEADER_BYTES>()?;
    let stream = u32::from_be_bytes([header[1], header[2], header[3], header[4]]);
    let mut offset = [0; 8];
    offset[2..].copy_from_slice(&header[5..]);
    Some(BulkPacket {
        kind: BulkKind::Stream,
        slot,
        number,
        stream,
        offset: u64::from_be_bytes(offset),
        length: plain.len() - STREAM_HEADER_BYTES,
        fin: header[0] & FRAME_FIN != 0,
    })
}

//! Packets of one size, framed and sealed back to back, for one send call.
//!
//! Bulk frame: `0x10|fin, id 4, offset 6, data to the end`; symbol of a cast: `0x14, object 2,
//! block 4, symbol 2, data to the end`. Byte table: docs/PROTOCOL.md, "Frames".

use crate::packet::{HEADER_BYTES, OVERHEAD_BYTES, PACKET_NUMBERS, PacketKeys, TAG_BYTES};

pub const FRAME_STREAM: u8 = 0x10;
pub const FRAME_FIN: u8 = 0x01;
pub const STREAM_HEADER_BYTES: usize = 11;
pub const FRAME_SYMBOL: u8 = 0x14;
pub const SYMBOL_HEADER_BYTES: usize = 9;
/// What a bulk packet spends besides payload.
pub const BULK_OVERHEAD_BYTES: usize = OVERHEAD_BYTES + STREAM_HEADER_BYTES;
/// What a symbol's packet spends besides the symbol.
pub const SYMBOL_OVERHEAD_BYTES: usize = OVERHEAD_BYTES + SYMBOL_HEADER_BYTES;
/// Payload of one UDP send, segmented or not: 65,535 less IPv4 and UDP headers.
pub const MAX_TRAIN_BYTES: usize = 65_507;

/// Keys and packet counter of one sending slot.
pub struct SendSlot {
    keys: PacketKeys,
    next: u64,
}

impl SendSlot {
    pub fn new(keys: PacketKeys) -> Self {
        Self { keys, next: 0 }
    }

    /// Number of the next packet; never given out twice.
    pub fn next(&self) -> u64 {
        self.next
    }

    /// Leaves `packets` numbers unused. False, and no change, where the numbers would run out.
    pub fn skip(&mut self, packets: u64) -> bool {
        let next = self.next.saturating_add(packets);
        if next >= PACKET_NUMBERS {
            return false;
        }
        self.next = next;
        true
    }

    fn seal(&mut self, packet: &mut [u8]) {
        self.keys.seal(self.next, packet);
        self.next += 1;
    }
}

/// One bulk frame: where in which stream its data belong.
pub struct StreamFrame {
    pub stream: u32,
    pub offset: u64,
    pub fin: bool,
}

/// One symbol of a cast: which of which block of which object.
pub struct SymbolFrame {
    pub object: u16,
    pub block: u32,
    pub symbol: u16,
}

/// Sealed packets that leave in one call: all as long as the first, only the last may be shorter.
pub struct Train {
    buffer: Box<[u8]>,
    used: usize,
    packets: usize,
    segment: usize,
}

impl Default for Train {
    fn default() -> Self {
        Self { buffer: vec![0; MAX_TRAIN_BYTES].into(), used: 0, packets: 0, segment: 0 }
    }
}

impl Train {
    /// Seals one bulk packet onto the end.
    ///
    /// # Panics
    ///
    /// Where [`Self::takes`] was not heeded.
    pub fn push_stream(&mut self, slot: &mut SendSlot, frame: &StreamFrame, data: &[u8]) {
        let packet = self.extend(BULK_OVERHEAD_BYTES + data.len());
        let plain = &mut packet[HEADER_BYTES..];
        plain[0] = FRAME_STREAM | if frame.fin { FRAME_FIN } else { 0 };
        plain[1..5].copy_from_slice(&frame.stream.to_be_bytes());
        plain[5..11].copy_from_slice(&frame.offset.to_be_bytes()[2..]);
        plain[STREAM_HEADER_BYTES..][..data.len()].copy_from_slice(data);
        slot.seal(packet);
    }

    /// Seals one symbol of a cast onto the end.
    ///
    /// # Panics
    ///
    /// Where [`Self::takes`] was not heeded.
    pub fn push_symbol(&mut self, slot: &mut SendSlot, frame: &SymbolFrame, data: &[u8]) {
        let packet = self.extend(SYMBOL_OVERHEAD_BYTES + data.len());
        let plain = &mut packet[HEADER_BYTES..];
        plain[0] = FRAME_SYMBOL;
        plain[1..3].copy_from_slice(&frame.object.to_be_bytes());
        plain[3..7].copy_from_slice(&frame.block.to_be_bytes());
        plain[7..9].copy_from_slice(&frame.symbol.to_be_bytes());
        plain[SYMBOL_HEADER_BYTES..][..data.len()].copy_from_slice(data);
        slot.seal(packet);
    }

    /// Seals one packet of finished frames onto the end.
    ///
    /// # Panics
    ///
    /// Where [`Self::takes`] was not heeded.
    pub fn push_frames(&mut self, slot: &mut SendSlot, plaintext: &[u8]) {
        let packet = self.extend(OVERHEAD_BYTES + plaintext.len());
        packet[HEADER_BYTES..][..plaintext.len()].copy_from_slice(plaintext);
        slot.seal(packet);
    }

    /// Whether a packet of `bytes` may follow in the same call.
    pub fn takes(&self, bytes: usize, max_packets: usize) -> bool {
        self.packets == 0
            || (self.used == self.packets * self.segment
                && bytes <= self.segment
                && self.packets < max_packets
                && self.used + bytes <= MAX_TRAIN_BYTES)
    }

    pub fn bytes(&self) -> &[u8] {
        &self.buffer[..self.used]
    }

    pub fn packets(&self) -> usize {
        self.packets
    }

    /// Bytes of every packet but the last.
    pub fn segment(&self) -> usize {
        self.segment
    }

    pub fn clear(&mut self) {
        self.used = 0;
        self.packets = 0;
    }

    fn extend(&mut self, bytes: usize) -> &mut [u8] {
        debug_assert!(bytes > TAG_BYTES);
        if self.packets == 0 {
            self.segment = bytes;
        }
        self.packets += 1;
        let from = self.used;
        self.used += bytes;
        &mut self.buffer[from..self.used]
    }
}

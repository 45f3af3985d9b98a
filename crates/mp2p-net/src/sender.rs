//! Sends on the caller's thread: frames, seals and hands whole trains to the kernel.
//!
//! A sealed packet is never sealed again: what the kernel would not take is kept and goes out
//! first, byte for byte the same (WIRE item 8).

use crate::counters::Counters;
use crate::number::{count_to_f64, whole, whole_size};
use crate::sys::{Bind, SendError, Via, report_no_segmentation};
use mp2p_crypto::packet::{OVERHEAD_BYTES, PACKET_NUMBERS};
use mp2p_crypto::train::{
    BULK_OVERHEAD_BYTES, MAX_TRAIN_BYTES, SYMBOL_OVERHEAD_BYTES, SendSlot, StreamFrame,
    SymbolFrame, Train,
};
use socket2::SockAddr;
use std::sync::Arc;

const SPAN_STRIDE: usize = 7;
const SPAN_FRAMES: u64 = 0;
const SPAN_STREAM: u64 = 1;
const SPAN_SYMBOLS: u64 = 2;
/// Symbols that one block may number.
const BLOCK_NUMBERS: u64 = 1 << 16;
const MAX_SPANS: usize = 64;
const MAX_PLAN_BYTES: usize = 1 << 20;
const PACKET_BYTES: std::ops::RangeInclusive<usize> = 80..=8972;

/// One burst, laid out as `SendPlan` in src/backend/port.ts.
pub struct Plan<'a> {
    pub spans: &'a [f64],
    pub sources: &'a [&'a [u8]],
    pub packet_bytes: usize,
    pub skip: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SendResult {
    pub first_packet: u64,
    pub packets: usize,
    pub too_big: usize,
}

/// Where a path leads: a bind and an address of its family.
#[derive(Clone)]
pub struct Target {
    pub bind: usize,
    pub address: Arc<SockAddr>,
    /// How it leaves where that is a group.
    pub via: Option<Via>,
}

/// Makes send calls fail, for tests: every Nth call fails with `errno`; EIO and EINVAL hit only
/// segmented ones, as in the kernel.
#[derive(Clone, Copy)]
pub struct Fault {
    pub errno: i32,
    pub every_nth: u32,
}

/// A burst checked against all limits before anything is sealed.
struct Span<'a> {
    data: &'a [u8],
    kind: SpanKind,
}

enum SpanKind {
    Frames,
    Stream(StreamFrame),
    /// The first of several symbols of one block.
    Symbols(SymbolFrame),
}

pub struct Sender {
    train: Train,
    /// Bytes of `train` that already left, and where the rest must go.
    kept: Option<(Target, usize)>,
    calls: Calls,
}

/// Send calls, and what they have taught.
struct Calls {
    /// Packets in one call; 1 once segmentation failed.
    segments: usize,
    fault: Option<Fault>,
    /// Since the fault was set.
    count: u32,
}

/// What became of a train.
enum Outcome {
    Sent,
    /// The socket is full; the rest is kept.
    Blocked,
    TooBig,
}

impl Sender {
    pub fn new(segments: usize) -> Self {
        let calls = Calls { segments, fault: None, count: 0 };
        Self { train: Train::default(), kept: None, calls }
    }

    /// Packets in one call; 1 once segmentation failed.
    pub fn segments(&self) -> usize {
        self.calls.segments
    }

    pub fn inject(&mut self, fault: Option<Fault>) {
        self.calls.fault = fault;
        self.calls.count = 0;
    }

    /// Sends what an earlier call left over; false where the socket is still full.
    pub fn flush(&mut self, binds: &[Bind], counters: &Counters) -> bool {
        match self.kept.take() {
            None => true,
            Some((target, from)) => {
                !matches!(self.depart(binds, &target, from, counters), Outcome::Blocked)
            }
        }
    }

    /// The bind that is full, where one is.
    pub fn blocked_bind(&self) -> Option<usize> {
        self.kept.as_ref().map(|(target, _)| target.bind)
    }

    /// # Errors
    ///
    /// A sentence that says which limit the plan breaks; nothing was sealed then.
    pub fn send(
        &mut self,
        binds: &[Bind],
        slot: &mut SendSlot,
        target: &Target,
        plan: &Plan,
        counters: &Counters,
    ) -> Result<SendResult, &'static str> {
        check(slot, plan)?;
        let mut result = SendResult { first_packet: slot.next(), ..SendResult::default() };
        if !self.flush(binds, counters) {
            return Ok(result);
        }
        // `check` saw that the numbers do not run out.
        slot.skip(plan.skip);
        result.first_packet = slot.next();
        let mut load = Load { sender: self, binds, target, counters, result, blocked: false };
        for row in plan.spans.chunks_exact(SPAN_STRIDE) {
            let span = parse_span(row, plan).ok_or("a span is out of range")?;
            load.span(slot, &span, plan.packet_bytes);
        }
        load.depart();
        Ok(load.result)
    }

    /// Sends one unsealed datagram; false where the socket is full or cannot reach the address.
    pub fn send_plain(
        &mut self,
        binds: &[Bind],
        target: &Target,
        datagram: &[u8],
        counters: &Counters,
    ) -> Result<(), SendError> {
        let segment = datagram.len().max(1);
        let sent = self.calls.call(binds, target, datagram, segment, counters);
        if sent.is_ok() {
            counters.packets_sent.add(1);
            counters.bytes_sent.add(datagram.len());
        }
        sent
    }

    fn depart(
        &mut self,
        binds: &[Bind],
        target: &Target,
        from: usize,
        counters: &Counters,
    ) -> Outcome {
        let (outcome, left) = self.calls.transmit(binds, target, &self.train, from, counters);
        if matches!(outcome, Outcome::Blocked) {
            self.kept = Some((target.clone(), left));
        } else {
            self.train.clear();
        }
        outcome
    }
}

impl Calls {
    /// Sends `train` from byte `from` on, in one call where the kernel segments; the number returned is where a full socket stopped it.
    fn transmit(
        &mut self,
        binds: &[Bind],
        target: &Target,
        train: &Train,
        from: usize,
        counters: &Counters,
    ) -> (Outcome, usize) {
        let segment = train.segment();
        let bytes = train.bytes();
        let mut segmentation_failed = false;
        if self.segments > 1 && bytes.len() - from > segment {
            match self.call(binds, target, &bytes[from..], segment, counters) {
                Err(SendError::Segmentation) => segmentation_failed = true,
                Err(SendError::Full) => return (Outcome::Blocked, from),
                Err(SendError::TooBig) => return (Outcome::TooBig, from),
                Ok(()) | Err(SendError::Unreachable) => {
                    count(counters, &bytes[from..], segment);
                    return (Outcome::Sent, bytes.len());
                }
            }
        }
        let single = self.transmit_singly(binds, target, train, from, counters);
        // Before Linux 6.9 a train of packets too big for the path looks like failed segmentation.
        if segmentation_failed && !matches!(single.0, Outcome::TooBig) {
            self.segments = 1;
            report_no_segmentation();
        }
        single
    }

    fn transmit_singly(
        &mut self,
        binds: &[Bind],
        target: &Target,
        train: &Train,
        mut from: usize,
        counters: &Counters,
    ) -> (Outcome, usize) {
        let segment = train.segment();
        let bytes = train.bytes();
        let mut outcome = Outcome::Sent;
        while from < bytes.len() {
            let packet = &bytes[from..bytes.len().min(from + segment)];
            match self.call(binds, target, packet, segment, counters) {
                Err(SendError::Full) => return (Outcome::Blocked, from),
                Err(SendError::TooBig) => outcome = Outcome::TooBig,
                // The network loses packets; that one of them never left makes no difference.
                Ok(()) | Err(SendError::Unreachable | SendError::Segmentation) => {
                    count(counters, packet, segment);
                }
            }
            from += packet.len();
        }
        (outcome, from)
    }

    fn call(
        &mut self,
        binds: &[Bind],
        target: &Target,
        bytes: &[u8],
        segment: usize,
        counters: &Counters,
    ) -> Result<(), SendError> {
        counters.send_calls.add(1);
        let segmented = bytes.len() > segment;
        if let Some(fault) = self.fault {
            self.count = self.count.wrapping_add(1);
            if self.count.is_multiple_of(fault.every_nth)
                && let Some(error) = SendError::injected(fault.errno, segmented)
            {
                return Err(error);
            }
        }
        binds[target.bind].send(&target.address, target.via, bytes, segment)
    }
}

/// A plan on its way out.
struct Load<'a> {
    sender: &'a mut Sender,
    binds: &'a [Bind],
    target: &'a Target,
    counters: &'a Counters,
    result: SendResult,
    blocked: bool,
}

impl Load<'_> {
    fn span(&mut self, slot: &mut SendSlot, span: &Span, packet_bytes: usize) {
        match &span.kind {
            SpanKind::Frames => {
                if self.make_room(OVERHEAD_BYTES + span.data.len()) {
                    self.sender.train.push_frames(slot, span.data);
                }
            }
            SpanKind::Stream(frame) => self.stream(slot, frame, span.data, packet_bytes),
            SpanKind::Symbols(frame) => self.symbols(slot, frame, span.data, packet_bytes),
        }
    }

    fn symbols(
        &mut self,
        slot: &mut SendSlot,
        first: &SymbolFrame,
        data: &[u8],
        packet_bytes: usize,
    ) {
        let symbols = data.chunks_exact(packet_bytes - SYMBOL_OVERHEAD_BYTES);
        for (symbol, data) in (first.symbol..=u16::MAX).zip(symbols) {
            if !self.make_room(packet_bytes) {
                return;
            }
            let frame = SymbolFrame { symbol, ..*first };
            self.sender.train.push_symbol(slot, &frame, data);
        }
    }

    fn stream(
        &mut self,
        slot: &mut SendSlot,
        frame: &StreamFrame,
        data: &[u8],
        packet_bytes: usize,
    ) {
        let chunk = packet_bytes - BULK_OVERHEAD_BYTES;
        let mut at = 0;
        loop {
            let end = data.len().min(at + chunk);
            let part = &data[at..end];
            if !self.make_room(BULK_OVERHEAD_BYTES + part.len()) {
                return;
            }
            let last = end == data.len();
            let frame = StreamFrame {
                stream: frame.stream,
                offset: frame.offset + at as u64,
                fin: frame.fin && last,
            };
            self.sender.train.push_stream(slot, &frame, part);
            if last {
                return;
            }
            at = end;
        }
    }

    /// Lets the train depart where a packet of `bytes` cannot join it; false once blocked.
    fn make_room(&mut self, bytes: usize) -> bool {
        if !self.blocked && !self.sender.train.takes(bytes, self.sender.calls.segments) {
            self.depart();
        }
        !self.blocked
    }

    fn depart(&mut self) {
        let packets = self.sender.train.packets();
        if packets == 0 || self.blocked {
            return;
        }
        // Taken even where the socket is full: sealed packets are kept and will leave.
        self.result.packets += packets;
        match self.sender.depart(self.binds, self.target, 0, self.counters) {
            Outcome::Sent => {}
            Outcome::Blocked => self.blocked = true,
            Outcome::TooBig => self.result.too_big += packets,
        }
    }
}

fn count(counters: &Counters, bytes: &[u8], segment: usize) {
    counters.packets_sent.add(bytes.len().div_ceil(segment));
    counters.bytes_sent.add(bytes.len());
}

fn check(slot: &SendSlot, plan: &Plan) -> Result<(), &'static str> {
    if !PACKET_BYTES.contains(&plan.packet_bytes) {
        return Err("packetBytes must be 80 to 8,972");
    }
    if plan.spans.len() > MAX_SPANS * SPAN_STRIDE {
        return Err("a plan has at most 64 spans");
    }
    let mut bytes = 0;
    for row in plan.spans.chunks_exact(SPAN_STRIDE) {
        let span = parse_span(row, plan).ok_or("a span is out of range")?;
        bytes += span.data.len();
        match span.kind {
            SpanKind::Frames if OVERHEAD_BYTES + span.data.len() > plan.packet_bytes => {
                return Err("frames are longer than a packet");
            }
            SpanKind::Symbols(first) => {
                check_symbols(&first, span.data.len(), plan.packet_bytes - SYMBOL_OVERHEAD_BYTES)?;
            }
            SpanKind::Frames | SpanKind::Stream(_) => {}
        }
    }
    if bytes > MAX_PLAN_BYTES {
        return Err("a plan has at most 1 MiB of payload");
    }
    // No plan has more packets than bytes and spans.
    let packets = (bytes + MAX_SPANS) as u64;
    if slot.next().saturating_add(plan.skip).saturating_add(packets) >= PACKET_NUMBERS {
        return Err("the slot's packet numbers are used up");
    }
    Ok(())
}

fn check_symbols(
    first: &SymbolFrame,
    bytes: usize,
    symbol_bytes: usize,
) -> Result<(), &'static str> {
    if bytes == 0 || !bytes.is_multiple_of(symbol_bytes) {
        return Err("symbols are one or more whole packets");
    }
    let last = u64::from(first.symbol) + (bytes / symbol_bytes) as u64;
    if last > BLOCK_NUMBERS { Err("symbols run past their block") } else { Ok(()) }
}

fn parse_span<'a>(row: &[f64], plan: &Plan<'a>) -> Option<Span<'a>> {
    let &[kind, source, at, length, stream, offset, fin] = row else { return None };
    let source = plan.sources.get(whole_size(source, MAX_SPANS)?)?;
    let at = whole_size(at, source.len())?;
    let data = &source[at..][..whole_size(length, source.len() - at)?];
    let kind = match whole(kind, SPAN_SYMBOLS)? {
        SPAN_FRAMES => SpanKind::Frames,
        SPAN_STREAM => SpanKind::Stream(StreamFrame {
            stream: u32::try_from(whole(stream, u64::from(u32::MAX))?).ok()?,
            offset: whole(offset, PACKET_NUMBERS - 1 - data.len() as u64)?,
            fin: fin.to_bits() == 1f64.to_bits(),
        }),
        _ => {
            let first = whole(offset, (1 << 48) - 1)?;
            SpanKind::Symbols(SymbolFrame {
                object: u16::try_from(whole(stream, u64::from(u16::MAX))?).ok()?,
                block: u32::try_from(first / BLOCK_NUMBERS).ok()?,
                symbol: u16::try_from(first % BLOCK_NUMBERS).ok()?,
            })
        }
    };
    Some(Span { data, kind })
}

impl SendResult {
    pub fn numbers(&self) -> [f64; 3] {
        [
            count_to_f64(self.first_packet),
            count_to_f64(self.packets as u64),
            count_to_f64(self.too_big as u64),
        ]
    }
}

const _: () = assert!(*PACKET_BYTES.end() < MAX_TRAIN_BYTES);

//! Receiving: reads all binds, opens sealed packets in place, sorts strangers.
//!
//! A thread of its own does it under load. While there is little to do the event loop reads by
//! itself: two changes of threads cost as much as the rest of a small packet's round trip.

use crate::counters::Counters;
use crate::pool::{Filling, Next, Plain, Pool, RECEIVE_BYTES};
use crate::region::Layout;
use crate::rows::{Arrival, BulkPacket};
use crate::slots::Tables;
use crate::stranger::Verdict;
use crate::sys::{Bind, Readiness, Received, Waker, Watch};
use mp2p_crypto::packet::{Cid, HEADER_BYTES, TYPE_DATA, parse_header};
use mp2p_crypto::train::{FRAME_FIN, FRAME_STREAM, STREAM_HEADER_BYTES};
use std::ops::AddAssign;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Receive calls on one bind before the others have their turn.
const RECEIVES_IN_A_ROW: usize = 32;

/// What the receive thread and the JavaScript thread share.
pub struct Shared {
    pub binds: Vec<Bind>,
    pub waker: Waker,
    pub pool: Pool,
    pub tables: Mutex<Tables>,
    pub counters: Counters,
    pub closing: AtomicBool,
    /// Whether the event loop can read; else the thread always does.
    pub loop_can_read: bool,
    pub thread_reads: AtomicBool,
    /// Bit i: bind i was full and JavaScript waits for it.
    pub full_binds: AtomicU32,
}

impl Shared {
    pub fn tables(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs until `closing`; `wake` tells JavaScript that the pool has something for it.
pub fn run(shared: &Shared, wake: &dyn Fn()) {
    let mut readiness = Readiness::default();
    let mut receiver = Receiver::new(shared, wake);
    let mut window = Window::new();
    loop {
        let full_binds = shared.full_binds.load(Ordering::Acquire);
        let reads = shared.thread_reads.load(Ordering::Acquire);
        let limit = (reads && shared.loop_can_read && !receiver.starved).then(|| window.left());
        let watch = Watch { readable: reads && !receiver.starved, writable: full_binds, limit };
        let waiting = readiness.wait(&shared.binds, &shared.waker, &watch);
        if shared.closing.load(Ordering::Acquire) {
            return;
        }
        if let Err(error) = waiting {
            if shared.pool.report(Next::Failed(format!("waiting for packets failed: {error}"))) {
                wake();
            }
            return;
        }
        receiver.starved = false;
        let writable = readiness.writable() & full_binds;
        if writable != 0 {
            shared.full_binds.fetch_and(!writable, Ordering::AcqRel);
            if shared.pool.report(Next::Writable) {
                wake();
            }
        }
        if !reads {
            window = Window::new();
            continue;
        }
        window.load += receiver.drain(|bind| readiness.is_readable(bind), None);
        if shared.loop_can_read && window.ends_quiet() {
            shared.thread_reads.store(false, Ordering::Release);
            if shared.pool.report(Next::Quiet) {
                wake();
            }
        }
    }
}

/// Reads on the event loop's own thread, which saves a light load two changes of threads. True
/// where the load is no longer light: then this thread reads no more until told.
pub fn read_on_loop(shared: &Shared) -> bool {
    let mut receiver = Receiver::new(shared, &|| {});
    let load = receiver.drain(|_| true, Some(LOOP_LOAD));
    let is_heavy = load.exceeds(LOOP_LOAD) || receiver.starved;
    if is_heavy {
        shared.thread_reads.store(true, Ordering::Release);
        shared.waker.wake();
    }
    is_heavy
}

/// What was read.
#[derive(Clone, Copy, Default)]
struct Load {
    bytes: usize,
    packets: usize,
}

/// More than this in one go and the event loop has better things to do: one full train, or a
/// flood of small packets. Source: bench/raw-backend.ts.
const LOOP_LOAD: Load = Load { bytes: 64 << 10, packets: 64 };
/// Less than this in one window, and the event loop reads again.
const QUIET_LOAD: Load = Load { bytes: 128 << 10, packets: 1000 };
const WINDOW: Duration = Duration::from_millis(10);

impl Load {
    fn exceeds(self, limit: Self) -> bool {
        self.bytes > limit.bytes || self.packets > limit.packets
    }
}

impl AddAssign for Load {
    fn add_assign(&mut self, other: Self) {
        self.bytes += other.bytes;
        self.packets += other.packets;
    }
}

/// The load of a stretch of time.
struct Window {
    started: Instant,
    load: Load,
}

impl Window {
    fn new() -> Self {
        Self { started: Instant::now(), load: Load::default() }
    }

    fn left(&self) -> Duration {
        WINDOW.saturating_sub(self.started.elapsed())
    }

    /// Whether a whole window has passed with little in it; begins the next one after each.
    fn ends_quiet(&mut self) -> bool {
        if !self.left().is_zero() {
            return false;
        }
        let quiet = !self.load.exceeds(QUIET_LOAD);
        *self = Self::new();
        quiet
    }
}

struct Receiver<'shared> {
    shared: &'shared Shared,
    wake: &'shared dyn Fn(),
    filling: Option<Filling>,
    /// All slabs are with JavaScript: nothing is read until one comes back.
    starved: bool,
    load: Load,
}

impl<'shared> Receiver<'shared> {
    fn new(shared: &'shared Shared, wake: &'shared dyn Fn()) -> Self {
        Self { shared, wake, filling: None, starved: false, load: Load::default() }
    }

    /// Reads until no bind has anything more or `limit` is passed, then hands over what there is.
    fn drain(&mut self, is_readable: impl Fn(usize) -> bool, limit: Option<Load>) -> Load {
        self.load = Load::default();
        loop {
            let mut more = false;
            for (index, bind) in self.shared.binds.iter().enumerate() {
                if is_readable(index) {
                    more |= self.drain_bind(bind, limit);
                }
            }
            let enough = limit.is_some_and(|limit| self.load.exceeds(limit));
            if !more || enough || self.starved || self.shared.closing.load(Ordering::Acquire) {
                break;
            }
        }
        self.publish();
        self.load
    }

    /// True where the bind may have more.
    fn drain_bind(&mut self, bind: &Bind, limit: Option<Load>) -> bool {
        for _ in 0..RECEIVES_IN_A_ROW {
            let Some(mut filling) = self.filling.take().or_else(|| self.shared.pool.fill()) else {
                self.starved = true;
                return false;
            };
            let used = filling.used;
            let (bytes, _) = self.shared.pool.memory(&mut filling);
            let received = bind.receive(&mut bytes[used..used + RECEIVE_BYTES]);
            let more = match received {
                Ok(received) => {
                    self.load += Load { bytes: received.length, packets: received.packets() };
                    self.accept(bind, &received, &mut filling);
                    true
                }
                // Errors of earlier sends (ICMP) come up here too and say nothing of this bind.
                Err(error) => error.kind() != std::io::ErrorKind::WouldBlock,
            };
            let has_room = filling.has_room();
            self.filling = Some(filling);
            if !has_room {
                self.publish();
            }
            if !more {
                return false;
            }
            if limit.is_some_and(|limit| self.load.exceeds(limit)) {
                return true;
            }
        }
        true
    }

    fn publish(&mut self) {
        if let Some(filling) = self.filling.take()
            && self.shared.pool.publish(filling)
        {
            (self.wake)();
        }
    }

    fn accept(&mut self, bind: &Bind, received: &Received, filling: &mut Filling) {
        let counters = &self.shared.counters;
        counters.receive_calls.add(1);
        counters.bytes_received.add(received.length);
        counters.packets_received.add(received.packets());
        counters.dropped_kernel.add(received.kernel_drops);
        let mut tables = self.shared.tables();
        let known = tables.paths.get(&received.from).copied();
        let mut arrival = Arrival { path: 0.0, ecn: received.ecn, time: received.time };
        let mut sealed = Sealed { shared: self.shared, cached: None, arrival, path: None };
        sealed.path = known.map(f64::from);
        let mut plain_wake = false;
        let start = filling.used;
        for (from, length) in received.segments(start) {
            let (bytes, _) = self.shared.pool.memory(filling);
            let datagram = &bytes[from..from + length];
            if datagram.first() == Some(&TYPE_DATA) {
                sealed.open(&mut tables, received, filling, from, length);
                continue;
            }
            let expected = &tables.expected;
            let verdict = match crate::stranger::cid_answered(datagram) {
                Some(cid) if expected.contains(&cid) => Verdict::Pass,
                Some(_) => Verdict::Unknown,
                None => tables.filter.judge(datagram, received.from, arrival.time),
            };
            match verdict {
                Verdict::Pass => {
                    arrival.path = 0.0;
                    let plain = Plain {
                        from: received.from,
                        path: known,
                        ecn: received.ecn,
                        time: arrival.time,
                        bytes: datagram.to_vec(),
                    };
                    match self.shared.pool.push_plain(plain) {
                        Some(wake) => plain_wake |= wake,
                        None => counters.dropped_queue.add(1),
                    }
                }
                Verdict::Malformed => counters.dropped_malformed.add(1),
                Verdict::Unknown => counters.dropped_unknown.add(1),
                Verdict::Stranger => counters.dropped_strangers.add(1),
                Verdict::Limited => counters.dropped_limited.add(1),
                Verdict::Cookie(answer) => {
                    // Counted whether or not the network takes it: the INIT is gone either way.
                    counters.cookies_sent.add(1);
                    let _ = bind.send(&received.from.into(), &answer[..], answer.len());
                }
            }
        }
        drop(tables);
        if plain_wake {
            (self.wake)();
        }
    }
}

/// Opens the sealed packets of one receive call.
struct Sealed<'shared> {
    shared: &'shared Shared,
    /// Slot of the packet before: all packets of a train have the same.
    cached: Option<(Cid, usize)>,
    arrival: Arrival,
    /// Row number of the source, found when the first packet proves genuine.
    path: Option<f64>,
}

impl Sealed<'_> {
    fn open(
        &mut self,
        tables: &mut Tables,
        received: &Received,
        filling: &mut Filling,
        from: usize,
        length: usize,
    ) {
        let counters = &self.shared.counters;
        let used = filling.used;
        let (bytes, table) = self.shared.pool.memory(filling);
        let Some((header, cid, number)) = parse_header(&bytes[from..from + length]) else {
            counters.dropped_malformed.add(1);
            return;
        };
        let index = match self.cached {
            Some((cached, index)) if cached == cid => Some(index),
            _ => tables.find(cid),
        };
        let Some((index, slot)) = index.and_then(|index| Some((index, tables.at(index)?))) else {
            counters.dropped_unknown.add(1);
            return;
        };
        self.cached = Some((cid, index));
        if filling.log.rows >= Layout::ROWS {
            counters.dropped_queue.add(1);
            return;
        }

        // The plaintext goes to where a bulk frame's data continue those of the packet before;
        // its 11 header bytes overwrite the end of those, which are put back afterwards.
        let at = used - STREAM_HEADER_BYTES;
        let mut before = [0; STREAM_HEADER_BYTES];
        before.copy_from_slice(&bytes[at..used]);
        let ciphertext = from + HEADER_BYTES - at;
        let opened = slot.keys.open(number, &header, &mut bytes[at..from + length], ciphertext);
        let fresh = opened.is_some_and(|_| slot.window.accept(number));
        let Some(plain) = opened.filter(|_| fresh) else {
            bytes[at..used].copy_from_slice(&before);
            let counter = if opened.is_some() {
                &counters.dropped_replayed
            } else {
                &counters.dropped_forged
            };
            counter.add(1);
            return;
        };
        let path = self.path.get_or_insert_with(|| filling.log.stranger(received.from));
        self.arrival.path = *path;
        let slot = slot.slot;
        if let Some(bulk) = parse_bulk(&bytes[at..at + plain], slot, number) {
            bytes[at..used].copy_from_slice(&before);
            filling.used += bulk.length;
            filling.log.bulk(table, &self.arrival, &bulk, used);
        } else {
            bytes.copy_within(at..at + plain, used);
            bytes[at..used].copy_from_slice(&before);
            filling.used += plain;
            filling.log.frames(table, &self.arrival, (slot, number), (used, plain));
        }
    }
}

fn parse_bulk(plain: &[u8], slot: u16, number: u64) -> Option<BulkPacket> {
    let header = plain.first_chunk::<STREAM_HEADER_BYTES>()?;
    if header[0] & !FRAME_FIN != FRAME_STREAM {
        return None;
    }
    let stream = u32::from_be_bytes([header[1], header[2], header[3], header[4]]);
    let mut offset = [0; 8];
    offset[2..].copy_from_slice(&header[5..]);
    Some(BulkPacket {
        slot,
        number,
        stream,
        offset: u64::from_be_bytes(offset),
        length: plain.len() - STREAM_HEADER_BYTES,
        fin: header[0] & FRAME_FIN != 0,
    })
}

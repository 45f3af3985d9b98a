//! Slabs on their way round: free, being filled by the receive thread, ready, with JavaScript.
//!
//! A slab is handed over as soon as the socket has nothing more to read, however little it holds;
//! until JavaScript takes it the thread may take it back and fill on. So a busy event loop finds
//! few full slabs instead of many small ones, and an idle one waits for nothing.

use crate::region::{CONTROL, Layout, Region};
use crate::rows::{Arrival, RowLog};
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Plain datagrams that may wait for JavaScript.
const PLAIN_QUEUE: usize = 256;
/// Plain datagrams in one batch: WIRE item 17, at most 8 handshakes while sealed data waits.
const PLAIN_BATCH: usize = 8;
/// Batches of sealed data after which waiting plain datagrams have their turn.
const SEALED_IN_A_ROW: usize = 8;
/// Room that one receive call needs: the longest datagram, coalesced or not.
pub const RECEIVE_BYTES: usize = 64 << 10;
/// Rows that one receive call may need: `UDP_MAX_SEGMENTS` of Linux 6.9.
const RECEIVE_ROWS: usize = 128;
/// Bytes kept free before the first payload, for the frame header of the packet opened there.
pub const HEADROOM_BYTES: usize = 16;

/// The right to a slab's memory: there is one of each, and it is never copied.
pub struct Slab(usize);

/// A slab in the hands of a reader.
pub struct Filling {
    pub slab: Slab,
    /// Bytes taken, headroom included.
    pub used: usize,
    pub log: RowLog,
}

impl Filling {
    pub fn has_room(&self) -> bool {
        self.used + RECEIVE_BYTES <= Layout::SLAB_BYTES && !self.log.is_full(RECEIVE_ROWS)
    }
}

/// An unsealed datagram that passed the filter.
pub struct Plain {
    pub from: SocketAddr,
    /// As [`Arrival`], but a path of `None` stands for a stranger.
    pub path: Option<u32>,
    pub ecn: u8,
    pub time: f64,
    pub group: u16,
    pub bytes: Vec<u8>,
}

/// What JavaScript is to do next.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    Nothing,
    /// The control block names a slab and its rows.
    Batch,
    /// A socket that was full may take packets again.
    Writable,
    /// The receive thread left reading to the event loop.
    Quiet,
    Failed(String),
}

pub struct Pool {
    region: Arc<Region>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    free: Vec<Slab>,
    ready: VecDeque<Filling>,
    /// Slab that JavaScript reads, unless that is the plain one.
    lent: Option<Slab>,
    strangers: Vec<SocketAddr>,
    plain: VecDeque<Plain>,
    sealed_in_a_row: usize,
    /// JavaScript was woken and has not yet been told that there is nothing more.
    awake: bool,
    /// The receive thread waits for a slab.
    starved: bool,
    /// All that is no batch; it goes first.
    news: VecDeque<Next>,
}

impl Pool {
    pub fn new(region: Arc<Region>) -> Self {
        let free = (0..Layout::SLABS).rev().map(Slab).collect();
        Self { region, state: Mutex::new(State { free, ..State::default() }) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The bytes and the row table of a slab.
    pub fn memory<'a>(&'a self, slab: &'a mut Slab) -> (&'a mut [u8], &'a mut [f64]) {
        // SAFETY: there is one `Slab` of each number, borrowed for as long as the slices live;
        // JavaScript was told of its contents only while `lent` held it.
        unsafe { self.region.slab(slab.0) }
    }

    /// A slab with room, the last one handed over if JavaScript has not yet taken it.
    pub fn fill(&self) -> Option<Filling> {
        let mut state = self.state();
        if state.ready.back().is_some_and(Filling::has_room) {
            return state.ready.pop_back();
        }
        let Some(slab) = state.free.pop() else {
            state.starved = true;
            return None;
        };
        Some(Filling { slab, used: HEADROOM_BYTES, log: RowLog::default() })
    }

    /// Hands a slab over; true where JavaScript must be woken.
    pub fn publish(&self, filling: Filling) -> bool {
        let mut state = self.state();
        if filling.log.rows == 0 {
            state.free.push(filling.slab);
            return false;
        }
        state.ready.push_back(filling);
        !std::mem::replace(&mut state.awake, true)
    }

    /// Queues a plain datagram: `None` where the queue is full, else whether to wake JavaScript.
    pub fn push_plain(&self, plain: Plain) -> Option<bool> {
        let mut state = self.state();
        if state.plain.len() >= PLAIN_QUEUE {
            return None;
        }
        state.plain.push_back(plain);
        Some(!std::mem::replace(&mut state.awake, true))
    }

    /// Queues what is no batch; true where JavaScript must be woken.
    pub fn report(&self, news: Next) -> bool {
        let mut state = self.state();
        if !state.news.contains(&news) {
            state.news.push_back(news);
        }
        !std::mem::replace(&mut state.awake, true)
    }

    /// Takes back the slab JavaScript had, and gives it what is next. The second value says
    /// that the receive thread waits for a slab and must be woken.
    pub fn next(&self) -> (Next, bool) {
        let mut state = self.state();
        let mut thread_waits = false;
        if let Some(slab) = state.lent.take() {
            state.free.push(slab);
            thread_waits = std::mem::take(&mut state.starved);
        }
        (self.step(&mut state), thread_waits)
    }

    fn step(&self, state: &mut State) -> Next {
        if let Some(news) = state.news.pop_front() {
            return news;
        }
        if !state.plain.is_empty()
            && (state.ready.is_empty() || state.sealed_in_a_row >= SEALED_IN_A_ROW)
        {
            state.sealed_in_a_row = 0;
            let log = self.write_plain(&mut state.plain);
            self.announce(state, Layout::PLAIN_SLAB, log);
            return Next::Batch;
        }
        let Some(filling) = state.ready.pop_front() else {
            state.awake = false;
            return Next::Nothing;
        };
        state.sealed_in_a_row += 1;
        self.announce(state, filling.slab.0, filling.log);
        state.lent = Some(filling.slab);
        Next::Batch
    }

    fn announce(&self, state: &mut State, slab: usize, log: RowLog) {
        use crate::number::size_to_f64;
        self.region.set(CONTROL::SLAB, size_to_f64(slab));
        self.region.set(CONTROL::ROW_COUNT, size_to_f64(log.rows));
        self.region.set(CONTROL::STRANGERS, size_to_f64(log.strangers.len()));
        state.strangers = log.strangers;
    }

    /// Copies waiting datagrams into the plain slab, in order.
    fn write_plain(&self, queue: &mut VecDeque<Plain>) -> RowLog {
        // SAFETY: the plain slab is used on the JavaScript thread only, and by `next` only,
        // which JavaScript calls when it is through with the batch before.
        let (bytes, table) = unsafe { self.region.slab(Layout::PLAIN_SLAB) };
        let mut log = RowLog::default();
        let mut at = 0;
        for plain in queue.drain(..queue.len().min(PLAIN_BATCH)) {
            let path = plain.path.map_or_else(|| log.stranger(plain.from), f64::from);
            let arrival = Arrival { path, ecn: plain.ecn, time: plain.time, group: plain.group };
            bytes[at..at + plain.bytes.len()].copy_from_slice(&plain.bytes);
            log.plain(table, &arrival, at, plain.bytes.len());
            at += plain.bytes.len();
        }
        log
    }

    /// Whether `next` has something to say.
    pub fn has_news(&self) -> bool {
        self.state().awake
    }

    /// Source addresses of the batch JavaScript reads.
    pub fn strangers(&self) -> Vec<SocketAddr> {
        self.state().strangers.clone()
    }
}

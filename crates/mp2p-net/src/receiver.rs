//! Receiving: reads all binds, opens sealed packets in place, sorts strangers.
//!
//! A thread of its own does it under load. While there is little to do the event loop reads by
//! itself: two changes of threads cost as much as the rest of a small packet's round trip.

use crate::cookie_jar::Caller;
use crate::counters::Counters;
use crate::load::{LOOP_LOAD, Load, Window};
use crate::opener::{Membership, Opener};
use crate::pool::{Filling, Next, Plain, Pool, RECEIVE_BYTES};
use crate::sender::Target;
use crate::slots::Tables;
use crate::socket_groups::route;
use crate::stranger::{Verdict, cid_answered, is_announcement};
use crate::sys::{Arrival, Bind, Readiness, Received, Waker, Watch};
use mp2p_crypto::packet::TYPE_DATA;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Receive calls on one bind before the others have their turn.
const RECEIVES_IN_A_ROW: usize = 32;
/// Turns of all binds before what came is handed over and writable binds are looked for: under a
/// flood of packets that nobody can open, no bind ever has nothing more, and no slab gets full.
const TURNS: usize = 8;

/// What the receive thread and the JavaScript thread share.
pub struct Shared {
    pub binds: Vec<Bind>,
    pub groups: GroupSockets,
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

/// Sockets that receive groups, opened as they are needed and closed with the rest.
#[derive(Default)]
pub struct GroupSockets(Mutex<Arc<[Arc<Bind>]>>);

impl GroupSockets {
    pub fn all(&self) -> Arc<[Arc<Bind>]> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn push(&self, socket: Bind) -> Arc<Bind> {
        let socket = Arc::new(socket);
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *all = all.iter().chain([&socket]).cloned().collect();
        socket
    }
}

impl Shared {
    pub fn tables(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The unicast socket that speaks to an address's family.
    fn bind_for(&self, address: &SocketAddr) -> Option<&Bind> {
        self.binds.iter().find(|bind| bind.local.is_ipv4() == address.is_ipv4())
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
        let groups = shared.groups.all();
        let sockets = shared.binds.iter().chain(groups.iter().map(|socket| &**socket));
        let waiting = readiness.wait(sockets, &shared.waker, &watch);
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
        window.load += receiver.drain(&groups, |socket| readiness.is_readable(socket), None);
        if shared.loop_can_read && window.ends_quiet() {
            shared.thread_reads.store(false, Ordering::Release);
            if shared.pool.report(Next::Quiet) {
                wake();
            }
        }
    }
}

/// Reads on the event loop's own thread, which saves a light load two changes of threads. Where the
/// load is no longer light, `thread_reads` is set: then this thread reads no more until told.
/// Returns the bytes that came where there was something of a peer's among them.
pub fn read_on_loop(shared: &Shared) -> Option<usize> {
    let mut receiver = Receiver::new(shared, &|| {});
    let load = receiver.drain(&shared.groups.all(), |_| true, Some(LOOP_LOAD));
    if load.exceeds(LOOP_LOAD) || receiver.starved {
        shared.thread_reads.store(true, Ordering::Release);
        shared.waker.wake();
    }
    receiver.opened.then_some(load.bytes)
}

struct Receiver<'shared> {
    shared: &'shared Shared,
    wake: &'shared dyn Fn(),
    filling: Option<Filling>,
    /// All slabs are with JavaScript: nothing is read until one comes back.
    starved: bool,
    load: Load,
    /// Something came under keys of ours.
    opened: bool,
}

impl<'shared> Receiver<'shared> {
    fn new(shared: &'shared Shared, wake: &'shared dyn Fn()) -> Self {
        Self { shared, wake, filling: None, starved: false, load: Load::default(), opened: false }
    }

    /// Reads until no socket has anything more, `limit` is passed or all had their turns, then hands
    /// over what there is.
    fn drain(
        &mut self,
        groups: &[Arc<Bind>],
        is_readable: impl Fn(usize) -> bool,
        limit: Option<Load>,
    ) -> Load {
        self.load = Load::default();
        let unicast = self.shared.binds.iter().map(|bind| (bind, None));
        let groups = groups.iter().enumerate().map(|(index, bind)| (&**bind, Some(index)));
        let sockets: Vec<_> = unicast.chain(groups).collect();
        for _ in 0..TURNS {
            let mut more = false;
            for (index, &(bind, group)) in sockets.iter().enumerate() {
                if is_readable(index) {
                    more |= self.drain_bind(bind, group, limit);
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

    /// True where the bind, a group socket where it has an index, may have more.
    fn drain_bind(&mut self, bind: &Bind, group: Option<usize>, limit: Option<Load>) -> bool {
        for _ in 0..RECEIVES_IN_A_ROW {
            let Some(mut filling) = self.filling.take().or_else(|| self.shared.pool.fill()) else {
                self.starved = true;
                return false;
            };
            let used = filling.used;
            let (bytes, _) = self.shared.pool.memory(&mut filling.slab);
            let received = bind.receive(&mut bytes[used..used + RECEIVE_BYTES]);
            let more = match received {
                Ok(received) => {
                    self.load += Load { bytes: received.length, packets: received.packets() };
                    self.accept(group, &received, &mut filling);
                    self.opened |= filling.used > used;
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

    fn accept(&mut self, socket: Option<usize>, received: &Received, filling: &mut Filling) {
        let counters = &self.shared.counters;
        counters.receive_calls.add(1);
        counters.bytes_received.add(received.length);
        counters.packets_received.add(received.packets());
        counters.dropped_kernel.add(received.kernel_drops);
        let mut tables = self.shared.tables();
        let group = socket.map(|socket| membership(&tables, socket, received));
        // What came to a group socket without a membership came by nobody's wish.
        let Some(group) = group.map_or(Some(None), |found| found.map(Some)) else {
            counters.dropped_group.add(received.packets());
            return;
        };
        let path = tables.paths.get(&received.from).copied();
        let mut opener = Opener::new(&self.shared.pool, counters, received, path, group);
        let mut must_wake = false;
        for (from, length) in received.segments(filling.used) {
            let (bytes, _) = self.shared.pool.memory(&mut filling.slab);
            let datagram = &bytes[from..from + length];
            if datagram.first() == Some(&TYPE_DATA) {
                opener.open(&mut tables, filling, from, length);
            } else {
                must_wake |= self.accept_plain(&mut tables, received, datagram, path, group);
            }
        }
        drop(tables);
        if must_wake {
            (self.wake)();
        }
    }

    /// True where JavaScript must be woken.
    fn accept_plain(
        &self,
        tables: &mut Tables,
        received: &Received,
        datagram: &[u8],
        path: Option<u32>,
        group: Option<Membership>,
    ) -> bool {
        let counters = &self.shared.counters;
        let interface = group.map_or(0, |membership| membership.interface);
        let caller = Caller { address: received.from, interface };
        let verdict = match cid_answered(datagram) {
            Some(cid) if tables.expected.contains(&cid) => Verdict::Pass,
            Some(_) => Verdict::Unknown,
            None if group.is_some() && is_announcement(datagram) => {
                tables.filter.judge_announcement(caller, received.time)
            }
            None => tables.filter.judge(datagram, caller, received.time),
        };
        match verdict {
            Verdict::Pass => {
                let &Received { from, ecn, time, .. } = received;
                let group = group.map_or(0, |membership| membership.number);
                let plain = Plain { from, path, ecn, time, group, bytes: datagram.to_vec() };
                let queued = self.shared.pool.push_plain(plain);
                if queued.is_none() {
                    counters.dropped_queue.add(1);
                }
                return queued == Some(true);
            }
            Verdict::Malformed => counters.dropped_malformed.add(1),
            Verdict::Unknown => counters.dropped_unknown.add(1),
            Verdict::Stranger => counters.dropped_strangers.add(1),
            Verdict::Limited => counters.dropped_limited.add(1),
            Verdict::Cookie(answer) => {
                // Counted whether or not the network takes it: the INIT is gone either way.
                counters.cookies_sent.add(1);
                self.answer(received, group, &answer[..]);
            }
        }
        false
    }

    /// The way the question came: unicast may not reach whoever spoke to a group.
    fn answer(&self, received: &Received, group: Option<Membership>, answer: &[u8]) {
        let binds = &self.shared.binds;
        let Some(Arrival { to, interface }) = group.and(received.arrival) else {
            if let Some(bind) = self.shared.bind_for(&received.from) {
                let _ = bind.send(&received.from.into(), None, answer, answer.len());
            }
            return;
        };
        let port = self.shared.groups.all().first().map(|socket| socket.local.port());
        let back = port.and_then(|port| route(binds, SocketAddr::new(to, port), interface));
        if let Some(Target { bind, address, via }) = back {
            let _ = binds[bind].send(&address, via, answer, answer.len());
        }
    }
}

fn membership(tables: &Tables, socket: usize, received: &Received) -> Option<Membership> {
    let arrival = received.arrival?;
    let number = tables.memberships.find(socket, arrival, received.from.ip())?;
    Some(Membership { number, interface: arrival.interface })
}

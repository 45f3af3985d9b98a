//! One to eight bound sockets used as one: what the addon gives to JavaScript.

use crate::address::{self, AddressError, Remote};
use crate::clock::now_ms;
use crate::counters::{Counters, Totals};
use crate::exchange::Exchange;
use crate::membership::MAX_MEMBERSHIPS;
use crate::pool::{Next, Pool};
use crate::receiver::{GroupSockets, Shared, read_on_loop, run};
use crate::region::{CONTROL, Region};
use crate::sender::{Fault, Plan, SendResult, Sender, Target};
use crate::slots::Tables;
use crate::socket_groups::GroupOptions;
use crate::stranger::{Addressee, Limits};
use crate::sys::{Bind, SendError, Waker, probed_segments};
use mp2p_crypto::packet::{Cid, PacketKeys};
use mp2p_crypto::train::SendSlot;
use socket2::SockAddr;
use std::collections::HashMap;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{Builder, JoinHandle, available_parallelism};

const MAX_PATHS: usize = 4096;
const MAX_BINDS: usize = 8;

/// Why a socket does not do what it was told; `code` is that of src/base/errors.ts.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    #[error("{0}")]
    Argument(String),
    #[error("at most {MAX_PATHS} paths")]
    TooManyPaths,
    #[error("cannot bind {address}: {error}")]
    Bind { address: String, error: io::Error },
    #[error("{0}")]
    NoMulticast(String),
    #[error("{0}")]
    NoInterface(String),
    #[error("at most {MAX_MEMBERSHIPS} memberships of groups")]
    TooManyMemberships,
    #[error("{0}")]
    System(#[from] io::Error),
}

/// Sends on the thread of its owner, receives on its own.
pub struct UdpEndpoint {
    pub(crate) shared: Arc<Shared>,
    region: Arc<Region>,
    sender: Sender,
    slots: HashMap<u16, SendSlot>,
    paths: HashMap<u32, (Remote, Target)>,
    path_ids: HashMap<Remote, u32>,
    last_path: u32,
    pub(crate) groups: Option<GroupOptions>,
    exchange: Exchange,
    /// On a lone processor whoever is to answer would wait for us.
    may_wait_awake: bool,
    thread: Option<JoinHandle<()>>,
}

impl UdpEndpoint {
    /// With `loop_can_read` the owner calls [`Self::read`] whenever a bind is readable, from the
    /// start and again after each [`Next::Quiet`], until that says that the thread has taken over.
    ///
    /// # Errors
    ///
    /// An address that is none or that cannot be bound; threads or descriptors used up.
    pub fn open(
        addresses: &[String],
        receive_bytes: Option<usize>,
        send_bytes: Option<usize>,
        loop_can_read: bool,
    ) -> Result<Self, SocketError> {
        if addresses.is_empty() || addresses.len() > MAX_BINDS {
            return Err(SocketError::Argument(format!("bind takes 1 to {MAX_BINDS} addresses")));
        }
        let cannot_bind =
            |address: &String, error| SocketError::Bind { address: address.clone(), error };
        let bind = |text: &String| {
            let Remote { address, interface } = parse(text).map_err(|error| match error {
                SocketError::NoInterface(_) => {
                    let why = "there is no such interface";
                    cannot_bind(text, io::Error::new(io::ErrorKind::AddrNotAvailable, why))
                }
                other => other,
            })?;
            if interface > 0 {
                return Err(SocketError::Argument(format!("a group cannot be bound: {text}")));
            }
            Bind::open(address, receive_bytes, send_bytes).map_err(|error| cannot_bind(text, error))
        };
        let binds = addresses.iter().map(bind).collect::<Result<Vec<_>, _>>()?;
        let region = Region::new()?;
        let shared = Arc::new(Shared {
            binds,
            groups: GroupSockets::default(),
            waker: Waker::new()?,
            pool: Pool::new(region.clone()),
            tables: Mutex::new(Tables::new()),
            counters: Counters::default(),
            closing: AtomicBool::new(false),
            loop_can_read,
            thread_reads: AtomicBool::new(!loop_can_read),
            full_binds: AtomicU32::new(0),
        });
        Ok(Self {
            shared,
            region,
            sender: Sender::new(probed_segments()),
            slots: HashMap::new(),
            paths: HashMap::new(),
            path_ids: HashMap::new(),
            last_path: 0,
            groups: None,
            exchange: Exchange::default(),
            may_wait_awake: available_parallelism().is_ok_and(|processors| processors.get() > 1),
            thread: None,
        })
    }

    /// Starts the receive thread; `wake` is called on it when `advance` has something new.
    ///
    /// # Errors
    ///
    /// The system has no thread to give.
    pub fn start(&mut self, wake: impl Fn() + Send + 'static) -> io::Result<()> {
        let shared = self.shared.clone();
        let thread = Builder::new().name("mp2p-receive".into()).stack_size(256 << 10);
        let body = move || {
            let ended = catch_unwind(AssertUnwindSafe(|| run(&shared, &wake)));
            // The panic was printed where it happened; without this the socket would fall silent.
            if ended.is_err()
                && shared.pool.report(Next::Failed("the receive thread failed".into()))
            {
                wake();
            }
        };
        self.thread = Some(thread.spawn(body)?);
        Ok(())
    }

    pub fn region(&self) -> &Arc<Region> {
        &self.region
    }

    pub fn binds(&self) -> &[Bind] {
        &self.shared.binds
    }

    /// Packets in one send call; 1 once segmentation failed on this socket.
    pub fn segments(&self) -> usize {
        self.sender.segments()
    }

    /// Reads what there is; true where it was much, and the receive thread goes on with it.
    pub fn read(&mut self) -> bool {
        // A stranger cannot keep us awake.
        if let Some(bytes) = read_on_loop(&self.shared) {
            let sent = self.shared.counters.bytes_sent.get();
            self.exchange.arrived(bytes, sent, now_ms());
        }
        self.shared.thread_reads.load(Ordering::Acquire)
    }

    /// Whether the next packet is likely to come before a sleeping event loop could be woken.
    pub fn waits_awake(&self) -> bool {
        self.may_wait_awake && self.exchange.waits_awake(now_ms())
    }

    /// Whether `advance` has something to say.
    pub fn has_news(&self) -> bool {
        self.shared.pool.has_news()
    }

    /// Takes back the batch before and says what is next.
    pub fn advance(&mut self) -> Next {
        let (next, thread_waits) = self.shared.pool.next();
        if thread_waits {
            self.shared.waker.wake();
        }
        next
    }

    /// Source addresses of the batch JavaScript reads.
    pub fn strangers(&self) -> Vec<String> {
        self.shared.pool.strangers().iter().map(address::format).collect()
    }

    /// # Errors
    ///
    /// Not an address, no bind of its family, or too many paths.
    pub fn add_path(&mut self, remote: &str) -> Result<u32, SocketError> {
        let (remote, target) = self.target(remote)?;
        if let Some(&known) = self.path_ids.get(&remote) {
            return Ok(known);
        }
        if self.paths.len() >= MAX_PATHS {
            return Err(SocketError::TooManyPaths);
        }
        // Ids count up, so a row of a removed path is never taken for one of a newer path.
        self.last_path += 1;
        if target.via.is_none() {
            self.shared.tables().paths.insert(remote.address, self.last_path);
        }
        self.path_ids.insert(remote, self.last_path);
        self.paths.insert(self.last_path, (remote, target));
        Ok(self.last_path)
    }

    pub fn remove_path(&mut self, path: u32) {
        if let Some((remote, _)) = self.paths.remove(&path) {
            self.path_ids.remove(&remote);
            self.shared.tables().paths.remove(&remote.address);
        }
    }

    fn target(&self, text: &str) -> Result<(Remote, Target), SocketError> {
        let remote = parse(text)?;
        if remote.interface > 0 {
            return Ok((remote, self.group_target(&remote, text)?));
        }
        let family = |bind: &Bind| bind.local.is_ipv4() == remote.address.is_ipv4();
        let no_bind = || SocketError::Argument(format!("no bound socket reaches {text}"));
        let bind = self.binds().iter().position(family).ok_or_else(no_bind)?;
        let address = Arc::new(SockAddr::from(remote.address));
        Ok((remote, Target { bind, address, via: None }))
    }

    /// Installs or replaces a sending slot; a replaced one counts its packets from 0 again.
    pub fn install_send(&mut self, slot: u16, keys: PacketKeys) {
        self.slots.insert(slot, SendSlot::new(keys));
    }

    pub fn remove_send(&mut self, slot: u16) {
        self.slots.remove(&slot);
    }

    /// `of_many`: not only the sender holds these keys, so each source has its own numbers.
    ///
    /// # Errors
    ///
    /// Another slot has the connection id.
    pub fn install_receive(
        &mut self,
        slot: u16,
        keys: PacketKeys,
        of_many: bool,
    ) -> Result<(), SocketError> {
        let taken = || SocketError::Argument("another slot has this cid".into());
        if self.shared.tables().install(slot, keys, of_many) { Ok(()) } else { Err(taken()) }
    }

    pub fn remove_receive(&mut self, slot: u16) {
        self.shared.tables().remove(slot);
    }

    /// Sends a burst; the result also lies in the region's control block.
    ///
    /// # Errors
    ///
    /// An unknown slot or path, or a plan that breaks a limit; nothing was sealed then.
    pub fn send_sealed(
        &mut self,
        slot: u16,
        path: u32,
        plan: &Plan,
    ) -> Result<SendResult, SocketError> {
        let unknown = |what| SocketError::Argument(format!("no such {what}"));
        let slot = self.slots.get_mut(&slot).ok_or_else(|| unknown("sending slot"))?;
        let (_, target) = self.paths.get(&path).ok_or_else(|| unknown("path"))?;
        let Shared { binds, counters, .. } = &*self.shared;
        let sent = self.sender.send(binds, slot, target, plan, counters);
        let result = sent.map_err(|why| SocketError::Argument(why.into()))?;
        self.exchange.departed(now_ms());
        if let Some(bind) = self.sender.blocked_bind() {
            self.await_writable(bind);
        }
        let columns = [CONTROL::FIRST_PACKET, CONTROL::PACKETS, CONTROL::TOO_BIG];
        for (column, number) in columns.into_iter().zip(result.numbers()) {
            self.region.set(column, number);
        }
        Ok(result)
    }

    /// Sends what a full socket left over; true where there is nothing left.
    pub fn flush(&mut self) -> bool {
        let Shared { binds, counters, .. } = &*self.shared;
        let empty = self.sender.flush(binds, counters);
        if let Some(bind) = self.sender.blocked_bind() {
            self.await_writable(bind);
        }
        empty
    }

    #[cfg(test)]
    pub fn blocked_for_test(&self) -> Option<usize> {
        self.sender.blocked_bind()
    }

    fn await_writable(&self, bind: usize) {
        self.shared.full_binds.fetch_or(1 << bind, Ordering::AcqRel);
        self.shared.waker.wake();
    }

    /// # Errors
    ///
    /// Not an address, or no bind of its family.
    pub fn send_plain(&mut self, remote: &str, datagram: &[u8]) -> Result<bool, SocketError> {
        let (_, target) = match self.target(remote) {
            // Interfaces go at any moment: nothing is reached by this one just now.
            Err(SocketError::NoInterface(_)) => return Ok(false),
            known => known?,
        };
        let Shared { binds, counters, .. } = &*self.shared;
        let sent = self.sender.send_plain(binds, &target, datagram, counters);
        if sent == Err(SendError::Full) {
            self.await_writable(target.bind);
        }
        Ok(sent.is_ok())
    }

    pub fn set_filter(&mut self, addressees: Vec<Addressee>, limits: Limits) {
        self.shared.tables().filter.set(addressees, limits, now_ms());
    }

    pub fn expect(&mut self, cid: Cid) {
        self.shared.tables().expected.insert(cid);
    }

    pub fn unexpect(&mut self, cid: &Cid) {
        self.shared.tables().expected.remove(cid);
    }

    pub fn totals(&self) -> Totals {
        self.shared.counters.totals()
    }

    /// Makes every Nth send call fail with `errno` (tests); 0 ends it.
    pub fn inject_send_fault(&mut self, errno: i32, every_nth: u32) {
        self.sender.inject((every_nth > 0).then_some(Fault { errno, every_nth }));
    }
}

pub(crate) fn parse(text: &str) -> Result<Remote, SocketError> {
    address::parse(text).map_err(|error| match error {
        AddressError::Form => {
            SocketError::Argument(format!("not an IP address and port: {text:?}"))
        }
        AddressError::InterfaceMissing => {
            SocketError::Argument(format!("a group needs an interface, as in %eth0: {text:?}"))
        }
        AddressError::InterfaceUnknown(name) => {
            SocketError::NoInterface(format!("{text}: there is no interface {name}"))
        }
    })
}

impl Drop for UdpEndpoint {
    /// Ends the receive thread before anything it uses goes away.
    fn drop(&mut self) {
        self.shared.closing.store(true, Ordering::Release);
        self.shared.waker.wake();
        if let Some(thread) = self.thread.take() {
            // It catches its own panics.
            let _ = thread.join();
        }
    }
}

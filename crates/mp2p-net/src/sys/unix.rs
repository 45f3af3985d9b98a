//! Linux and macOS: what a socket asks of the kernel, and the calls that use it.

use super::message::{Control, Report, reports};
use super::{Arrival, Bind, Capabilities, Received, SendError, Via, Watch};
use crate::clock::now_ms;
use libc::{c_int, pollfd, socklen_t};
use socket2::{SockAddr, Socket};
use std::io::{self, Read, Write};
use std::mem;
use std::net::IpAddr;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
#[cfg(target_os = "linux")]
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
#[cfg(target_os = "linux")]
use std::time::{Duration, SystemTime};

pub use groups::{
    MEMBER_ALREADY, NO_ROOM, NO_SUCH_INTERFACE, NOWHERE, change_source, interface_index,
    interface_name, is_loopback, limit_hops, only_own_groups, share, tells_arrivals,
};
pub use libc::{EINVAL, EIO, EMSGSIZE};

#[path = "unix_groups.rs"]
mod groups;

#[cfg(target_os = "macos")]
mod apple {
    /// From netinet/in.h and netinet6/in6.h; not in every version of the libc crate.
    pub const IP_DONTFRAG: i32 = 28;
    pub const IPV6_DONTFRAG: i32 = 62;
    pub const IP_RECVTOS: i32 = 27;
    pub const IPV6_RECVTCLASS: i32 = 35;
    pub const IPV6_TCLASS: i32 = 36;
}

/// Sets an integer option; false where the system lacks it.
fn set(socket: &Socket, level: c_int, option: c_int, value: c_int) -> bool {
    set_value(socket, level, option, &value).is_ok()
}

fn set_value<T>(socket: &Socket, level: c_int, option: c_int, value: &T) -> io::Result<()> {
    let length = socklen_t::try_from(size_of::<T>()).map_err(|_| io::ErrorKind::InvalidInput)?;
    let fd = socket.as_raw_fd();
    // SAFETY: the kernel reads `length` bytes at `value`, which is exactly that long and outlives
    // the call; `socket` is borrowed, so `fd` stays open meanwhile.
    let status =
        unsafe { libc::setsockopt(fd, level, option, std::ptr::from_ref(value).cast(), length) };
    if status == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// What the calls of one socket have to remember.
#[derive(Default)]
pub struct State {
    /// The kernel's running total of dropped datagrams, as last seen.
    #[cfg(target_os = "linux")]
    kernel_drops: AtomicU32,
}

/// Here the plain way of binding is exclusive already.
pub fn keep_exclusive(_socket: &Socket) -> State {
    State::default()
}

/// Don't-fragment without a path MTU kept by the kernel, ECN and drop reports, coalescing.
#[cfg(target_os = "linux")]
pub fn prepare(socket: &Socket, v6: bool) -> Capabilities {
    let (packet_info, ecn) = if v6 {
        set(socket, libc::IPPROTO_IPV6, libc::IPV6_MTU_DISCOVER, libc::IPV6_PMTUDISC_PROBE);
        set(socket, libc::IPPROTO_IPV6, libc::IPV6_DONTFRAG, 1);
        (
            set(socket, libc::IPPROTO_IPV6, libc::IPV6_RECVPKTINFO, 1),
            set(socket, libc::IPPROTO_IPV6, libc::IPV6_RECVTCLASS, 1),
        )
    } else {
        set(socket, libc::IPPROTO_IP, libc::IP_MTU_DISCOVER, libc::IP_PMTUDISC_PROBE);
        (
            set(socket, libc::IPPROTO_IP, libc::IP_PKTINFO, 1),
            set(socket, libc::IPPROTO_IP, libc::IP_RECVTOS, 1),
        )
    };
    set(socket, libc::SOL_SOCKET, libc::SO_RXQ_OVFL, 1);
    set(socket, libc::SOL_SOCKET, libc::SO_TIMESTAMPNS, 1);
    let gro = set(socket, libc::SOL_UDP, libc::UDP_GRO, 1);
    Capabilities { gro, packet_info, ecn, ..Capabilities::NONE }
}

/// No segmentation or coalescing: macOS has both only as private calls.
#[cfg(target_os = "macos")]
pub fn prepare(socket: &Socket, v6: bool) -> Capabilities {
    let (packet_info, ecn) = if v6 {
        set(socket, libc::IPPROTO_IPV6, apple::IPV6_DONTFRAG, 1);
        (
            set(socket, libc::IPPROTO_IPV6, libc::IPV6_RECVPKTINFO, 1),
            set(socket, libc::IPPROTO_IPV6, apple::IPV6_RECVTCLASS, 1),
        )
    } else {
        set(socket, libc::IPPROTO_IP, apple::IP_DONTFRAG, 1);
        (
            set(socket, libc::IPPROTO_IP, libc::IP_PKTINFO, 1),
            set(socket, libc::IPPROTO_IP, apple::IP_RECVTOS, 1),
        )
    };
    Capabilities { packet_info, ecn, ..Capabilities::NONE }
}

pub fn probe() -> Capabilities {
    use socket2::{Domain, Type};
    let Ok(socket) = Socket::new(Domain::IPV4, Type::DGRAM, None) else {
        return Capabilities::NONE;
    };
    let found = Capabilities { groups: super::groups::probe(), ..prepare(&socket, false) };
    #[cfg(target_os = "linux")]
    if set(&socket, libc::SOL_UDP, libc::UDP_SEGMENT, 1200) {
        return Capabilities { segments: super::MAX_SEGMENTS, ..found };
    }
    found
}

/// Asks for buffers past the system's limit where the process may, else up to the limit.
pub fn grow_buffers(socket: &Socket, receive_bytes: usize, send_bytes: usize) {
    #[cfg(target_os = "linux")]
    let force = |option, bytes: usize| {
        c_int::try_from(bytes).is_ok_and(|bytes| set(socket, libc::SOL_SOCKET, option, bytes))
    };
    #[cfg(target_os = "linux")]
    let forced =
        (force(libc::SO_RCVBUFFORCE, receive_bytes), force(libc::SO_SNDBUFFORCE, send_bytes));
    #[cfg(not(target_os = "linux"))]
    let forced = (false, false);
    // macOS refuses what is too much instead of granting less.
    if !forced.0 {
        shrink_until_granted(receive_bytes, |bytes| socket.set_recv_buffer_size(bytes));
    }
    if !forced.1 {
        shrink_until_granted(send_bytes, |bytes| socket.set_send_buffer_size(bytes));
    }
}

fn shrink_until_granted(mut bytes: usize, ask: impl Fn(usize) -> io::Result<()>) {
    while ask(bytes).is_err() && bytes > 128 << 10 {
        bytes /= 2;
    }
}

/// As [`Bind::send`].
pub fn send(
    bind: &Bind,
    to: &SockAddr,
    via: Option<Via>,
    bytes: &[u8],
    segment: usize,
) -> Result<(), SendError> {
    let segmented = bytes.len() > segment;
    let mut part = libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() };
    // SAFETY: a msghdr of zeros is a valid, empty one.
    let mut message: libc::msghdr = unsafe { mem::zeroed() };
    message.msg_name = to.as_ptr().cast_mut().cast();
    message.msg_namelen = to.len();
    message.msg_iov = &raw mut part;
    message.msg_iovlen = 1;
    let mut control = Control::new();
    if let Some(via) = via {
        groups::route(&mut control, &mut message, via, bind.local.ip());
    }
    #[cfg(target_os = "linux")]
    if segmented {
        let segment = u16::try_from(segment).map_err(|_| SendError::TooBig)?;
        control.put(&mut message, libc::SOL_UDP, libc::UDP_SEGMENT, segment);
    }
    loop {
        // SAFETY: name, iovec and control buffer are valid for their lengths and outlive the
        // call, which only reads them.
        let sent = unsafe { libc::sendmsg(bind.socket.as_raw_fd(), &raw const message, 0) };
        if sent >= 0 {
            return Ok(());
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(SendError::of(&error, segmented));
        }
    }
}

/// As [`Bind::receive`].
pub fn receive(bind: &Bind, buffer: &mut [u8]) -> io::Result<Received> {
    let mut part = libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() };
    let mut control = Control::new();
    // SAFETY: a msghdr of zeros is a valid, empty one.
    let mut message: libc::msghdr = unsafe { mem::zeroed() };
    message.msg_iov = &raw mut part;
    message.msg_iovlen = 1;
    control.attach(&mut message);
    let receive = |storage: *mut socket2::SockAddrStorage, length: *mut socklen_t| {
        message.msg_name = storage.cast();
        // SAFETY: `try_init` gives valid pointers; the kernel writes at most `length` bytes
        // of address, the iovec's and the control buffer's, all of which outlive the call.
        unsafe {
            message.msg_namelen = *length;
            let received = libc::recvmsg(bind.socket.as_raw_fd(), &raw mut message, 0);
            *length = message.msg_namelen;
            usize::try_from(received).map_err(|_| io::Error::last_os_error())
        }
    };
    // SAFETY: the closure sets the length to what the kernel wrote.
    let (length, from) = unsafe { SockAddr::try_init(receive) }?;
    let from = from.as_socket().ok_or(io::ErrorKind::InvalidData)?;
    if message.msg_flags & libc::MSG_TRUNC != 0 {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut received = Received {
        length,
        from,
        segment: length.max(1),
        ecn: 0,
        kernel_drops: 0,
        time: now_ms(),
        arrival: None,
    };
    bind.state.read_reports(&message, &mut received);
    Ok(received)
}

impl State {
    fn read_reports(&self, message: &libc::msghdr, received: &mut Received) {
        reports(message, |level, kind, report| match (level, kind) {
            #[cfg(target_os = "linux")]
            (libc::SOL_UDP, libc::UDP_GRO) => {
                received.segment = usize::try_from(report.read_int()).unwrap_or(0).max(1);
            }
            #[cfg(target_os = "linux")]
            (libc::SOL_SOCKET, libc::SO_RXQ_OVFL) => {
                let total = report.read_int().cast_unsigned();
                let before = self.kernel_drops.swap(total, Relaxed);
                received.kernel_drops += total.wrapping_sub(before) as usize;
            }
            #[cfg(target_os = "linux")]
            (libc::SOL_SOCKET, libc::SCM_TIMESTAMPNS) => {
                received.time -= report.read_time().map_or(0.0, age_ms);
            }
            (libc::IPPROTO_IP, libc::IP_PKTINFO) => received.arrival = arrival_v4(report),
            (libc::IPPROTO_IPV6, libc::IPV6_PKTINFO) => received.arrival = arrival_v6(report),
            (libc::IPPROTO_IP, TOS_REPORT) | (libc::IPPROTO_IPV6, TCLASS_REPORT) => {
                received.ecn = report.read_int().to_le_bytes()[0] & 3;
            }
            _ => {}
        });
    }
}

fn arrival_v4(report: &Report) -> Option<Arrival> {
    // SAFETY: in_pktinfo is made of integers.
    let info = unsafe { report.read::<libc::in_pktinfo>() }?;
    let to = IpAddr::from(info.ipi_addr.s_addr.to_ne_bytes());
    Some(Arrival { to, interface: u32::try_from(info.ipi_ifindex).ok()? })
}

fn arrival_v6(report: &Report) -> Option<Arrival> {
    // SAFETY: in6_pktinfo is made of integers.
    let info = unsafe { report.read::<libc::in6_pktinfo>() }?;
    let to = IpAddr::from(info.ipi6_addr.s6_addr);
    Some(Arrival { to, interface: info.ipi6_ifindex })
}

/// Milliseconds since a stamp of the wall clock; one from the future, or older than any packet
/// can wait, says that the clock was set.
#[cfg(target_os = "linux")]
fn age_ms(stamp: Duration) -> f64 {
    const OLDEST: Duration = Duration::from_secs(60);
    let since = SystemTime::UNIX_EPOCH.checked_add(stamp).and_then(|at| at.elapsed().ok());
    since.filter(|&age| age < OLDEST).map_or(0.0, |age| age.as_secs_f64() * 1e3)
}

#[cfg(target_os = "linux")]
const TOS_REPORT: c_int = libc::IP_TOS;
#[cfg(target_os = "linux")]
const TCLASS_REPORT: c_int = libc::IPV6_TCLASS;
#[cfg(target_os = "macos")]
const TOS_REPORT: c_int = apple::IP_RECVTOS;
#[cfg(target_os = "macos")]
const TCLASS_REPORT: c_int = apple::IPV6_TCLASS;

/// Ends a `wait` from another thread.
pub struct Waker {
    near: UnixStream,
    far: UnixStream,
}

impl Waker {
    /// # Errors
    ///
    /// The process has no file descriptor left.
    pub fn new() -> io::Result<Self> {
        let (near, far) = UnixStream::pair()?;
        near.set_nonblocking(true)?;
        far.set_nonblocking(true)?;
        Ok(Self { near, far })
    }

    pub fn wake(&self) {
        // Full means that the other side has yet to notice the bytes before: as good.
        let _ = (&self.near).write(&[1]);
    }

    fn clear(&self) {
        let mut bytes = [0; 64];
        while (&self.far).read(&mut bytes).is_ok_and(|read| read == bytes.len()) {}
    }
}

/// What `wait` found: readable and writable binds, by their index.
#[derive(Default)]
pub struct Readiness {
    polled: Vec<pollfd>,
}

impl Readiness {
    /// Sleeps until something watched for happens, the waker calls, or the limit is over.
    ///
    /// # Errors
    ///
    /// The system cannot wait; the socket is beyond repair.
    pub fn wait<'a>(
        &mut self,
        binds: impl Iterator<Item = &'a Bind>,
        waker: &Waker,
        watch: &Watch,
    ) -> io::Result<()> {
        self.polled.clear();
        for (index, bind) in binds.enumerate() {
            let read = if watch.readable { libc::POLLIN } else { 0 };
            let write = if watch.is_awaited(index) { libc::POLLOUT } else { 0 };
            // A bind that waits for nothing is left out: its errors would end every wait at once.
            let fd = if read | write == 0 { -1 } else { bind.socket.as_raw_fd() };
            self.polled.push(pollfd { fd, events: read | write, revents: 0 });
        }
        let fd = waker.far.as_raw_fd();
        self.polled.push(pollfd { fd, events: libc::POLLIN, revents: 0 });
        let count = self.polled.len() as libc::nfds_t;
        let limit_ms = watch.limit.map_or(-1, |limit| {
            c_int::try_from(limit.as_micros().div_ceil(1000)).unwrap_or(c_int::MAX)
        });
        // SAFETY: the pointer and the count are those of one live vector.
        let status = unsafe { libc::poll(self.polled.as_mut_ptr(), count, limit_ms) };
        if status < 0 {
            let error = io::Error::last_os_error();
            for polled in &mut self.polled {
                polled.revents = 0;
            }
            return if error.kind() == io::ErrorKind::Interrupted { Ok(()) } else { Err(error) };
        }
        if self.polled.last().is_some_and(|waker| waker.revents != 0) {
            waker.clear();
        }
        Ok(())
    }

    pub fn is_readable(&self, bind: usize) -> bool {
        self.polled[bind].revents & (libc::POLLIN | libc::POLLERR) != 0
    }

    /// Bit i: bind i is writable.
    pub fn writable(&self) -> u32 {
        let events = self.polled.iter().take(u32::BITS as usize).enumerate();
        events.fold(
            0,
            |mask, (index, polled)| {
                if polled.revents & libc::POLLOUT == 0 { mask } else { mask | 1 << index }
            },
        )
    }
}

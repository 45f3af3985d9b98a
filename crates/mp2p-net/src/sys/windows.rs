//! Windows: one datagram a call. Segmentation and coalescing stay off: some drivers lose the size
//! of what they joined (quinn#2041, quinn#2071).

use super::{Bind, Capabilities, Received, SendError, Via, Watch};
use crate::clock::now_ms;
use socket2::{SockAddr, Socket};
use std::io;
use std::mem::MaybeUninit;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::os::windows::io::AsRawSocket;
use std::ptr::null_mut;
use windows_sys::Win32::Networking::WinSock::{
    INVALID_SOCKET, IP_DONTFRAGMENT, IPPROTO_IP, IPPROTO_IPV6, IPV6_DONTFRAG, POLLRDNORM,
    POLLWRNORM, SIO_UDP_CONNRESET, SIO_UDP_NETRESET, SO_EXCLUSIVEADDRUSE, SOCKET, SOL_SOCKET,
    WSAEINVAL, WSAEMSGSIZE, WSAEOPNOTSUPP, WSAIoctl, WSAPOLLFD, WSAPoll, setsockopt,
};

pub use groups::{
    MEMBER_ALREADY, NO_ROOM, NO_SUCH_INTERFACE, NOWHERE, State, change_source, interface_index,
    interface_name, is_loopback, limit_hops, only_own_groups, share, tells_arrivals,
};

#[path = "windows_groups.rs"]
mod groups;

pub const EINVAL: i32 = WSAEINVAL;
pub const EIO: i32 = WSAEOPNOTSUPP;
pub const EMSGSIZE: i32 = WSAEMSGSIZE;

fn raw(socket: &Socket) -> SOCKET {
    // RawSocket is u64 or u32, as SOCKET is usize.
    socket.as_raw_socket() as SOCKET
}

/// Sets an integer option; false where the system lacks it.
fn set(socket: &Socket, level: i32, option: i32, value: i32) -> bool {
    // SAFETY: the system reads four bytes at `value`, which outlives the call; the socket is
    // borrowed, so it stays open meanwhile.
    let status = unsafe { setsockopt(raw(socket), level, option, (&raw const value).cast(), 4) };
    status == 0
}

/// Switches off one of the reports by which an answer of the network ends all receiving.
fn silence(socket: &Socket, report: u32) {
    let off = 0u32;
    let mut written = 0;
    // SAFETY: the system reads four bytes at `off` and writes four at `written`; no output, no
    // overlapped call. A failure leaves the report on, which `receive` survives.
    unsafe {
        WSAIoctl(
            raw(socket),
            report,
            (&raw const off).cast(),
            4,
            null_mut(),
            0,
            &raw mut written,
            null_mut(),
            None,
        );
    }
}

pub fn prepare(socket: &Socket, v6: bool) -> Capabilities {
    silence(socket, SIO_UDP_CONNRESET);
    silence(socket, SIO_UDP_NETRESET);
    if v6 {
        set(socket, IPPROTO_IPV6, IPV6_DONTFRAG, 1);
    } else {
        set(socket, IPPROTO_IP, IP_DONTFRAGMENT, 1);
    }
    Capabilities::NONE
}

/// Elsewhere the plain way of binding is exclusive already.
pub fn keep_exclusive(socket: &Socket) -> State {
    set(socket, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, 1);
    State::default()
}

pub fn probe() -> Capabilities {
    Capabilities { groups: super::groups::probe(), ..Capabilities::NONE }
}

pub fn grow_buffers(socket: &Socket, receive_bytes: usize, send_bytes: usize) {
    // What is refused stays as it was; `Bind` reads back what it is.
    let _ = socket.set_recv_buffer_size(receive_bytes);
    let _ = socket.set_send_buffer_size(send_bytes);
}

/// As [`Bind::send`]: `segment` never divides here.
pub fn send(
    bind: &Bind,
    to: &SockAddr,
    via: Option<Via>,
    bytes: &[u8],
    segment: usize,
) -> Result<(), SendError> {
    debug_assert!(bytes.len() <= segment);
    if let Some(via) = via {
        groups::route(&bind.socket, &bind.state, via, bind.local.is_ipv6());
    }
    match bind.socket.send_to(bytes, to) {
        Ok(_) => Ok(()),
        Err(error) => Err(SendError::of(&error, false)),
    }
}

/// As [`Bind::receive`]: one datagram.
pub fn receive(bind: &Bind, buffer: &mut [u8]) -> io::Result<Received> {
    if bind.state.wants_arrivals() {
        let (length, from, arrival) = groups::receive(&bind.socket, buffer)?;
        let from = from.as_socket().ok_or(io::ErrorKind::InvalidData)?;
        let received = received(length, from);
        return Ok(Received { arrival, ..received });
    }
    let (start, room) = (buffer.as_mut_ptr().cast::<MaybeUninit<u8>>(), buffer.len());
    // SAFETY: the same memory for the same time; socket2 writes only initialized bytes.
    let buffer = unsafe { std::slice::from_raw_parts_mut(start, room) };
    let (length, from) = bind.socket.recv_from(buffer)?;
    let from = from.as_socket().ok_or(io::ErrorKind::InvalidData)?;
    Ok(received(length, from))
}

fn received(length: usize, from: SocketAddr) -> Received {
    let segment = length.max(1);
    Received { length, from, segment, ecn: 0, kernel_drops: 0, time: now_ms(), arrival: None }
}

/// Ends a `wait` from another thread: a socket that sends to itself.
pub struct Waker(UdpSocket);

impl Waker {
    /// # Errors
    ///
    /// The process has no socket left.
    pub fn new() -> io::Result<Self> {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        socket.connect(socket.local_addr()?)?;
        socket.set_nonblocking(true)?;
        Ok(Self(socket))
    }

    pub fn wake(&self) {
        // Full means that wake-ups wait to be noticed already: as good.
        let _ = self.0.send(&[1]);
    }

    fn clear(&self) {
        let mut byte = [0];
        while self.0.recv(&mut byte).is_ok() {}
    }
}

/// What `wait` found: readable and writable binds, by their index.
#[derive(Default)]
pub struct Readiness {
    polled: Vec<WSAPOLLFD>,
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
            let read = if watch.readable { POLLRDNORM } else { 0 };
            let write = if watch.is_awaited(index) { POLLWRNORM } else { 0 };
            let fd = if read | write == 0 { INVALID_SOCKET } else { raw(&bind.socket) };
            self.polled.push(WSAPOLLFD { fd, events: read | write, revents: 0 });
        }
        let fd = waker.0.as_raw_socket() as SOCKET;
        self.polled.push(WSAPOLLFD { fd, events: POLLRDNORM, revents: 0 });
        let limit_ms = watch.limit.map_or(-1, |limit| {
            i32::try_from(limit.as_micros().div_ceil(1000)).unwrap_or(i32::MAX)
        });
        let count = u32::try_from(self.polled.len()).unwrap_or(0);
        // SAFETY: the pointer and the count are those of one live vector.
        if unsafe { WSAPoll(self.polled.as_mut_ptr(), count, limit_ms) } < 0 {
            return Err(io::Error::last_os_error());
        }
        if self.polled.last().is_some_and(|waker| waker.revents != 0) {
            waker.clear();
        }
        Ok(())
    }

    pub fn is_readable(&self, bind: usize) -> bool {
        self.polled[bind].revents & !POLLWRNORM != 0
    }

    /// Bit i: bind i is writable.
    pub fn writable(&self) -> u32 {
        let events = self.polled.iter().take(u32::BITS as usize).enumerate();
        events.fold(
            0,
            |mask, (index, polled)| {
                if polled.revents & POLLWRNORM == 0 { mask } else { mask | 1 << index }
            },
        )
    }
}

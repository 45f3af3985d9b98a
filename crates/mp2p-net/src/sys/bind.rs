//! One bound UDP socket of one family, with every option that helps it: a unicast one that nobody
//! shares, or one that receives groups on a port that everybody shares.

use super::{Received, SendError, Via, groups, imp};
use socket2::{Domain, Protocol, SockAddr, Socket, Type};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

/// What a bulk transfer wants; the kernel grants what it will.
const RECEIVE_BUFFER_BYTES: usize = 8 << 20;
const SEND_BUFFER_BYTES: usize = 4 << 20;

pub struct Bind {
    pub(super) socket: Socket,
    pub local: SocketAddr,
    pub receive_buffer_bytes: usize,
    pub send_buffer_bytes: usize,
    pub(super) state: imp::State,
}

/// Why a socket did not join a group.
#[derive(Debug)]
pub enum JoinError {
    /// It is in as many groups as it may be: another socket may join.
    NoRoom,
    Refused(io::Error),
}

impl Bind {
    /// Binds without sharing: a second binder of the port fails instead of stealing packets.
    ///
    /// # Errors
    ///
    /// The system's error of making or binding the socket; an option it lacks is none.
    pub fn open(
        address: SocketAddr,
        receive_bytes: Option<usize>,
        send_bytes: Option<usize>,
    ) -> io::Result<Self> {
        let socket = prepared(address, receive_bytes, send_bytes.unwrap_or(SEND_BUFFER_BYTES))?;
        let state = imp::keep_exclusive(&socket);
        Self::bound(socket, address, state)
    }

    /// Binds the port of all addresses together with other programs, to receive groups.
    ///
    /// # Errors
    ///
    /// As `open`; also where a program has the port for itself.
    pub fn open_shared(port: u16, v6: bool, receive_bytes: Option<usize>) -> io::Result<Self> {
        let any = if v6 { Ipv6Addr::UNSPECIFIED.into() } else { Ipv4Addr::UNSPECIFIED.into() };
        let address = SocketAddr::new(any, port);
        let socket = prepared(address, receive_bytes, 0)?;
        let state = imp::share(&socket, v6)?;
        imp::only_own_groups(&socket, v6);
        loop_back(&socket, v6);
        Self::bound(socket, address, state)
    }

    fn bound(socket: Socket, address: SocketAddr, state: imp::State) -> io::Result<Self> {
        socket.bind(&SockAddr::from(address))?;
        let local = socket.local_addr()?.as_socket().ok_or(io::ErrorKind::AddrNotAvailable)?;
        Ok(Self {
            local,
            receive_buffer_bytes: socket.recv_buffer_size()?,
            send_buffer_bytes: socket.send_buffer_size()?,
            state,
            socket,
        })
    }

    /// Prepares sending to groups.
    pub fn send_to_groups(&self, hop_limit: u8) {
        let v6 = self.local.is_ipv6();
        loop_back(&self.socket, v6);
        imp::limit_hops(&self.state, hop_limit);
        // Where it is refused, datagrams stay on the link: the system's default.
        let _ = if v6 {
            self.socket.set_multicast_hops_v6(hop_limit.into())
        } else {
            self.socket.set_multicast_ttl_v4(hop_limit.into())
        };
    }

    /// Sends `bytes` as datagrams of `segment` bytes, the last one as short as it comes; to a
    /// group `via` an interface. Where the system does not segment, they are one datagram.
    ///
    /// # Errors
    ///
    /// See [`SendError`]; then nothing was sent.
    pub fn send(
        &self,
        to: &SockAddr,
        via: Option<Via>,
        bytes: &[u8],
        segment: usize,
    ) -> Result<(), SendError> {
        imp::send(self, to, via, bytes, segment)
    }

    /// Receives one datagram, or several of one size where the kernel joined them.
    ///
    /// # Errors
    ///
    /// `WouldBlock` where there is none; others are of no consequence to later calls.
    pub fn receive(&self, buffer: &mut [u8]) -> io::Result<Received> {
        imp::receive(self, buffer)
    }

    /// # Errors
    ///
    /// See [`JoinError`].
    pub fn join(
        &self,
        group: IpAddr,
        interface: u32,
        source: Option<IpAddr>,
    ) -> Result<(), JoinError> {
        match groups::change(&self.socket, true, group, interface, source) {
            Ok(()) => Ok(()),
            Err(error) => match error.raw_os_error() {
                Some(imp::MEMBER_ALREADY) => Ok(()),
                Some(code) if imp::NO_ROOM.contains(&code) => Err(JoinError::NoRoom),
                _ => Err(JoinError::Refused(error)),
            },
        }
    }

    pub fn leave(&self, group: IpAddr, interface: u32, source: Option<IpAddr>) {
        // An interface that is gone took the membership along.
        let _ = groups::change(&self.socket, false, group, interface, source);
    }

    /// For an event loop that waits for readability by itself.
    #[cfg(unix)]
    pub fn descriptor(&self) -> std::os::fd::RawFd {
        std::os::fd::AsRawFd::as_raw_fd(&self.socket)
    }

    /// Makes `receive` wait, at most `limit`, for programs that do nothing else.
    ///
    /// # Errors
    ///
    /// The system refuses.
    pub fn set_blocking(&self, limit: Duration) -> io::Result<()> {
        self.socket.set_nonblocking(false)?;
        self.socket.set_read_timeout(Some(limit))
    }
}

fn prepared(
    address: SocketAddr,
    receive_bytes: Option<usize>,
    send_bytes: usize,
) -> io::Result<Socket> {
    let domain = Domain::for_address(address);
    let socket = Socket::new(domain, Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_nonblocking(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    imp::prepare(&socket, address.is_ipv6());
    imp::grow_buffers(&socket, receive_bytes.unwrap_or(RECEIVE_BUFFER_BYTES), send_bytes);
    Ok(socket)
}

/// What is sent to a group comes back to its members here. Windows asks the receiver, others the
/// sender; where it is refused, the default is to do so.
fn loop_back(socket: &Socket, v6: bool) {
    let _ =
        if v6 { socket.set_multicast_loop_v6(true) } else { socket.set_multicast_loop_v4(true) };
}

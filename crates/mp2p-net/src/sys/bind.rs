//! One bound UDP socket, unicast, of one family, with every option that helps it.

use super::imp;
use socket2::{Domain, Protocol, SockAddr, Socket, Type};
use std::io;
use std::net::SocketAddr;
#[cfg(target_os = "linux")]
use std::sync::atomic::AtomicU32;
use std::time::Duration;

/// What a bulk transfer wants; the kernel grants what it will.
const RECEIVE_BUFFER_BYTES: usize = 8 << 20;
const SEND_BUFFER_BYTES: usize = 4 << 20;

pub struct Bind {
    pub(super) socket: Socket,
    pub local: SocketAddr,
    pub receive_buffer_bytes: usize,
    pub send_buffer_bytes: usize,
    /// The kernel's running total of dropped datagrams, as last seen.
    #[cfg(target_os = "linux")]
    pub(super) kernel_drops: AtomicU32,
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
        let domain = Domain::for_address(address);
        let socket = Socket::new(domain, Type::DGRAM, Some(Protocol::UDP))?;
        socket.set_nonblocking(true)?;
        if address.is_ipv6() {
            socket.set_only_v6(true)?;
        }
        imp::prepare(&socket, address.is_ipv6());
        imp::grow_buffers(
            &socket,
            receive_bytes.unwrap_or(RECEIVE_BUFFER_BYTES),
            send_bytes.unwrap_or(SEND_BUFFER_BYTES),
        );
        socket.bind(&SockAddr::from(address))?;
        let local = socket.local_addr()?.as_socket().ok_or(io::ErrorKind::AddrNotAvailable)?;
        Ok(Self {
            local,
            receive_buffer_bytes: socket.recv_buffer_size()?,
            send_buffer_bytes: socket.send_buffer_size()?,
            #[cfg(target_os = "linux")]
            kernel_drops: AtomicU32::new(0),
            socket,
        })
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

//! Windows: membership of groups, by which interface datagrams to them leave, and where those of a
//! group socket came in, which only `WSARecvMsg` tells.

use super::super::{Arrival, Via};
use super::{raw, set};
use socket2::{SockAddr, SockAddrStorage, Socket};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::ptr::{null_mut, read_unaligned};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering::Relaxed};
use windows_sys::Win32::NetworkManagement::IpHelper::{
    ConvertInterfaceAliasToLuid, ConvertInterfaceIndexToLuid, ConvertInterfaceLuidToAlias,
    ConvertInterfaceLuidToIndex,
};
use windows_sys::Win32::NetworkManagement::Ndis::{IF_MAX_STRING_SIZE, NET_LUID_LH};
use windows_sys::Win32::Networking::WinSock::{
    CMSGHDR, GROUP_SOURCE_REQ, IN_PKTINFO, IN6_PKTINFO, IP_MULTICAST_IF, IP_PKTINFO, IPPROTO_IP,
    IPPROTO_IPV6, IPV6_MULTICAST_HOPS, IPV6_MULTICAST_IF, IPV6_PKTINFO, LPFN_WSARECVMSG,
    MCAST_JOIN_SOURCE_GROUP, MCAST_LEAVE_SOURCE_GROUP, SIO_GET_EXTENSION_FUNCTION_POINTER, SOCKET,
    SOCKET_ERROR, WSABUF, WSAEADDRNOTAVAIL, WSAEINVAL, WSAENOBUFS, WSAID_WSARECVMSG, WSAIoctl,
    WSAMSG, setsockopt,
};

pub const NO_ROOM: &[i32] = &[WSAENOBUFS];
/// What a repeated join is answered with; a group or an interface that is none was refused before.
pub const MEMBER_ALREADY: i32 = WSAEINVAL;
/// The number of no interface, and how a join on it is refused.
pub const NOWHERE: u32 = 0x00ff_ffff;
pub const NO_SUCH_INTERFACE: &[i32] = &[WSAEADDRNOTAVAIL, WSAEINVAL];
/// The number of "Loopback Pseudo-Interface 1" on every installation.
const LOOPBACK: u32 = 1;

/// What the calls of one socket have to remember.
#[derive(Default)]
pub struct State {
    /// It receives groups, so arrivals matter.
    shared: bool,
    hop_limit: AtomicU8,
    /// How the last datagram to a group left: interface, and in the lowest bit link scope.
    last: AtomicU64,
}

/// Lets other programs of this machine receive on the same port.
pub fn share(socket: &Socket, v6: bool) -> io::Result<State> {
    socket.set_reuse_address(true)?;
    let (level, option) = if v6 { (IPPROTO_IPV6, IPV6_PKTINFO) } else { (IPPROTO_IP, IP_PKTINFO) };
    set(socket, level, option, 1);
    Ok(State { shared: true, ..State::default() })
}

/// Without the call that tells a datagram's destination, groups cannot be told apart.
pub fn tells_arrivals() -> bool {
    RECEIVE_MESSAGE.is_some()
}

/// Windows has no such option: each socket hears what it joined.
pub fn only_own_groups(_socket: &Socket, _v6: bool) -> bool {
    false
}

pub fn interface_index(name: &str) -> Option<u32> {
    let name: Vec<u16> = name.encode_utf16().chain([0]).collect();
    let mut luid = NET_LUID_LH { Value: 0 };
    let mut index = 0;
    // SAFETY: the system reads the alias up to its NUL and writes to live variables.
    let status = unsafe {
        match ConvertInterfaceAliasToLuid(name.as_ptr(), &raw mut luid) {
            0 => ConvertInterfaceLuidToIndex(&raw const luid, &raw mut index),
            error => error,
        }
    };
    (status == 0 && index > 0).then_some(index)
}

pub fn interface_name(index: u32) -> Option<String> {
    let mut name = [0u16; IF_MAX_STRING_SIZE as usize + 1];
    let mut luid = NET_LUID_LH { Value: 0 };
    // SAFETY: the system writes to live variables, at most as many characters as the array has.
    let status = unsafe {
        match ConvertInterfaceIndexToLuid(index, &raw mut luid) {
            0 => ConvertInterfaceLuidToAlias(&raw const luid, name.as_mut_ptr(), name.len()),
            error => error,
        }
    };
    let end = name.iter().position(|&unit| unit == 0)?;
    (status == 0).then(|| String::from_utf16_lossy(&name[..end]))
}

pub fn is_loopback(interface: u32) -> bool {
    interface == LOOPBACK
}

/// Joins for one source, or leaves.
pub fn change_source(
    socket: &Socket,
    join: bool,
    group: IpAddr,
    interface: u32,
    source: IpAddr,
) -> io::Result<()> {
    let level = if group.is_ipv6() { IPPROTO_IPV6 } else { IPPROTO_IP };
    let option = if join { MCAST_JOIN_SOURCE_GROUP } else { MCAST_LEAVE_SOURCE_GROUP };
    let mut request = GROUP_SOURCE_REQ { gsr_interface: interface, ..Default::default() };
    write_address(group, &raw mut request.gsr_group);
    write_address(source, &raw mut request.gsr_source);
    let length = i32::try_from(size_of_val(&request)).unwrap_or(0);
    let option = option.cast_signed();
    // SAFETY: the system reads the request, which outlives the call; the socket is borrowed.
    let status =
        unsafe { setsockopt(raw(socket), level, option, (&raw const request).cast(), length) };
    if status == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

fn write_address<T>(ip: IpAddr, storage: *mut T) {
    let address = SockAddr::from(SocketAddr::new(ip, 0));
    let length = (address.len() as usize).min(size_of::<T>());
    // SAFETY: the caller's storage and the address are valid for `length` bytes, and apart.
    unsafe {
        std::ptr::copy_nonoverlapping(address.as_ptr().cast::<u8>(), storage.cast::<u8>(), length);
    }
}

/// Hop limit of datagrams to groups wider than the link.
pub fn limit_hops(state: &State, hop_limit: u8) {
    state.hop_limit.store(hop_limit, Relaxed);
}

/// Chooses how the next datagram leaves; one thread sends on a socket.
pub fn route(socket: &Socket, state: &State, via: Via, v6: bool) {
    let wanted = u64::from(via.interface) << 1 | u64::from(via.link_scope);
    if state.last.swap(wanted, Relaxed) == wanted {
        return;
    }
    if v6 {
        let hops = if via.link_scope { 255 } else { state.hop_limit.load(Relaxed).into() };
        set(socket, IPPROTO_IPV6, IPV6_MULTICAST_IF, via.interface.cast_signed());
        set(socket, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, hops);
    } else {
        // A number in network byte order is taken for an interface's index.
        set(socket, IPPROTO_IP, IP_MULTICAST_IF, via.interface.to_be().cast_signed());
    }
}

impl State {
    pub fn wants_arrivals(&self) -> bool {
        self.shared && tells_arrivals()
    }
}

static RECEIVE_MESSAGE: LazyLock<LPFN_WSARECVMSG> = LazyLock::new(|| {
    use socket2::{Domain, Type};
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, None).ok()?;
    let id = WSAID_WSARECVMSG;
    let mut function: LPFN_WSARECVMSG = None;
    let mut written = 0;
    // SAFETY: the system reads the id and writes one function pointer, both of the sizes given.
    let status = unsafe {
        WSAIoctl(
            raw(&socket),
            SIO_GET_EXTENSION_FUNCTION_POINTER,
            (&raw const id).cast(),
            u32::try_from(size_of_val(&id)).unwrap_or(0),
            (&raw mut function).cast(),
            u32::try_from(size_of::<LPFN_WSARECVMSG>()).unwrap_or(0),
            &raw mut written,
            null_mut(),
            None,
        )
    };
    function.filter(|_| status != SOCKET_ERROR)
});

/// Room for one report, aligned for its header.
#[repr(C, align(8))]
struct Report([u8; 64]);

/// Receives one datagram: its length, where it came from, and where it came in.
pub fn receive(
    socket: &Socket,
    buffer: &mut [u8],
) -> io::Result<(usize, SockAddr, Option<Arrival>)> {
    let Some(receive_message) = *RECEIVE_MESSAGE else {
        return Err(io::ErrorKind::Unsupported.into());
    };
    let socket: SOCKET = raw(socket);
    let mut report = Report([0; 64]);
    let room = u32::try_from(buffer.len()).unwrap_or(u32::MAX);
    let mut data = WSABUF { len: room, buf: buffer.as_mut_ptr() };
    let mut message = WSAMSG {
        lpBuffers: &raw mut data,
        dwBufferCount: 1,
        Control: WSABUF { len: 64, buf: report.0.as_mut_ptr() },
        ..Default::default()
    };
    let mut length = 0;
    let call = |storage: *mut SockAddrStorage, storage_length: *mut _| {
        message.name = storage.cast();
        // SAFETY: `try_init` gives valid pointers; the system writes at most as many bytes of
        // address, data and report as the message says, all of which outlive the call.
        unsafe {
            message.namelen = *storage_length;
            let status =
                receive_message(socket, &raw mut message, &raw mut length, null_mut(), None);
            *storage_length = message.namelen;
            if status == SOCKET_ERROR { Err(io::Error::last_os_error()) } else { Ok(()) }
        }
    };
    // SAFETY: the closure sets the length to what the system wrote.
    let ((), from) = unsafe { SockAddr::try_init(call) }?;
    let written = message.Control.len as usize;
    Ok((length as usize, from, read_arrival(&report, written)))
}

fn read_arrival(report: &Report, written: usize) -> Option<Arrival> {
    const DATA_AT: usize = size_of::<CMSGHDR>().next_multiple_of(align_of::<usize>());
    let holds = |size: usize| written.min(64) >= DATA_AT + size;
    if !holds(0) {
        return None;
    }
    let start = report.0.as_ptr();
    // SAFETY: the buffer is longer than each of these, which are made of integers; `holds` says
    // that the system wrote them.
    unsafe {
        let header = read_unaligned(start.cast::<CMSGHDR>());
        let data = start.add(DATA_AT);
        match (header.cmsg_level, header.cmsg_type) {
            (IPPROTO_IP, IP_PKTINFO) if holds(size_of::<IN_PKTINFO>()) => {
                let info = read_unaligned(data.cast::<IN_PKTINFO>());
                let to = IpAddr::from(info.ipi_addr.S_un.S_addr.to_ne_bytes());
                Some(Arrival { to, interface: info.ipi_ifindex })
            }
            (IPPROTO_IPV6, IPV6_PKTINFO) if holds(size_of::<IN6_PKTINFO>()) => {
                let info = read_unaligned(data.cast::<IN6_PKTINFO>());
                let to = IpAddr::from(info.ipi6_addr.u.Byte);
                Some(Arrival { to, interface: info.ipi6_ifindex })
            }
            _ => None,
        }
    }
}

const _: () = assert!(size_of::<IN6_PKTINFO>() + size_of::<CMSGHDR>() <= 64);

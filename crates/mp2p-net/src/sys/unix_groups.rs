//! Linux and macOS: membership of groups, and by which interface datagrams to them leave.

use super::super::Via;
#[cfg(target_os = "linux")]
use super::set;
use super::{State, set_value};
use crate::sys::message::Control;
use libc::{c_int, msghdr};
use socket2::{SockAddr, Socket};
use std::ffi::CString;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

#[cfg(target_os = "linux")]
use libc::{MCAST_JOIN_SOURCE_GROUP, MCAST_LEAVE_SOURCE_GROUP};
/// From netinet/in.h; not in every version of the libc crate.
#[cfg(target_os = "macos")]
const MCAST_JOIN_SOURCE_GROUP: c_int = 82;
#[cfg(target_os = "macos")]
const MCAST_LEAVE_SOURCE_GROUP: c_int = 83;

/// `struct group_source_req` of RFC 3678 section 5.1.
#[cfg_attr(target_os = "macos", repr(C, packed(4)))]
#[cfg_attr(not(target_os = "macos"), repr(C))]
struct GroupSourceRequest {
    interface: u32,
    group: libc::sockaddr_storage,
    source: libc::sockaddr_storage,
}

pub const NO_ROOM: &[c_int] = &[libc::ENOBUFS, libc::ENOMEM, libc::ETOOMANYREFS];
pub const MEMBER_ALREADY: c_int = libc::EADDRINUSE;
/// The number of no interface, and how a join on it is refused.
pub const NOWHERE: u32 = 0x7fff_ffff;
pub const NO_SUCH_INTERFACE: &[c_int] = &[libc::ENODEV, libc::ENXIO, libc::EADDRNOTAVAIL];

#[cfg(target_os = "linux")]
const LOOPBACK: &str = "lo";
#[cfg(target_os = "macos")]
const LOOPBACK: &str = "lo0";

pub fn interface_index(name: &str) -> Option<u32> {
    let name = CString::new(name).ok()?;
    // SAFETY: the system reads the string up to its NUL; it outlives the call.
    let index = unsafe { libc::if_nametoindex(name.as_ptr()) };
    (index > 0).then_some(index)
}

pub fn interface_name(index: u32) -> Option<String> {
    let mut name = [0u8; libc::IF_NAMESIZE];
    // SAFETY: the system writes at most IF_NAMESIZE bytes, NUL included.
    let found = unsafe { libc::if_indextoname(index, name.as_mut_ptr().cast()) };
    if found.is_null() {
        return None;
    }
    let end = name.iter().position(|&byte| byte == 0)?;
    Some(String::from_utf8_lossy(&name[..end]).into_owned())
}

pub fn is_loopback(interface: u32) -> bool {
    interface_index(LOOPBACK) == Some(interface)
}

/// Lets other programs of this machine receive on the same port.
pub fn share(socket: &Socket, _v6: bool) -> io::Result<State> {
    socket.set_reuse_address(true)?;
    // On Linux this would spread unicast and asks all programs to be of one user.
    #[cfg(not(target_os = "linux"))]
    socket.set_reuse_port(true)?;
    Ok(State::default())
}

/// The socket's own option is enough: each message to link scope says its limit by itself.
pub fn limit_hops(_state: &State, _hop_limit: u8) {}

/// Where a datagram came in is told with it.
pub fn tells_arrivals() -> bool {
    true
}

/// Keeps groups that other programs joined away; false where the system cannot.
#[cfg(target_os = "linux")]
pub fn only_own_groups(socket: &Socket, v6: bool) -> bool {
    if v6 {
        set(socket, libc::IPPROTO_IPV6, libc::IPV6_MULTICAST_ALL, 0)
    } else {
        set(socket, libc::IPPROTO_IP, libc::IP_MULTICAST_ALL, 0)
    }
}

/// BSD looks at each socket's own memberships anyway; it has no option to ask.
#[cfg(not(target_os = "linux"))]
pub fn only_own_groups(_socket: &Socket, _v6: bool) -> bool {
    false
}

/// Adds to a message how it leaves for a group, from the address that the socket is bound to.
pub fn route(control: &mut Control, message: &mut msghdr, via: Via, local: IpAddr) {
    if let IpAddr::V6(local) = local {
        let from = libc::in6_addr { s6_addr: local.octets() };
        let info = libc::in6_pktinfo { ipi6_addr: from, ipi6_ifindex: via.interface };
        control.put(message, libc::IPPROTO_IPV6, libc::IPV6_PKTINFO, info);
        if via.link_scope {
            control.put(message, libc::IPPROTO_IPV6, libc::IPV6_HOPLIMIT, 255 as c_int);
        }
    } else if let IpAddr::V4(local) = local {
        // Left open, the system takes the address of another interface for loopback's.
        let open = local.is_unspecified() && via.loopback;
        let from = if open { Ipv4Addr::LOCALHOST } else { local };
        let info = libc::in_pktinfo {
            // An int on Linux, unsigned on macOS.
            ipi_ifindex: via.interface.try_into().unwrap_or_default(),
            ipi_spec_dst: libc::in_addr { s_addr: u32::from_ne_bytes(from.octets()) },
            ipi_addr: libc::in_addr { s_addr: 0 },
        };
        control.put(message, libc::IPPROTO_IP, libc::IP_PKTINFO, info);
    }
}

/// Joins for one source, or leaves.
pub fn change_source(
    socket: &Socket,
    join: bool,
    group: IpAddr,
    interface: u32,
    source: IpAddr,
) -> io::Result<()> {
    let level = if group.is_ipv6() { libc::IPPROTO_IPV6 } else { libc::IPPROTO_IP };
    let option = if join { MCAST_JOIN_SOURCE_GROUP } else { MCAST_LEAVE_SOURCE_GROUP };
    let request =
        GroupSourceRequest { interface, group: storage_of(group), source: storage_of(source) };
    set_value(socket, level, option, &request)
}

fn storage_of(ip: IpAddr) -> libc::sockaddr_storage {
    let address = SockAddr::from(SocketAddr::new(ip, 0));
    // SAFETY: a sockaddr_storage of zeros is a valid, empty one.
    let mut storage: libc::sockaddr_storage = unsafe { std::mem::zeroed() };
    let length = (address.len() as usize).min(size_of_val(&storage));
    // SAFETY: both ranges are valid for `length` bytes, checked above, and apart.
    unsafe {
        std::ptr::copy_nonoverlapping(
            address.as_ptr().cast::<u8>(),
            (&raw mut storage).cast::<u8>(),
            length,
        );
    }
    storage
}

//! Membership of groups, as far as all systems have it in the same form.

use super::{GroupCapabilities, imp};
use socket2::{Domain, InterfaceIndexOrAddress, Socket, Type};
use std::io;
use std::net::{IpAddr, Ipv4Addr};

/// Joins, or leaves.
pub fn change(
    socket: &Socket,
    join: bool,
    group: IpAddr,
    interface: u32,
    source: Option<IpAddr>,
) -> io::Result<()> {
    if let Some(source) = source {
        return imp::change_source(socket, join, group, interface, source);
    }
    let index = InterfaceIndexOrAddress::Index(interface);
    match (group, join) {
        (IpAddr::V4(group), true) => socket.join_multicast_v4_n(&group, &index),
        (IpAddr::V4(group), false) => socket.leave_multicast_v4_n(&group, &index),
        (IpAddr::V6(group), true) => socket.join_multicast_v6(&group, interface),
        (IpAddr::V6(group), false) => socket.leave_multicast_v6(&group, interface),
    }
}

/// Tries by joining on an interface that does not exist: the system says so, or that it does not
/// know the call; the network notices nothing.
pub fn probe() -> GroupCapabilities {
    let Ok(socket) = Socket::new(Domain::IPV4, Type::DGRAM, None) else {
        return GroupCapabilities { multicast: false, source_specific: false, all: false };
    };
    let group = IpAddr::V4(Ipv4Addr::new(232, 67, 27, 1));
    let knows = |source| {
        let joined = change(&socket, true, group, imp::NOWHERE, source);
        let code = joined.err().and_then(|error| error.raw_os_error());
        code.is_some_and(|code| imp::NO_SUCH_INTERFACE.contains(&code))
    };
    GroupCapabilities {
        multicast: imp::tells_arrivals() && knows(None),
        source_specific: knows(Some(Ipv4Addr::LOCALHOST.into())),
        all: imp::only_own_groups(&socket, false),
    }
}

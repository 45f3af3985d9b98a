//! The groups of a socket: joined by sockets of their own, sent to from the unicast ones, so that
//! answers reach those.

use crate::address::{Remote, is_link_scope, name_or_number};
use crate::group_drops::Drops;
use crate::membership::Place;
use crate::sender::Target;
use crate::socket::{SocketError, UdpEndpoint, parse};
use crate::sys::{Bind, JoinError, Via, is_loopback};
use socket2::SockAddr;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// An IPv4 socket holds 20 memberships, so this is 1,280 of them.
const MAX_GROUP_SOCKETS: usize = 64;

#[derive(Clone, Copy)]
pub struct GroupOptions {
    /// Where groups are received.
    pub port: u16,
    /// Of datagrams to groups wider than the link.
    pub hop_limit: u8,
    pub receive_bytes: Option<usize>,
}

/// Where sealed packets came from by a group that were dropped.
pub struct DropReport {
    pub source: String,
    pub interface: String,
    pub drops: Drops,
}

impl UdpEndpoint {
    /// Lets groups be joined and sent to.
    pub fn allow_groups(&mut self, options: GroupOptions) {
        for bind in self.binds() {
            bind.send_to_groups(options.hop_limit);
        }
        self.groups = Some(options);
    }

    /// Joins a group, for one source where one is named; a group joined already has its number.
    ///
    /// # Errors
    ///
    /// Not a group's address, or the system or the interface refuses.
    pub fn join(&mut self, group: &str, source: Option<&str>) -> Result<u16, SocketError> {
        let remote = parse(group)?;
        let source = source.map(|text| parse_source(text, &remote)).transpose()?;
        let options = self.check_group(&remote, group)?;
        if remote.address.port() != options.port {
            let port = options.port;
            return Err(SocketError::Argument(format!("groups are received on port {port}")));
        }
        let (ip, interface) = (remote.address.ip(), remote.interface);
        {
            let tables = self.shared.tables();
            if let Some(number) = tables.memberships.known(ip, interface, source) {
                return Ok(number);
            }
            if tables.memberships.is_full() {
                return Err(SocketError::TooManyMemberships);
            }
        }
        let socket = self.join_somewhere(ip, interface, source, options, group)?;
        let place = Place { socket, group: ip, interface };
        Ok(self.shared.tables().memberships.add(place, source))
    }

    pub fn leave(&mut self, number: u16) {
        let Some((place, source)) = self.shared.tables().memberships.remove(number) else { return };
        if let Some(socket) = self.shared.groups.all().get(place.socket) {
            socket.leave(place.group, place.interface, source);
        }
    }

    pub fn group_drops(&self) -> Vec<DropReport> {
        let busiest = self.shared.tables().group_drops.busiest();
        let report = |((source, interface), drops): ((SocketAddr, u32), _)| DropReport {
            source: crate::address::format(&source),
            interface: name_or_number(interface),
            drops,
        };
        busiest.into_iter().map(report).collect()
    }

    pub fn group_sockets(&self) -> Arc<[Arc<Bind>]> {
        self.shared.groups.all()
    }

    /// Index of the group socket that joined: one that hears the group already, any other, or a
    /// new one.
    fn join_somewhere(
        &mut self,
        group: IpAddr,
        interface: u32,
        source: Option<IpAddr>,
        options: GroupOptions,
        text: &str,
    ) -> Result<usize, SocketError> {
        let refused = |error| SocketError::NoMulticast(format!("cannot join {text}: {error}"));
        let sockets = self.shared.groups.all();
        for index in self.candidates(&sockets, group, interface, source) {
            match sockets[index].join(group, interface, source) {
                Ok(()) => return Ok(index),
                Err(JoinError::NoRoom) => {}
                Err(JoinError::Refused(error)) => return Err(refused(error)),
            }
        }
        if sockets.len() >= MAX_GROUP_SOCKETS {
            return Err(SocketError::TooManyMemberships);
        }
        let GroupOptions { port, receive_bytes, .. } = options;
        let opened = Bind::open_shared(port, group.is_ipv6(), receive_bytes);
        let socket = opened.map_err(|error| {
            SocketError::NoMulticast(format!("cannot share port {port} for groups: {error}"))
        })?;
        match socket.join(group, interface, source) {
            Ok(()) => {}
            Err(JoinError::NoRoom) => return Err(SocketError::TooManyMemberships),
            Err(JoinError::Refused(error)) => return Err(refused(error)),
        }
        self.shared.groups.push(socket);
        // The receive thread waits for the sockets it knows.
        self.shared.waker.wake();
        Ok(sockets.len())
    }

    fn candidates(
        &self,
        sockets: &[Arc<Bind>],
        group: IpAddr,
        interface: u32,
        source: Option<IpAddr>,
    ) -> Vec<usize> {
        let memberships = &self.shared.tables().memberships;
        let fits = |&socket: &usize| {
            sockets[socket].local.is_ipv6() == group.is_ipv6()
                && !memberships.mixes(&Place { socket, group, interface }, source)
        };
        let mut candidates: Vec<_> = (0..sockets.len()).filter(fits).collect();
        candidates.sort_by_key(|&socket| !memberships.hears(socket, group));
        candidates
    }

    /// From where a group is sent to: a socket bound to loopback reaches loopback only.
    pub(crate) fn group_target(&self, remote: &Remote, text: &str) -> Result<Target, SocketError> {
        self.check_group(remote, text)?;
        route(self.binds(), remote.address, remote.interface).ok_or_else(|| {
            SocketError::NoMulticast(format!("no bound socket speaks the family of {text}"))
        })
    }

    fn check_group(&self, remote: &Remote, text: &str) -> Result<GroupOptions, SocketError> {
        let refuse = |why: &str| Err(SocketError::NoMulticast(format!("{text}: {why}")));
        if remote.interface == 0 {
            return Err(SocketError::Argument(format!("not a group: {text}")));
        }
        let Some(options) = self.groups else {
            return refuse("the socket was opened without multicast");
        };
        let mut of_family = self.binds().iter().filter(|b| speaks(b, &remote.address)).peekable();
        if of_family.peek().is_none() {
            return refuse("no bound socket speaks its family");
        }
        if !is_loopback(remote.interface) && of_family.all(|b| b.local.ip().is_loopback()) {
            return refuse(
                "a socket bound to loopback reaches groups on the loopback interface only",
            );
        }
        Ok(options)
    }
}

/// How a datagram to a group leaves by an interface; `None` where no bind speaks its family.
pub(crate) fn route(binds: &[Bind], group: SocketAddr, interface: u32) -> Option<Target> {
    let loopback = is_loopback(interface);
    let rank = |bind: &Bind| bind.local.ip().is_loopback() != loopback;
    let of_family = binds.iter().enumerate().filter(|(_, bind)| speaks(bind, &group));
    let (bind, _) = of_family.min_by_key(|(_, bind)| rank(bind))?;
    let link_scope = is_link_scope(&group.ip());
    let mut address = group;
    if let SocketAddr::V6(v6) = &mut address
        && link_scope
    {
        v6.set_scope_id(interface);
    }
    let via = Some(Via { interface, link_scope, loopback });
    Some(Target { bind, address: Arc::new(SockAddr::from(address)), via })
}

fn speaks(bind: &Bind, address: &SocketAddr) -> bool {
    bind.local.is_ipv4() == address.is_ipv4()
}

fn parse_source(text: &str, group: &Remote) -> Result<IpAddr, SocketError> {
    let ip = text.split_once('%').map_or(text, |(ip, _)| ip).parse::<IpAddr>().ok();
    let fits = |ip: &IpAddr| {
        ip.is_ipv4() == group.address.is_ipv4() && !ip.is_multicast() && !ip.is_unspecified()
    };
    let wrong = || SocketError::Argument(format!("not a source for this group: {text:?}"));
    ip.filter(fits).ok_or_else(wrong)
}

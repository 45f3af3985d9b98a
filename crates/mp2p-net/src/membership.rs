//! Which groups are joined, on which interface, for which source, by which of our group sockets.
//!
//! The kernel's own filter is not enough: on Linux a socket hears an IPv6 group on every interface
//! on which any program joined it, and elsewhere it may hear groups of other programs.

use crate::sys::Arrival;
use std::collections::{HashMap, HashSet};
use std::net::IpAddr;

/// Memberships of one socket of JavaScript.
pub const MAX_MEMBERSHIPS: usize = 1024;

/// What a group socket asked the kernel for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    /// Index among the group sockets.
    pub socket: usize,
    pub group: IpAddr,
    pub interface: u32,
}

/// Groups for one source or for any: the kernel mixes both in one socket only by turning one into
/// the other.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Member {
    number: u16,
    source: Option<IpAddr>,
}

#[derive(Default)]
pub struct Memberships {
    by_place: HashMap<Place, Vec<Member>>,
    by_number: HashMap<u16, Place>,
    /// Groups, with their interfaces, joined for any source.
    from_anywhere: HashSet<(IpAddr, u32)>,
    last: u16,
}

impl Memberships {
    /// The membership that a datagram came by. Where a group is joined for one source and for any,
    /// two sockets hear that source, and only the copy of the latter counts.
    pub fn find(&self, socket: usize, arrival: Arrival, source: IpAddr) -> Option<u16> {
        let place = Place { socket, group: arrival.to, interface: arrival.interface };
        let members = self.by_place.get(&place)?;
        let member = members.iter().find(|member| member.source.is_none_or(|one| one == source))?;
        let is_copy = member.source.is_some()
            && self.from_anywhere.contains(&(arrival.to, arrival.interface));
        (!is_copy).then_some(member.number)
    }

    /// The number of a group that is joined already.
    pub fn known(&self, group: IpAddr, interface: u32, source: Option<IpAddr>) -> Option<u16> {
        let same = |place: &Place| place.group == group && place.interface == interface;
        let mut places = self.by_place.iter().filter(|(place, _)| same(place));
        places.find_map(|(_, members)| Some(members.iter().find(|m| m.source == source)?.number))
    }

    /// Whether a socket may ask the kernel for it.
    pub fn mixes(&self, place: &Place, source: Option<IpAddr>) -> bool {
        let members = self.by_place.get(place).map_or(&[][..], Vec::as_slice);
        members.iter().any(|member| member.source.is_some() != source.is_some())
    }

    /// Whether the socket hears the group already, on some interface: another socket in the same
    /// group would get a copy of every datagram.
    pub fn hears(&self, socket: usize, group: IpAddr) -> bool {
        self.by_place.keys().any(|place| place.socket == socket && place.group == group)
    }

    /// The new membership's number; numbers count up, so that one rests before it is used anew.
    pub fn add(&mut self, place: Place, source: Option<IpAddr>) -> u16 {
        loop {
            self.last = self.last.checked_add(1).unwrap_or(1);
            if !self.by_number.contains_key(&self.last) {
                break;
            }
        }
        if source.is_none() {
            self.from_anywhere.insert((place.group, place.interface));
        }
        self.by_place.entry(place).or_default().push(Member { number: self.last, source });
        self.by_number.insert(self.last, place);
        self.last
    }

    /// Where it was, and for which source.
    pub fn remove(&mut self, number: u16) -> Option<(Place, Option<IpAddr>)> {
        let place = self.by_number.remove(&number)?;
        let members = self.by_place.get_mut(&place)?;
        let at = members.iter().position(|member| member.number == number)?;
        let member = members.swap_remove(at);
        if members.is_empty() {
            self.by_place.remove(&place);
        }
        if member.source.is_none() {
            self.from_anywhere.remove(&(place.group, place.interface));
        }
        Some((place, member.source))
    }

    pub fn is_full(&self) -> bool {
        self.by_number.len() >= MAX_MEMBERSHIPS
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ip(last: u8) -> IpAddr {
        IpAddr::from([239, 255, 0, last])
    }

    fn arrival(place: Place) -> Arrival {
        Arrival { to: place.group, interface: place.interface }
    }

    proptest! {
        /// Against a list that is searched from end to end.
        #[test]
        fn a_datagram_passes_by_a_live_membership_of_its_socket_only(
            steps in prop::collection::vec((any::<bool>(), 0u8..3, 0u8..3, 1u32..3, 0u8..3), 1..60),
        ) {
            let mut table = Memberships::default();
            let mut list: Vec<(u16, Place, Option<IpAddr>)> = Vec::new();
            for (join, socket, group, interface, source) in steps {
                let place = Place { socket: socket.into(), group: ip(group), interface };
                let source = (source > 0).then(|| ip(100 + source));
                if join {
                    let known = table.known(place.group, interface, source).is_some();
                    if !known && !table.mixes(&place, source) {
                        list.push((table.add(place, source), place, source));
                    }
                } else if !list.is_empty() {
                    let (number, place, source) = list.remove(usize::from(group) % list.len());
                    prop_assert_eq!(table.remove(number), Some((place, source)));
                    prop_assert_eq!(table.remove(number), None);
                }
                for from in [ip(101), ip(102), ip(103)] {
                    let same = |p: &Place| (p.group, p.interface) == (place.group, interface);
                    let anywhere = list.iter().any(|(_, p, s)| same(p) && s.is_none());
                    let wanted = list.iter().find(|(_, p, s)| {
                        *p == place && s.is_none_or(|s| s == from && !anywhere)
                    });
                    let found = table.find(place.socket, arrival(place), from);
                    prop_assert_eq!(found, wanted.map(|&(number, ..)| number));
                }
            }
        }
    }

    #[test]
    fn a_number_rests_until_all_others_were_used() {
        let mut table = Memberships::default();
        let place = Place { socket: 0, group: ip(1), interface: 1 };
        for round in 1..=u16::MAX {
            assert_eq!(table.add(place, None), round);
            table.remove(round);
        }
        assert_eq!(table.add(place, None), 1);
    }
}

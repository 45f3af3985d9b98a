//! Replay windows of a slot whose key many hold: one for each source and stretch of packet numbers.
//!
//! One window for all would be a gift to whoever else holds the key: a packet with a number from
//! far ahead makes the sender's too old. Here it begins a window of its own. What this cannot do is
//! keep a recorded packet from coming in again from another address; whoever reads such a slot has
//! to be safe from that (docs/PROTOCOL.md, "DATA").

use mp2p_crypto::window::{ReplayWindow, WINDOW_PACKETS};
use std::net::SocketAddr;

/// Windows of one slot, 8 KiB each: a sender speaks by a few interfaces and families.
const WINDOWS: usize = 8;

/// Where a packet came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    pub address: SocketAddr,
    /// By which it came to a group; 0 for unicast.
    pub interface: u32,
}

/// The one used last stands first; the one unused for longest makes room.
#[derive(Default)]
pub struct SourceWindows(Vec<(Origin, ReplayWindow)>);

impl SourceWindows {
    /// Marks `number` as seen; false where it was seen before. Only of authenticated packets.
    pub fn accept(&mut self, from: Origin, number: u64) -> bool {
        if let Some(at) = self.nearest(from, number) {
            self.0[..=at].rotate_right(1);
        } else {
            self.0.truncate(WINDOWS - 1);
            self.0.insert(0, (from, ReplayWindow::large(number)));
        }
        self.0[0].1.accept(number)
    }

    /// The source's window whose newest number is closest, if that is within a window's reach:
    /// numbers that somebody made up further away are none of the sender's business.
    fn nearest(&self, from: Origin, number: u64) -> Option<usize> {
        let near = self.0.iter().enumerate().filter(|(_, (origin, _))| *origin == from);
        let near = near.map(|(at, (_, window))| (window.newest().abs_diff(number), at));
        near.min().filter(|&(distance, _)| distance < WINDOW_PACKETS).map(|(_, at)| at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashSet;

    const FAR: u64 = 1 << 40;

    fn origin(host: u8) -> Origin {
        Origin { address: SocketAddr::from(([10, 0, 0, host], 5000)), interface: 2 }
    }

    #[test]
    fn a_number_from_far_ahead_makes_nothing_too_old_whoever_sends_it() {
        for liar in [origin(1), origin(2)] {
            let mut windows = SourceWindows::default();
            for number in 0..10_000 {
                assert!(windows.accept(origin(1), number), "{number}");
                assert!(windows.accept(liar, FAR + number * 70_000), "{number}");
                assert!(!windows.accept(origin(1), number), "{number}");
            }
        }
    }

    #[test]
    fn sources_differ_by_address_port_and_interface() {
        let mut windows = SourceWindows::default();
        let address = SocketAddr::from(([10, 0, 0, 1], 5001));
        let others =
            [origin(2), Origin { address, ..origin(1) }, Origin { interface: 3, ..origin(1) }];
        for from in [origin(1)].into_iter().chain(others) {
            assert!(windows.accept(from, 7));
            assert!(!windows.accept(from, 7));
        }
    }

    #[test]
    fn sources_without_end_take_room_from_each_other_not_from_who_speaks() {
        let mut windows = SourceWindows::default();
        for number in 0..2_000 {
            assert!(windows.accept(origin(0), number));
            for turn in 0..WINDOWS as u64 - 1 {
                let port = u16::try_from(1 + number * 8 + turn).expect("small");
                let address = SocketAddr::from(([10, 0, 0, 9], port));
                assert!(windows.accept(Origin { address, interface: 2 }, FAR));
            }
            assert!(!windows.accept(origin(0), number));
            assert!(windows.0.len() <= WINDOWS);
        }
    }

    proptest! {
        /// However others meddle from their own addresses, a source's numbers are fresh once, as
        /// long as no more sources speak than there are windows.
        #[test]
        fn a_source_is_taken_at_its_word_once(
            steps in prop::collection::vec((0u8..4, -40_000i64..60_000), 1..300),
        ) {
            let mut windows = SourceWindows::default();
            let mut at = [1u64 << 30; 4];
            let mut seen: [HashSet<u64>; 4] = Default::default();
            for (host, step) in steps {
                let index = usize::from(host);
                // Within reach of the newest, so that each source has one window.
                let number = at[index].saturating_add_signed(step);
                at[index] = at[index].max(number);
                prop_assert_eq!(windows.accept(origin(host), number), seen[index].insert(number));
            }
        }
    }
}

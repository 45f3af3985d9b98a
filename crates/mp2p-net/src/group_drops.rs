//! Who sends us by groups what we cannot open: a table of bounded size that keeps the busiest.

use std::collections::HashMap;
use std::net::SocketAddr;

/// Sources reported.
const REPORTED: usize = 256;
/// Sources remembered before the less busy half is forgotten, so that a new one has its chance.
const REMEMBERED: usize = 2 * REPORTED;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drop {
    Unknown,
    Forged,
    Replayed,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Drops {
    pub unknown: u64,
    pub forged: u64,
    pub replayed: u64,
}

impl Drops {
    fn total(&self) -> u64 {
        self.unknown + self.forged + self.replayed
    }
}

#[derive(Default)]
pub struct GroupDrops {
    /// By source and interface.
    sources: HashMap<(SocketAddr, u32), Drops>,
}

impl GroupDrops {
    pub fn count(&mut self, from: SocketAddr, interface: u32, what: Drop) {
        if self.sources.len() >= REMEMBERED && !self.sources.contains_key(&(from, interface)) {
            let busiest = self.busiest();
            self.sources = busiest.into_iter().collect();
        }
        let drops = self.sources.entry((from, interface)).or_default();
        let count = match what {
            Drop::Unknown => &mut drops.unknown,
            Drop::Forged => &mut drops.forged,
            Drop::Replayed => &mut drops.replayed,
        };
        *count += 1;
    }

    /// The busiest first.
    pub fn busiest(&self) -> Vec<((SocketAddr, u32), Drops)> {
        let mut all: Vec<_> = self.sources.iter().map(|(&key, &drops)| (key, drops)).collect();
        all.sort_unstable_by_key(|&(key, drops)| (u64::MAX - drops.total(), key));
        all.truncate(REPORTED);
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(host: u32) -> SocketAddr {
        SocketAddr::from((host.to_be_bytes(), 5000))
    }

    #[test]
    fn busy_sources_survive_a_flood_from_everywhere() {
        let mut drops = GroupDrops::default();
        for round in 0..50u32 {
            for busy in 0..10 {
                drops.count(source(busy), 2, Drop::Forged);
                drops.count(source(busy), 2, Drop::Unknown);
            }
            for host in 0..1000 {
                drops.count(source(1000 + round * 1000 + host), 3, Drop::Replayed);
            }
            assert!(drops.sources.len() <= REMEMBERED);
        }
        let busiest = drops.busiest();
        assert_eq!(busiest.len(), REPORTED);
        for (busy, entry) in (0..10).zip(busiest) {
            let wanted = Drops { unknown: 50, forged: 50, replayed: 0 };
            assert_eq!(entry, ((source(busy), 2), wanted));
        }
    }
}

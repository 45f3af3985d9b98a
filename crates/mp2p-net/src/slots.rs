//! What the receive thread knows of sessions and groups: slots, paths, expected answers, the
//! filter, memberships.

use crate::group_drops::GroupDrops;
use crate::membership::Memberships;
use crate::source_windows::{Origin, SourceWindows};
use crate::stranger::Filter;
use mp2p_crypto::packet::{Cid, PacketKeys};
use mp2p_crypto::window::ReplayWindow;
use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;

pub struct ReceiveSlot {
    pub slot: u16,
    pub keys: PacketKeys,
    seen: Seen,
}

/// Packet numbers that came in.
enum Seen {
    /// Only our peer holds the key.
    OfPeer(ReplayWindow),
    /// Casts and groups: whoever receives can seal as well.
    OfMany(SourceWindows),
}

impl ReceiveSlot {
    /// Marks an authenticated packet as seen; false where it was seen before, or is too old.
    pub fn accept(&mut self, from: Origin, number: u64) -> bool {
        match &mut self.seen {
            Seen::OfPeer(window) => window.accept(number),
            Seen::OfMany(windows) => windows.accept(from, number),
        }
    }
}

/// Shared with the JavaScript thread under one lock, which the receive thread takes once for
/// each receive call.
pub struct Tables {
    slots: Vec<Option<ReceiveSlot>>,
    free: Vec<usize>,
    by_cid: HashMap<Cid, usize>,
    by_number: HashMap<u16, usize>,
    pub paths: HashMap<SocketAddr, u32>,
    pub expected: HashSet<Cid>,
    pub filter: Filter,
    pub memberships: Memberships,
    pub group_drops: GroupDrops,
}

impl Tables {
    pub fn new() -> Self {
        Self {
            slots: Vec::new(),
            free: Vec::new(),
            by_cid: HashMap::new(),
            by_number: HashMap::new(),
            paths: HashMap::new(),
            expected: HashSet::new(),
            filter: Filter::new(),
            memberships: Memberships::default(),
            group_drops: GroupDrops::default(),
        }
    }

    /// Installs or replaces a slot; false where another slot has the connection id.
    pub fn install(&mut self, slot: u16, keys: PacketKeys, of_many: bool) -> bool {
        let cid = keys.cid();
        let taken = self.find(cid).and_then(|index| self.slots[index].as_ref()).map(|s| s.slot);
        if taken.is_some_and(|other| other != slot) {
            return false;
        }
        self.remove(slot);
        let seen = if of_many {
            Seen::OfMany(SourceWindows::default())
        } else {
            Seen::OfPeer(ReplayWindow::default())
        };
        let entry = Some(ReceiveSlot { slot, keys, seen });
        let index = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            self.slots.len() - 1
        });
        self.slots[index] = entry;
        self.by_cid.insert(cid, index);
        self.by_number.insert(slot, index);
        true
    }

    pub fn remove(&mut self, slot: u16) {
        let Some(index) = self.by_number.remove(&slot) else { return };
        if let Some(entry) = self.slots[index].take() {
            self.by_cid.remove(&entry.keys.cid());
            self.free.push(index);
        }
    }

    pub fn find(&self, cid: Cid) -> Option<usize> {
        self.by_cid.get(&cid).copied()
    }

    pub fn at(&mut self, index: usize) -> Option<&mut ReceiveSlot> {
        self.slots[index].as_mut()
    }
}

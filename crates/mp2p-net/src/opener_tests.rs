//! Any datagrams in any grouping, as the kernel may join them, against a list of what was sealed.

use crate::counters::Counters;
use crate::number::whole;
use crate::opener::Opener;
use crate::pool::{Filling, Pool, RECEIVE_BYTES};
use crate::region::{Layout, Region};
use crate::slots::Tables;
use crate::sys::Received;
use crate::test_peer::keys;
use mp2p_crypto::packet::{OVERHEAD_BYTES, SUITE_CHACHA20_POLY1305, TYPE_DATA};
use mp2p_crypto::train::{SendSlot, StreamFrame, SymbolFrame, Train};
use proptest::prelude::*;
use std::net::SocketAddr;

/// A packet that must come out.
#[derive(Clone, Debug, PartialEq)]
struct Sealed {
    kind: u64,
    number: u64,
    stream: u64,
    offset: u64,
    fin: bool,
    data: Vec<u8>,
}

/// What a sender, or somebody else, does next.
#[derive(Clone, Copy, Debug)]
enum Step {
    Frames,
    Stream { jump: bool, fin: bool },
    Symbol { jump: bool },
    Repeat(prop::sample::Index),
    Forge(prop::sample::Index, u8),
    Junk(u8),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => Just(Step::Frames),
        6 => (prop::bool::weighted(0.1), prop::bool::weighted(0.1))
            .prop_map(|(jump, fin)| Step::Stream { jump, fin }),
        6 => prop::bool::weighted(0.1).prop_map(|jump| Step::Symbol { jump }),
        1 => any::<prop::sample::Index>().prop_map(Step::Repeat),
        2 => any::<(prop::sample::Index, u8)>().prop_map(|(at, mask)| Step::Forge(at, mask | 1)),
        1 => any::<u8>().prop_map(Step::Junk),
    ]
}

struct Author {
    slot: SendSlot,
    train: Train,
    stream: u64,
    symbol: u64,
    wanted: Vec<Sealed>,
    wire: Vec<Vec<u8>>,
}

impl Author {
    /// The next datagram, of `length` bytes.
    fn write(&mut self, step: Step, length: usize) -> Vec<u8> {
        let number = self.slot.next();
        let fill = number.to_le_bytes()[0] | 0x80;
        let data = |overhead: usize| vec![fill; length - OVERHEAD_BYTES - overhead];
        let sealed = match step {
            Step::Frames => {
                let data = data(0);
                self.train.push_frames(&mut self.slot, &data);
                Sealed { kind: 0, number, stream: 0, offset: 0, fin: false, data }
            }
            Step::Stream { jump, fin } => {
                self.stream += u64::from(jump) * 10;
                let (data, offset) = (data(11), self.stream);
                self.stream += data.len() as u64;
                let frame = StreamFrame { stream: 5, offset, fin };
                self.train.push_stream(&mut self.slot, &frame, &data);
                Sealed { kind: 1, number, stream: 5, offset, fin, data }
            }
            Step::Symbol { jump } => {
                self.symbol += u64::from(jump) * 3;
                let (data, offset) = (data(9), self.symbol);
                self.symbol += 1;
                let [.., high, low] = offset.to_be_bytes();
                let symbol = u16::from_be_bytes([high, low]);
                let frame = SymbolFrame { object: 7, block: 0, symbol };
                self.train.push_symbol(&mut self.slot, &frame, &data);
                Sealed { kind: 3, number, stream: 7, offset, fin: false, data }
            }
            Step::Repeat(at) if !self.wire.is_empty() => return at.get(&self.wire).clone(),
            Step::Forge(at, mask) => {
                let mut forged = self.wire.last().cloned().unwrap_or_else(|| vec![0; length]);
                *at.get_mut(&mut forged) ^= mask;
                return forged;
            }
            Step::Repeat(_) => return vec![TYPE_DATA; length],
            Step::Junk(byte) => return vec![byte; length],
        };
        self.wanted.push(sealed);
        let datagram = self.train.bytes().to_vec();
        self.train.clear();
        self.wire.push(datagram.clone());
        datagram
    }
}

/// Hands one buffer of the kernel to the opener.
fn receive(pool: &Pool, tables: &mut Tables, filling: &mut Filling, datagrams: &[Vec<u8>]) {
    let from = SocketAddr::from(([127, 0, 0, 1], 9));
    let (length, segment) = (datagrams.concat().len(), datagrams[0].len());
    let (ecn, kernel_drops, time, arrival) = (0, 0, 0.0, None);
    let received = Received { length, from, segment, ecn, kernel_drops, time, arrival };
    let used = filling.used;
    let (bytes, _) = pool.memory(&mut filling.slab);
    bytes[used..used + length].copy_from_slice(&datagrams.concat());
    let counters = Counters::default();
    let mut opener = Opener::new(pool, &counters, &received, Some(1), None);
    for (from, length) in received.segments(used) {
        let (bytes, _) = pool.memory(&mut filling.slab);
        if bytes[from] == TYPE_DATA {
            opener.open(tables, filling, from, length);
        }
    }
}

fn check(pool: &Pool, filling: &mut Filling, wanted: &[Sealed]) -> Result<(), TestCaseError> {
    let rows = filling.log.rows;
    let used = filling.used;
    let (bytes, table) = pool.memory(&mut filling.slab);
    let mut left = wanted;
    for row in table.chunks_exact(Layout::ROW_NUMBERS).take(rows) {
        let number = |column: usize| whole(row[column], 1 << 48).expect("a whole number");
        let size = |column: usize| usize::try_from(number(column)).expect("a size");
        prop_assert!(size(3) > 0 && size(3) <= left.len(), "{row:?} but {left:?}");
        let (packets, rest) = left.split_at(size(3));
        left = rest;
        let first = &packets[0];
        prop_assert_eq!(number(0), first.kind);
        prop_assert_eq!(number(2), first.number);
        prop_assert_eq!((number(4), number(5)), (first.stream, first.offset));
        prop_assert_eq!(number(8) == 1, packets[size(3) - 1].fin);
        let data: Vec<u8> = packets.iter().flat_map(|packet| packet.data.clone()).collect();
        prop_assert!(size(6) + size(7) <= used);
        prop_assert_eq!(&bytes[size(6)..][..size(7)], &data[..]);
    }
    prop_assert_eq!(left, &[]);
    Ok(())
}

proptest! {
    #[test]
    fn whatever_comes_joined_is_opened_once_and_nothing_else(
        groups in prop::collection::vec(
            (43usize..400, 1usize..400, prop::collection::vec(step(), 1..20)), 1..12,
        ),
    ) {
        let pool = Pool::new(Region::new()?);
        let mut tables = Tables::new();
        tables.install(1, keys(SUITE_CHACHA20_POLY1305), false);
        let slot = SendSlot::new(keys(SUITE_CHACHA20_POLY1305));
        let (wanted, wire) = (Vec::new(), Vec::new());
        let mut author =
            Author { slot, train: Train::default(), stream: 0, symbol: 0, wanted, wire };
        let mut filling = pool.fill().ok_or_else(|| TestCaseError::fail("no slab"))?;
        for (length, last, steps) in groups {
            // A recording of another length cannot be joined to these.
            author.wire.clear();
            let end = steps.len() - 1;
            let lengths = (0..).map(|at| if at == end { last.clamp(43, length) } else { length });
            let datagrams: Vec<_> =
                steps.into_iter().zip(lengths).map(|(step, length)| {
                    let mut datagram = author.write(step, length);
                    datagram.truncate(length);
                    datagram
                }).collect();
            prop_assert!(datagrams.concat().len() <= RECEIVE_BYTES);
            receive(&pool, &mut tables, &mut filling, &datagrams);
        }
        check(&pool, &mut filling, &author.wanted)?;
    }
}

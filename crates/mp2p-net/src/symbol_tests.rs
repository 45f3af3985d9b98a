//! Symbols of casts, from the plan of one socket to the rows of another.

use crate::number::size_to_f64;
use crate::sender::Plan;
use crate::socket::SocketError;
use crate::test_peer::{Outcome, Row, frames, pair, pattern, stream};
use crate::{capabilities, count_to_f64};
use mp2p_crypto::packet::{SUITE_AES_256_GCM, SUITE_CHACHA20_POLY1305};
use proptest::prelude::*;
use std::error::Error;

const SYMBOL: usize = 1472 - 40;

fn symbols(at: usize, length: usize, object: u16, block: u32, first: u16) -> [f64; 7] {
    let offset = u64::from(block) << 16 | u64::from(first);
    [2.0, 0.0, size_to_f64(at), size_to_f64(length), object.into(), count_to_f64(offset), 0.0]
}

#[test]
fn symbols_of_a_block_become_rows_with_their_bytes_in_one_piece() -> Outcome {
    for (bind, suite) in [("127.0.0.1:0", SUITE_AES_256_GCM), ("[::1]:0", SUITE_CHACHA20_POLY1305)]
    {
        let (mut near, mut far, path) = pair(bind, suite)?;
        let data = pattern(128 * SYMBOL);
        let sent = near.send(path, &[symbols(0, data.len(), 3, 70_000, 0)], &data)?;
        assert_eq!(sent.packets, 128);
        let rows = far.receive(128)?;
        let mut next = 70_000 * 65_536;
        for row in &rows {
            assert_eq!((row.kind, row.stream), (3.0, 3.0));
            assert_eq!(row.offset.to_bits(), count_to_f64(next).to_bits());
            next += (row.bytes.len() / SYMBOL) as u64;
        }
        let joined: Vec<u8> = rows.iter().flat_map(|row| row.bytes.clone()).collect();
        assert_eq!(joined, data, "{bind}");
        if capabilities().gro {
            assert!(rows.len() <= 128_usize.div_ceil(44), "{} rows", rows.len());
        }
    }
    Ok(())
}

#[test]
fn another_object_or_block_or_a_gap_begins_a_row() -> Outcome {
    let (mut near, mut far, path) = pair("127.0.0.1:0", SUITE_AES_256_GCM)?;
    let data = pattern(2 * SYMBOL);
    let two = |object, block, first| symbols(0, data.len(), object, block, first);
    // The last symbol that can be numbered and the first of the next block are no neighbours.
    let spans = [two(1, 1, 0), two(1, 1, 2), two(1, 1, 5), two(2, 1, 7), two(2, 2, 9)];
    near.send(path, &spans, &data)?;
    near.send(path, &[two(2, 2, u16::MAX - 1), two(2, 3, 0)], &data)?;
    let rows = far.receive(14)?;
    let shape: Vec<_> = rows.iter().map(|row| (row.count, row.stream, row.offset)).collect();
    let at = |block: u32, symbol: u32| f64::from(block) * 65_536.0 + f64::from(symbol);
    let wanted = [
        (4.0, 1.0, at(1, 0)),
        (2.0, 1.0, at(1, 5)),
        (2.0, 2.0, at(1, 7)),
        (2.0, 2.0, at(2, 9)),
        (2.0, 2.0, at(2, 65_534)),
        (2.0, 2.0, at(3, 0)),
    ];
    assert_eq!(shape, wanted);
    Ok(())
}

#[test]
fn symbols_that_are_no_whole_packets_or_run_past_their_block_are_refused() -> Outcome {
    let (mut near, _far, path) = pair("127.0.0.1:0", SUITE_AES_256_GCM)?;
    let data = pattern(3 * SYMBOL);
    let mut wide = symbols(0, SYMBOL, 0, 0, 0);
    wide[4] = 65_536.0;
    let mut far_off = symbols(0, SYMBOL, 0, 0, 0);
    far_off[5] = count_to_f64(1 << 48);
    let cases = [
        symbols(0, 0, 0, 0, 0),
        symbols(0, SYMBOL + 1, 0, 0, 0),
        symbols(0, SYMBOL - 1, 0, 0, 0),
        symbols(0, 2 * SYMBOL, 0, 0, u16::MAX),
        wide,
        far_off,
    ];
    for bad in cases {
        let refused = near.send(path, &[frames(0, 1), bad], &data);
        assert!(matches!(refused, Err(SocketError::Argument(_))), "{bad:?}");
    }
    let sent = near.send(path, &[symbols(0, SYMBOL, 65_535, u32::MAX, u16::MAX)], &data)?;
    assert_eq!(sent.first_packet, 0);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    /// Kinds of frames take turns in one train, so their payloads are moved into place.
    #[test]
    fn any_mixture_of_frames_streams_and_symbols_arrives_as_it_was(
        cuts in prop::collection::vec((0usize..3, 1usize..6), 1..30),
        packet_bytes in 80usize..3_000,
    ) {
        let data = pattern(30 * 6 * 3_000);
        let mut spans = Vec::new();
        // Kind, stream or object, offset, bytes.
        let mut wanted = Vec::new();
        let mut at = 0;
        for (index, (kind, packets)) in cuts.into_iter().enumerate() {
            let length = match kind {
                0 => packets,
                1 => packets * (packet_bytes - 42),
                _ => packets * (packet_bytes - 40),
            };
            let block = u32::try_from(index).unwrap_or(0);
            spans.push(match kind {
                0 => frames(at, length),
                // A gap, so that neighbours do not join.
                1 => stream(at, length, at + index, false),
                _ => symbols(at, length, 7, block, 3),
            });
            let (stream, offset) = match kind {
                0 => (0, 0),
                1 => (5, at + index),
                _ => (7, (index << 16) + 3),
            };
            let row = (kind, stream, offset, data[at..at + length].to_vec());
            wanted.push(row);
            at += length;
        }
        let result = (|| -> Result<_, Box<dyn Error>> {
            let (mut near, mut far, path) = pair("127.0.0.1:0", SUITE_AES_256_GCM)?;
            let plan =
                Plan { spans: spans.as_flattened(), sources: &[&data], packet_bytes, skip: 0 };
            let sent = near.endpoint.send_sealed(1, path, &plan)?;
            far.receive(sent.packets)
        })();
        let rows = result.map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert_eq!(join(&rows, packet_bytes), wanted);
    }
}

/// Rows that follow one another in one span, joined again wherever the thread handed over between.
fn join(rows: &[Row], packet_bytes: usize) -> Vec<(usize, usize, usize, Vec<u8>)> {
    let size = |number: f64| crate::number::whole_size(number, usize::MAX >> 12).unwrap_or(0);
    let mut joined: Vec<(usize, usize, usize, Vec<u8>)> = Vec::new();
    for row in rows {
        let kind = match size(row.kind) {
            3 => 2,
            kind => kind,
        };
        let (stream, offset) = (size(row.stream), size(row.offset));
        if let Some(last) = joined.last_mut().filter(|last| (last.0, last.1) == (kind, stream)) {
            let next = match kind {
                0 => usize::MAX,
                1 => last.2 + last.3.len(),
                _ => last.2 + last.3.len() / (packet_bytes - 40),
            };
            if next == offset {
                last.3.extend_from_slice(&row.bytes);
                continue;
            }
        }
        joined.push((kind, stream, offset, row.bytes.clone()));
    }
    joined
}

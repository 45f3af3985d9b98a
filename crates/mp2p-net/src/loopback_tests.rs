//! Whole sockets against each other, and against a bare one in the middle.

use crate::region::Layout;
use crate::sender::{Plan, SendResult};
use crate::socket::SocketError;
use crate::test_peer::{Outcome, PATIENCE, Peer, Row, frames, keys, pair, pattern, stream};
use crate::{Next, capabilities};
use mp2p_crypto::packet::{SUITE_AES_256_GCM, SUITE_CHACHA20_POLY1305};
use proptest::prelude::*;
use std::error::Error;
use std::net::UdpSocket;

const CHUNK: usize = 1472 - 42;

/// Bytes of stream 5 by the rows, each offset exactly once.
fn reassemble(rows: &[Row], length: usize) -> Result<Vec<u8>, String> {
    let mut bytes = vec![None; length];
    for row in rows.iter().filter(|row| row.kind > 0.0) {
        let offset = crate::number::whole_size(row.offset, length).ok_or("offset")?;
        for (at, &byte) in row.bytes.iter().enumerate() {
            if bytes[offset + at].replace(byte).is_some() {
                return Err(format!("byte {} came twice", offset + at));
            }
        }
    }
    bytes.into_iter().collect::<Option<_>>().ok_or_else(|| "a byte is missing".into())
}

#[test]
fn a_burst_becomes_one_row_with_its_bytes_in_one_piece() -> Outcome {
    for (bind, suite) in [("127.0.0.1:0", SUITE_AES_256_GCM), ("[::1]:0", SUITE_CHACHA20_POLY1305)]
    {
        let (mut near, mut far, path) = pair(bind, suite)?;
        let data = pattern(100_000);
        let spans = [frames(0, 50), stream(0, 100_000, 1000, true)];
        let sent = near.send(path, &spans, &data)?;
        assert_eq!(sent, SendResult { first_packet: 0, packets: 71, too_big: 0 });
        let rows = far.receive(71)?;
        assert_eq!(rows[0].bytes, data[..50]);
        let joined: Vec<u8> = rows[1..].iter().flat_map(|row| row.bytes.clone()).collect();
        assert_eq!(joined, data, "{bind}");
        assert!(rows.last().is_some_and(|row| row.fin));
        if capabilities().gro {
            // The thread may hand over between two trains, never within one.
            assert!(rows.len() <= 1 + 70_usize.div_ceil(44), "{} rows", rows.len());
        }
    }
    Ok(())
}

#[test]
fn short_packets_end_a_run_and_numbers_skip_only_between_plans() -> Outcome {
    let (mut near, mut far, path) = pair("127.0.0.1:0", SUITE_AES_256_GCM)?;
    let data = pattern(4 * CHUNK);
    let spans = [stream(0, CHUNK + 9, 0, false), stream(CHUNK + 9, CHUNK, CHUNK + 9, false)];
    near.send(path, &spans, &data)?;
    let plan =
        Plan { spans: &stream(0, 0, 5000, true), sources: &[&data], packet_bytes: 1472, skip: 7 };
    assert_eq!(near.endpoint.send_sealed(1, path, &plan)?.first_packet, 10);
    let rows = far.receive(4)?;
    let shape: Vec<_> = rows.iter().map(|row| (row.packet, row.count, row.fin)).collect();
    assert_eq!(shape, [(0.0, 2.0, false), (2.0, 1.0, false), (10.0, 1.0, true)]);
    assert_eq!(rows[2].bytes, []);
    Ok(())
}

/// Sends `data` through every fault of `errno`, as an engine would.
fn send_all(near: &mut Peer, path: u32, data: &[u8]) -> Result<usize, Box<dyn Error>> {
    let (mut at, mut packets) = (0, 0);
    while at < data.len() {
        let length = (data.len() - at).min(200_000) / CHUNK * CHUNK;
        let sent = near.send(path, &[stream(at, length, at, false)], data)?;
        assert_eq!(sent.too_big, 0);
        at += sent.packets * CHUNK;
        packets += sent.packets;
        if sent.packets * CHUNK < length {
            near.woken.recv_timeout(PATIENCE)?;
            while near.endpoint.advance() != Next::Nothing {}
            near.endpoint.flush();
        }
    }
    while !near.endpoint.flush() {}
    Ok(packets)
}

#[test]
fn a_full_socket_loses_and_repeats_nothing() -> Outcome {
    for every_nth in [2, 3, 7] {
        let (mut near, mut far, path) = pair("127.0.0.1:0", SUITE_AES_256_GCM)?;
        near.endpoint.inject_send_fault(libc::EAGAIN, every_nth);
        let data = pattern(1000 * CHUNK);
        let packets = send_all(&mut near, path, &data)?;
        assert_eq!(reassemble(&far.receive(packets)?, data.len())?, data);
        assert_eq!(far.endpoint.totals().dropped_replayed, 0);
    }
    Ok(())
}

#[test]
fn segmentation_that_fails_is_given_up_and_nothing_is_lost() -> Outcome {
    for errno in [libc::EIO, libc::EINVAL] {
        let (mut near, mut far, path) = pair("127.0.0.1:0", SUITE_AES_256_GCM)?;
        near.endpoint.inject_send_fault(errno, 2);
        let data = pattern(500 * CHUNK);
        let packets = send_all(&mut near, path, &data)?;
        assert_eq!(near.endpoint.segments(), 1);
        assert_eq!(reassemble(&far.receive(packets)?, data.len())?, data);
    }
    Ok(())
}

#[test]
fn packets_too_big_are_dropped_and_reported() -> Outcome {
    let (mut near, _far, path) = pair("127.0.0.1:0", SUITE_AES_256_GCM)?;
    near.endpoint.inject_send_fault(libc::EMSGSIZE, 1);
    let data = pattern(10 * CHUNK);
    let sent = near.send(path, &[stream(0, data.len(), 0, false)], &data)?;
    assert_eq!(sent, SendResult { first_packet: 0, packets: 10, too_big: 10 });
    near.endpoint.inject_send_fault(0, 0);
    assert_eq!(near.send(path, &[frames(0, 1)], &data)?.first_packet, 10);
    Ok(())
}

#[test]
fn passing_troubles_of_the_network_are_lost_packets() -> Outcome {
    for errno in [libc::ENOBUFS, libc::ECONNREFUSED, libc::ENETUNREACH, libc::EPERM] {
        let (mut near, _far, path) = pair("127.0.0.1:0", SUITE_AES_256_GCM)?;
        near.endpoint.inject_send_fault(errno, 1);
        let sent = near.send(path, &[frames(0, 1)], &[1])?;
        assert_eq!((sent.packets, sent.too_big), (1, 0), "errno {errno}");
        assert!(near.endpoint.blocked_for_test().is_none());
    }
    Ok(())
}

#[test]
fn a_plan_beyond_its_limits_is_refused_whole() -> Outcome {
    let (mut near, _far, path) = pair("127.0.0.1:0", SUITE_AES_256_GCM)?;
    let data = pattern(2 << 20);
    let cases = [
        [1.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0],
        [1.0, 0.0, 2e6, 1e6, 0.0, 0.0, 0.0],
        [1.0, 0.0, 0.5, 1.0, 0.0, 0.0, 0.0],
        [1.0, 0.0, -1.0, 1.0, 0.0, 0.0, 0.0],
        [1.0, 0.0, 0.0, 1.0, 4_294_967_296.0, 0.0, 0.0],
        [1.0, 0.0, 0.0, 2.0, 0.0, 281_474_976_710_655.0, 0.0],
        [1.0, 0.0, 0.0, f64::NAN, 0.0, 0.0, 0.0],
        [2.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0],
        [0.0, 0.0, 0.0, 1442.0, 0.0, 0.0, 0.0],
        [1.0, 0.0, 0.0, 1_048_577.0, 0.0, 0.0, 0.0],
    ];
    for bad in cases {
        let spans = [frames(0, 1), bad];
        assert!(matches!(near.send(path, &spans, &data), Err(SocketError::Argument(_))), "{bad:?}");
    }
    assert_eq!(near.send(path, &[frames(0, 1)], &data)?.first_packet, 0);
    Ok(())
}

#[test]
fn forged_repeated_and_foreign_packets_change_nothing() -> Outcome {
    let mut near = Peer::open("127.0.0.1:0")?;
    let mut far = Peer::open("127.0.0.1:0")?;
    near.endpoint.install_send(1, keys(SUITE_AES_256_GCM));
    far.endpoint.install_receive(9, keys(SUITE_AES_256_GCM), false)?;
    let middle = UdpSocket::bind("127.0.0.1:0")?;
    middle.set_read_timeout(Some(PATIENCE))?;
    let path = near.endpoint.add_path(&middle.local_addr()?.to_string())?;
    let data = pattern(2 * CHUNK + 5);
    near.send(path, &[frames(0, 20), stream(0, data.len(), 0, false)], &data)?;
    let mut packets = Vec::new();
    for _ in 0..4 {
        let mut buffer = vec![0; 2000];
        let length = middle.recv(&mut buffer)?;
        buffer.truncate(length);
        packets.push(buffer);
    }
    // Every bit of the shortest packet; every byte of a long one.
    let mut bad = 0;
    for bit in 0..packets[0].len() * 8 {
        let mut spoiled = packets[0].clone();
        spoiled[bit / 8] ^= 1 << (bit % 8);
        middle.send_to(&spoiled, &far.address)?;
        bad += 1;
    }
    for byte in 0..packets[1].len() {
        let mut spoiled = packets[1].clone();
        spoiled[byte] ^= 0x10;
        middle.send_to(&spoiled, &far.address)?;
        bad += 1;
    }
    for length in 0..packets[0].len() {
        middle.send_to(&packets[0][..length], &far.address)?;
        bad += 1;
    }
    // Out of order, each twice: nothing of the above went into the window.
    for packet in [3, 1, 1, 2, 0, 3, 0, 2] {
        middle.send_to(&packets[packet], &far.address)?;
    }
    let rows = far.receive(4)?;
    let order: Vec<_> = rows.iter().map(|row| row.packet).collect();
    // 1 and 2 join, whatever came between them.
    assert_eq!(order, [3.0, 1.0, 0.0]);
    assert_eq!(reassemble(&rows, data.len())?, data);
    middle.send_to(&packets[0], &far.address)?;
    while far.endpoint.totals().dropped_replayed < 5 {
        std::thread::yield_now();
    }
    let totals = far.endpoint.totals();
    let dropped = totals.dropped_malformed + totals.dropped_unknown + totals.dropped_forged;
    assert_eq!(dropped, bad);
    assert_eq!(totals.packets_received, bad + 9);
    Ok(())
}

#[test]
fn a_reader_that_stops_stops_the_thread_and_loses_nothing_it_had() -> Outcome {
    let (mut near, mut far, path) = pair("127.0.0.1:0", SUITE_AES_256_GCM)?;
    let slabs = Layout::SLABS * Layout::SLAB_BYTES;
    // More than all slabs hold, less than slabs and kernel buffer together.
    let data = pattern(slabs / CHUNK * CHUNK + 500 * CHUNK);
    let packets = send_all(&mut near, path, &data)?;
    let in_slabs = u64::try_from(slabs / CHUNK)?;
    assert!(far.endpoint.totals().packets_received <= in_slabs);
    assert_eq!(reassemble(&far.receive(packets)?, data.len())?, data);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn any_plan_arrives_as_it_was(
        cuts in prop::collection::vec((any::<bool>(), 0usize..9_000), 1..20),
        packet_bytes in 80usize..9_000,
    ) {
        let packet_bytes = packet_bytes.min(8_972);
        let data = pattern(20 * 9_000);
        let mut spans = Vec::new();
        let (mut at, mut wanted_frames) = (0, Vec::new());
        for (is_stream, length) in cuts {
            if is_stream {
                spans.push(stream(at, length, at, false));
                at += length;
            } else {
                // Not to be taken for a bulk frame: no control frame begins with 0x10.
                let length = length.min(packet_bytes - 31).min(200);
                spans.push(frames(0, length));
                wanted_frames.push(data[..length].to_vec());
            }
        }
        let result = (|| -> Result<_, Box<dyn Error>> {
            let (mut near, mut far, path) = pair("127.0.0.1:0", SUITE_AES_256_GCM)?;
            let plan =
                Plan { spans: spans.as_flattened(), sources: &[&data], packet_bytes, skip: 0 };
            let sent = near.endpoint.send_sealed(1, path, &plan)?;
            far.receive(sent.packets)
        })();
        let rows = result.map_err(|error| TestCaseError::fail(error.to_string()))?;
        let got: Vec<_> = rows.iter().filter(|r| r.kind == 0.0).map(|r| r.bytes.clone()).collect();
        prop_assert_eq!(got, wanted_frames);
        prop_assert_eq!(reassemble(&rows, at), Ok(data[..at].to_vec()));
    }
}

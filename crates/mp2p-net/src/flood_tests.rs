//! What a flood of packets that nobody can open does to the few that somebody can.

use crate::receiver::run;
use crate::socket::UdpEndpoint;
use crate::test_peer::{Outcome, Peer, frames, keys, pattern};
use mp2p_crypto::packet::SUITE_CHACHA20_POLY1305;
use std::net::UdpSocket;
use std::sync::atomic::{AtomicU64, Ordering};

#[test]
fn a_flood_that_never_ends_keeps_no_packet_from_its_reader() -> Outcome {
    let mut near = Peer::open("127.0.0.1:0")?;
    let mut far = UdpEndpoint::open(&["127.0.0.1:0".into()], None, None, false)?;
    let address = far.binds()[0].local.to_string();
    near.endpoint.install_send(1, keys(SUITE_CHACHA20_POLY1305));
    far.install_receive(1, keys(SUITE_CHACHA20_POLY1305), false)?;
    let path = near.endpoint.add_path(&address)?;
    near.send(path, &[frames(0, 50)], &pattern(50))?;
    // More than are read in one go; all of them wait in the socket.
    let stranger = UdpSocket::bind("127.0.0.1:0")?;
    for _ in 0..500 {
        stranger.send_to(&[0], &address)?;
    }

    let calls = AtomicU64::new(0);
    let shared = far.shared.clone();
    run(&shared, &|| {
        calls.store(shared.counters.totals().receive_calls, Ordering::Relaxed);
        shared.closing.store(true, Ordering::Release);
        shared.waker.wake();
    });
    let calls = calls.into_inner();
    assert!((1..=256).contains(&calls), "handed over after {calls} datagrams");
    Ok(())
}

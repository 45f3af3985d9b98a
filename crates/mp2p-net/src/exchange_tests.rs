//! Two endpoints that read by themselves, as on an event loop.

use crate::socket::UdpEndpoint;
use crate::test_peer::{Outcome, frames, keys};
use crate::{Next, Plan};
use std::net::UdpSocket;
use std::thread::available_parallelism;

const TRIES: usize = 10_000;

fn open() -> Result<(UdpEndpoint, String), Box<dyn std::error::Error>> {
    let mut endpoint = UdpEndpoint::open(&["127.0.0.1:0".into()], None, None, true)?;
    endpoint.install_send(1, keys(1));
    endpoint.install_receive(1, keys(1), false)?;
    let address = endpoint.binds()[0].local.to_string();
    Ok((endpoint, address))
}

fn send(from: &mut UdpEndpoint, path: u32) -> Outcome {
    let spans = frames(0, 32);
    let plan = Plan { spans: &spans, sources: &[&[7; 32]], packet_bytes: 1472, skip: 0 };
    from.send_sealed(1, path, &plan)?;
    Ok(())
}

fn receive(endpoint: &mut UdpEndpoint) {
    while !endpoint.has_news() {
        endpoint.read();
    }
    while endpoint.advance() != Next::Nothing {}
}

#[test]
fn who_answers_a_peer_quickly_waits_awake() -> Outcome {
    if available_parallelism()?.get() == 1 {
        eprintln!("skipped: on one processor nobody waits awake");
        return Ok(());
    }
    let ((mut near, near_address), (mut far, far_address)) = (open()?, open()?);
    let (to_far, to_near) = (near.add_path(&far_address)?, far.add_path(&near_address)?);
    for _ in 0..TRIES {
        send(&mut near, to_far)?;
        receive(&mut far);
        send(&mut far, to_near)?;
        receive(&mut near);
        if near.waits_awake() && far.waits_awake() {
            return Ok(());
        }
    }
    Err("neither ever stayed awake".into())
}

#[test]
fn a_stranger_keeps_nobody_awake() -> Outcome {
    let (mut endpoint, address) = open()?;
    let stranger = UdpSocket::bind("127.0.0.1:0")?;
    let back = stranger.local_addr()?.to_string();
    for _ in 0..100 {
        stranger.send_to(&[0x50; 64], &address)?;
        let before = endpoint.totals().packets_received;
        while endpoint.totals().packets_received == before {
            endpoint.read();
        }
        endpoint.send_plain(&back, &[1; 64])?;
        assert!(!endpoint.waits_awake());
    }
    Ok(())
}

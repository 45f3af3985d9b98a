//! What the machine can do: GSO and AES-256-GCM over loopback between two processes, 1,472-byte
//! packets, no recovery, no order, no JavaScript. `raw_loop SECONDS` prints one JSON line with the
//! payload its receiver opened, in 10^6 bytes a second; bench/raw-loop.ts reads it.

use mp2p_crypto::packet::{HEADER_BYTES, OVERHEAD_BYTES, PacketKeys, SUITE_AES_256_GCM};
use mp2p_crypto::packet::{TAG_BYTES, parse_header};
use mp2p_crypto::train::{BULK_OVERHEAD_BYTES, SendSlot, StreamFrame, Train};
use mp2p_net::{Bind, SendError};
use socket2::SockAddr;
use std::error::Error;
use std::io::{BufRead, BufReader, Write, stdin, stdout};
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const PACKET_BYTES: usize = 1472;
const CHUNK: usize = PACKET_BYTES - BULK_OVERHEAD_BYTES;
/// Source the payload is copied from, larger than the caches of one core.
const SOURCE_BYTES: usize = 8 << 20;
const WARM_UP: Duration = Duration::from_millis(500);
const SILENCE: Duration = Duration::from_secs(2);

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().collect();
    match arguments.get(1).map(String::as_str) {
        Some("receive") => receive(),
        Some(seconds) => run(seconds.parse()?),
        None => run(3.0),
    }
}

/// Starts the receiver as a process of its own and sends to it.
fn run(seconds: f64) -> Result<()> {
    let mut receiver = Command::new(std::env::current_exe()?)
        .arg("receive")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut lines = BufReader::new(receiver.stdout.take().ok_or("no stdout")?).lines();
    let address: SocketAddr = lines.next().ok_or("the receiver said nothing")??.parse()?;
    send(address, Duration::from_secs_f64(seconds))?;
    drop(receiver.stdin.take());
    let result = lines.next().ok_or("the receiver has no result")??;
    receiver.wait()?;
    writeln!(stdout(), "{result}")?;
    Ok(())
}

fn keys() -> Result<PacketKeys> {
    Ok(PacketKeys::new(SUITE_AES_256_GCM, &[7; 32], &[3; 12], 0, &[9; 8])?)
}

fn send(to: SocketAddr, duration: Duration) -> Result<()> {
    let bind = Bind::open("127.0.0.1:0".parse()?, None, None)?;
    let to = SockAddr::from(to);
    let mut slot = SendSlot::new(keys()?);
    let mut train = Train::default();
    let source = vec![0x5a; SOURCE_BYTES];
    let started = Instant::now();
    let mut at = 0;
    while started.elapsed() < duration {
        train.clear();
        while train.takes(PACKET_BYTES, 64) {
            let frame = StreamFrame { stream: 0, offset: at as u64, fin: false };
            let from = at % (SOURCE_BYTES - CHUNK);
            train.push_stream(&mut slot, &frame, &source[from..from + CHUNK]);
            at += CHUNK;
        }
        while bind.send(&to, None, train.bytes(), train.segment()) == Err(SendError::Full) {
            std::thread::yield_now();
        }
    }
    Ok(())
}

fn receive() -> Result<()> {
    let bind = Bind::open("127.0.0.1:0".parse()?, None, None)?;
    bind.set_blocking(SILENCE)?;
    writeln!(stdout(), "{}", bind.local)?;
    stdout().flush()?;
    let keys = keys()?;
    let mut buffer = vec![0; 64 << 10];
    let mut bytes = 0;
    let mut started = None;
    let mut last = Instant::now();
    let first = Instant::now();
    while let Ok(received) = bind.receive(&mut buffer) {
        let mut opened = 0;
        for (from, length) in received.segments(0) {
            let packet = &mut buffer[from..from + length];
            let (header, _, number) = parse_header(packet).ok_or("not a packet")?;
            let plain = keys.open(number, &header, &mut packet[HEADER_BYTES..], 0);
            opened += plain.ok_or("forged on loopback")? - (BULK_OVERHEAD_BYTES - OVERHEAD_BYTES);
        }
        last = Instant::now();
        if started.is_some() {
            bytes += opened;
        } else if first.elapsed() > WARM_UP {
            started = Some(last);
        }
    }
    let mut closed = String::new();
    stdin().read_line(&mut closed)?;
    let seconds = (last - started.ok_or("nothing arrived")?).as_secs_f64();
    let rate = f64::from(u32::try_from(bytes >> 10)?) * 1024.0 / seconds / 1e6;
    writeln!(
        stdout(),
        "{{\"t\":\"done\",\"megabytesPerSecond\":{rate:.1},\"seconds\":{seconds:.3}}}"
    )?;
    Ok(())
}

const _: () = assert!(OVERHEAD_BYTES == HEADER_BYTES + TAG_BYTES);

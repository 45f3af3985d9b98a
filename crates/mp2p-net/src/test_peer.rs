//! A socket for tests: what it received, as rows with their bytes.

use crate::region::{CONTROL, Layout};
use crate::sender::{Plan, SendResult};
use crate::socket::{SocketError, UdpEndpoint};
use crate::{GroupOptions, Limits, Next};
use mp2p_crypto::packet::PacketKeys;
use std::error::Error;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

pub type Outcome = Result<(), Box<dyn Error>>;

pub const PATIENCE: Duration = Duration::from_secs(10);

/// A row with its bytes.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    pub kind: f64,
    pub packet: f64,
    pub count: f64,
    pub stream: f64,
    pub offset: f64,
    pub fin: bool,
    /// Membership it came by.
    pub group: f64,
    pub bytes: Vec<u8>,
}

pub struct Peer {
    pub endpoint: UdpEndpoint,
    pub woken: Receiver<()>,
    pub address: String,
}

impl Peer {
    pub fn open(bind: &str) -> Result<Self, Box<dyn Error>> {
        let mut endpoint = UdpEndpoint::open(&[bind.into()], None, None, false)?;
        let (wake, woken) = channel();
        endpoint.start(move || wake.send(()).unwrap_or_default())?;
        let address = endpoint.binds()[0].local.to_string();
        Ok(Self { endpoint, woken, address })
    }

    /// Receives groups on `port` too, and passes announcements.
    pub fn open_for_groups(bind: &str, port: u16) -> Result<Self, Box<dyn Error>> {
        let mut peer = Self::open(bind)?;
        peer.endpoint.allow_groups(GroupOptions { port, hop_limit: 1, receive_bytes: None });
        let limits = Limits {
            inits_per_second: 0.0,
            inits_per_source_per_second: 0.0,
            inits_per_source_burst: 0.0,
            announcements_per_second: 100.0,
        };
        peer.endpoint.set_filter(Vec::new(), limits);
        Ok(peer)
    }

    /// Rows until they hold `packets` packets.
    pub fn receive(&mut self, packets: usize) -> Result<Vec<Row>, Box<dyn Error>> {
        let mut rows = Vec::new();
        let mut count = 0.0;
        while count < crate::number::size_to_f64(packets) {
            self.woken.recv_timeout(PATIENCE).map_err(|_| format!("only {count} packets"))?;
            while self.endpoint.advance() == Next::Batch {
                let batch = self.batch();
                count += batch.iter().map(|row| row.count).sum::<f64>();
                rows.extend(batch);
            }
        }
        Ok(rows)
    }

    fn batch(&self) -> Vec<Row> {
        let region = self.endpoint.region();
        let number = |at| crate::number::whole_size(region.get(at), 1 << 20).unwrap_or(0);
        // SAFETY: `next` lent this slab to the caller, here the test.
        let (bytes, table) = unsafe { region.slab(number(CONTROL::SLAB)) };
        let rows = table.chunks_exact(Layout::ROW_NUMBERS).take(number(CONTROL::ROW_COUNT));
        rows.map(|row| {
            let size = |column: usize| crate::number::whole_size(row[column], 1 << 20).unwrap_or(0);
            Row {
                kind: row[0],
                packet: row[2],
                count: row[3],
                stream: row[4],
                offset: row[5],
                fin: row[8] > 0.0,
                group: row[12],
                bytes: bytes[size(6)..size(6) + size(7)].to_vec(),
            }
        })
        .collect()
    }

    pub fn send(
        &mut self,
        path: u32,
        spans: &[[f64; 7]],
        data: &[u8],
    ) -> Result<SendResult, SocketError> {
        let plan =
            Plan { spans: spans.as_flattened(), sources: &[data], packet_bytes: 1472, skip: 0 };
        self.endpoint.send_sealed(1, path, &plan)
    }
}

pub fn keys(suite: u32) -> PacketKeys {
    PacketKeys::new(suite, &[1; 32], &[2; 12], 3, &[4; 8]).expect("right sizes")
}

/// Two peers with one slot, and the path between them.
pub fn pair(bind: &str, suite: u32) -> Result<(Peer, Peer, u32), Box<dyn Error>> {
    let (mut near, mut far) = (Peer::open(bind)?, Peer::open(bind)?);
    near.endpoint.install_send(1, keys(suite));
    far.endpoint.install_receive(1, keys(suite), false)?;
    let path = near.endpoint.add_path(&far.address)?;
    Ok((near, far, path))
}

pub fn stream(at: usize, length: usize, offset: usize, fin: bool) -> [f64; 7] {
    let number = crate::number::size_to_f64;
    [1.0, 0.0, number(at), number(length), 5.0, number(offset), f64::from(u8::from(fin))]
}

pub fn frames(at: usize, length: usize) -> [f64; 7] {
    let number = crate::number::size_to_f64;
    [0.0, 0.0, number(at), number(length), 0.0, 0.0, 0.0]
}

pub fn pattern(length: usize) -> Vec<u8> {
    (0..=250).cycle().take(length).collect()
}

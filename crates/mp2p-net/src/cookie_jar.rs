//! Cookies: who sends one back does receive at the address that it claims. Byte table:
//! docs/PROTOCOL.md, "Macs and cookies".

use mp2p_crypto::hash::{hkdf_sha512, mac16};
use mp2p_crypto::{randomize, single};
use std::net::{IpAddr, SocketAddr};

pub const TYPE_COOKIE: u8 = 0x53;
pub const COOKIE_BYTES: usize = 68;
const VERSION: u8 = 1;
const COOKIE_INFO: &[u8] = b"mp2p/1 cookie box\0";
const SECRET_LIFE_MS: f64 = 120_000.0;

/// Who speaks (WIRE item 18).
#[derive(Clone, Copy)]
pub struct Caller {
    pub address: SocketAddr,
    /// By which it spoke to a group; 0 where it spoke to us alone.
    pub interface: u32,
}

/// The cookie is a MAC of the source under a secret that changes every two minutes; the one
/// before is still good.
#[derive(Default)]
pub struct CookieJar {
    /// Newest first, with the time each was made.
    secrets: Vec<([u8; 32], f64)>,
}

impl CookieJar {
    /// Cookies that the source may hold, the one to give out first.
    pub fn of(&mut self, from: Caller, now_ms: f64) -> impl Iterator<Item = [u8; 16]> {
        self.rotate(now_ms);
        let source = source_id(from);
        self.secrets.iter().map(move |(secret, _)| mac16(secret, &source))
    }

    /// The COOKIE packet that answers the INIT of connection id `scid`.
    pub fn answer(
        &mut self,
        scid: &[u8],
        mac1: &[u8],
        cookie_key: &[u8; 32],
        from: Caller,
        now_ms: f64,
    ) -> Option<[u8; COOKIE_BYTES]> {
        let cookie = self.of(from, now_ms).next()?;
        let mut answer = [0; COOKIE_BYTES];
        answer[0] = TYPE_COOKIE;
        answer[1] = VERSION;
        answer[4..12].copy_from_slice(scid);
        randomize(&mut answer[12..36]).ok()?;
        let mut key = [0; 32];
        hkdf_sha512(&answer[12..36], cookie_key, COOKIE_INFO, &mut key).ok()?;
        let mut sealed = cookie.to_vec();
        single::seal(&key, &[0; 12], mac1, &mut sealed).ok()?;
        answer[36..].copy_from_slice(&sealed);
        Some(answer)
    }

    fn rotate(&mut self, now_ms: f64) {
        if self.secrets.first().is_some_and(|(_, made)| now_ms - made < SECRET_LIFE_MS) {
            return;
        }
        let mut secret = [0; 32];
        if randomize(&mut secret).is_ok() {
            self.secrets.insert(0, (secret, now_ms));
        }
        self.secrets.truncate(2);
        // After a long silence the one before is older than any cookie may be.
        self.secrets.retain(|(_, made)| now_ms - made < 2.0 * SECRET_LIFE_MS);
    }
}

/// Family, address, port, interface.
fn source_id(Caller { address, interface }: Caller) -> Vec<u8> {
    let mut id = Vec::with_capacity(23);
    match address.ip() {
        IpAddr::V4(ip) => {
            id.push(4);
            id.extend_from_slice(&ip.octets());
        }
        IpAddr::V6(ip) => {
            id.push(6);
            id.extend_from_slice(&ip.octets());
        }
    }
    id.extend_from_slice(&address.port().to_be_bytes());
    id.extend_from_slice(&interface.to_be_bytes());
    id
}

//! Protection of data packets, big endian. Byte table: docs/PROTOCOL.md, "Data packet".
//!
//! ```text
//! 0 type = 0x56 | 1-8 connection id | 9-14 packet number | ciphertext | 16 tag
//! ```
//!
//! The header is the associated data; nonce = iv XOR (lane u32 | packet number u64).

use crate::{SizeError, sized};
use ring::aead::{AES_256_GCM, Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};

pub const TYPE_DATA: u8 = 0x56;
pub const HEADER_BYTES: usize = 15;
pub const TAG_BYTES: usize = 16;
/// Header and tag of an empty packet.
pub const OVERHEAD_BYTES: usize = HEADER_BYTES + TAG_BYTES;
/// Packet numbers are 48 bits wide.
pub const PACKET_NUMBERS: u64 = 1 << 48;

pub type Cid = [u8; 8];

/// Keys of one direction of one slot.
pub struct PacketKeys {
    key: LessSafeKey,
    /// The iv, already combined with the lane.
    iv: [u8; 12],
    cid: Cid,
}

/// Suite numbers as in the handshake.
pub const SUITE_CHACHA20_POLY1305: u32 = 1;
pub const SUITE_AES_256_GCM: u32 = 2;

impl PacketKeys {
    /// # Errors
    ///
    /// An unknown suite or a field of the wrong size.
    pub fn new(
        suite: u32,
        key: &[u8],
        iv: &[u8],
        lane: u32,
        cid: &[u8],
    ) -> Result<Self, SizeError> {
        let algorithm = match suite {
            SUITE_CHACHA20_POLY1305 => &CHACHA20_POLY1305,
            SUITE_AES_256_GCM => &AES_256_GCM,
            _ => return Err(SizeError { name: "suite", expected: "1 or 2" }),
        };
        let wrong_key = SizeError { name: "key", expected: "32 bytes" };
        let key = LessSafeKey::new(UnboundKey::new(algorithm, key).map_err(|_| wrong_key)?);
        let mut iv = sized::<12>(iv, "iv", "12 bytes")?;
        xor(&mut iv[..4], &lane.to_be_bytes());
        Ok(Self { key, iv, cid: sized(cid, "cid", "8 bytes")? })
    }

    pub fn cid(&self) -> Cid {
        self.cid
    }

    fn nonce(&self, packet_number: u64) -> Nonce {
        let mut nonce = self.iv;
        xor(&mut nonce[4..], &packet_number.to_be_bytes());
        Nonce::assume_unique_for_key(nonce)
    }

    /// Seals in place: `packet` is room for the header, the plaintext, room for the tag.
    pub(crate) fn seal(&self, packet_number: u64, packet: &mut [u8]) {
        let (header, rest) = packet.split_at_mut(HEADER_BYTES);
        header[0] = TYPE_DATA;
        header[1..9].copy_from_slice(&self.cid);
        header[9..].copy_from_slice(&packet_number.to_be_bytes()[2..]);
        let (body, tag) = rest.split_at_mut(rest.len() - TAG_BYTES);
        let sealed = self.key.seal_in_place_separate_tag(
            self.nonce(packet_number),
            Aad::from(&*header),
            body,
        );
        tag.copy_from_slice(sealed.expect("a packet is shorter than any AEAD limit").as_ref());
    }

    /// Opens `buffer[from..]`, ciphertext and tag, and leaves the plaintext at the start of
    /// `buffer`. What lies between is lost, and everything where `None` says the tag is wrong.
    pub fn open(
        &self,
        packet_number: u64,
        header: &[u8; HEADER_BYTES],
        buffer: &mut [u8],
        from: usize,
    ) -> Option<usize> {
        let aad = Aad::from(header);
        let opened = self.key.open_within(self.nonce(packet_number), aad, buffer, from..).ok()?;
        Some(opened.len())
    }
}

/// Connection id and packet number of a data packet of possible length.
pub fn parse_header(packet: &[u8]) -> Option<([u8; HEADER_BYTES], Cid, u64)> {
    if packet.len() < OVERHEAD_BYTES || packet[0] != TYPE_DATA {
        return None;
    }
    let header: [u8; HEADER_BYTES] = packet[..HEADER_BYTES].try_into().ok()?;
    let cid: Cid = header[1..9].try_into().ok()?;
    let mut number = [0; 8];
    number[2..].copy_from_slice(&header[9..]);
    Some((header, cid, u64::from_be_bytes(number)))
}

fn xor(left: &mut [u8], right: &[u8]) {
    for (l, r) in left.iter_mut().zip(right) {
        *l ^= r;
    }
}

/// Whether AES-256-GCM runs on instructions made for it; without them it is slow and leaks time.
pub fn has_hardware_aes() -> bool {
    #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
    return std::arch::is_x86_feature_detected!("aes")
        && std::arch::is_x86_feature_detected!("pclmulqdq");
    #[cfg(target_arch = "aarch64")]
    return std::arch::is_aarch64_feature_detected!("aes")
        && std::arch::is_aarch64_feature_detected!("pmull");
    #[cfg(not(any(target_arch = "x86", target_arch = "x86_64", target_arch = "aarch64")))]
    return false;
}

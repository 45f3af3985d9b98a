//! SHA-512, HMAC, HKDF (RFC 5869) and BLAKE3.

use crate::SizeError;
use ring::{digest, hkdf, hmac};

pub const SHA512_BYTES: usize = 64;
pub const BLAKE3_BYTES: usize = 32;

pub fn sha512(data: &[u8]) -> [u8; SHA512_BYTES] {
    exact(digest::digest(&digest::SHA512, data).as_ref())
}

pub fn hmac_sha512(key: &[u8], data: &[u8]) -> [u8; SHA512_BYTES] {
    exact(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA512, key), data).as_ref())
}

/// First 16 bytes of HMAC-SHA512: the mac1, mac2 and cookie of docs/PROTOCOL.md.
pub fn mac16(key: &[u8], data: &[u8]) -> [u8; 16] {
    let full = hmac_sha512(key, data);
    let mut mac = [0; 16];
    mac.copy_from_slice(&full[..16]);
    mac
}

/// Equality without an early exit, for MACs.
pub fn equal_macs(left: &[u8; 16], right: &[u8]) -> bool {
    right.len() == left.len()
        && left.iter().zip(right).fold(0, |difference, (l, r)| difference | (l ^ r)) == 0
}

/// HKDF-SHA512 into `output`, at most 16,320 bytes.
///
/// # Errors
///
/// `output` is longer than RFC 5869 allows.
pub fn hkdf_sha512(
    salt: &[u8],
    ikm: &[u8],
    info: &[u8],
    output: &mut [u8],
) -> Result<(), SizeError> {
    expand(&hkdf::Salt::new(hkdf::HKDF_SHA512, salt).extract(ikm), &[info], output)
}

/// HKDF-SHA512 without a salt into each output, under its label and the suite: one extraction for all.
///
/// # Errors
///
/// An output is longer than RFC 5869 allows.
pub fn hkdf_sha512_each<const N: usize>(
    ikm: &[u8],
    suite: u8,
    outputs: [(&[u8], &mut [u8]); N],
) -> Result<(), SizeError> {
    let secret = hkdf::Salt::new(hkdf::HKDF_SHA512, &[]).extract(ikm);
    outputs.into_iter().try_for_each(|(label, output)| expand(&secret, &[label, &[suite]], output))
}

fn expand(secret: &hkdf::Prk, info: &[&[u8]], output: &mut [u8]) -> Result<(), SizeError> {
    struct Length(usize);
    impl hkdf::KeyType for Length {
        fn len(&self) -> usize {
            self.0
        }
    }
    secret
        .expand(info, Length(output.len()))
        .and_then(|expanded| expanded.fill(output))
        .map_err(|_| SizeError { name: "HKDF output", expected: "at most 16,320 bytes" })
}

pub fn blake3(data: &[u8]) -> [u8; BLAKE3_BYTES] {
    *blake3::hash(data).as_bytes()
}

fn exact(bytes: &[u8]) -> [u8; SHA512_BYTES] {
    let mut output = [0; SHA512_BYTES];
    output.copy_from_slice(bytes);
    output
}

//! Steps of a Noise handshake on a state that the caller keeps: the `SymmetricState` of the framework,
//! revision 34, section 5.2, for `25519_ChaChaPoly_SHA512`. What handshakes are made of stays in
//! src/noise; this spares it a call and a fresh array for each primitive.
//!
//! State: chaining key 64 | hash 64 | key 32 | counter u32 LE | has key 1. A step that fails changes nothing.

use crate::{SizeError, curve, hash, single, sized};
use ring::digest;
use std::ops::Range;
use zeroize::Zeroizing;

pub const STATE_BYTES: usize = 165;
const CHAINING_KEY: Range<usize> = 0..64;
const HASH: Range<usize> = 64..128;
const KEY: Range<usize> = 128..160;
const COUNTER: Range<usize> = 160..164;
const HAS_KEY: usize = 164;

/// Keys of packets for both directions, the initiator's first, each with its iv; then the exporter.
pub const TRANSPORT_BYTES: usize = 2 * PACKET_KEYS_BYTES + hash::SHA512_BYTES;
const PACKET_KEY_BYTES: usize = 32;
const PACKET_KEYS_BYTES: usize = PACKET_KEY_BYTES + 12;

/// `MixHash(data)`.
///
/// # Errors
///
/// A state of another size.
pub fn mix_hash(state: &mut [u8], data: &[u8]) -> Result<(), SizeError> {
    check(state)?;
    mix(state, data);
    Ok(())
}

/// `MixKey(DH(secret, peer))`; false where the shared secret is all zeros.
///
/// # Errors
///
/// A state or a key of another size.
pub fn mix_agreed(state: &mut [u8], secret: &[u8], peer: &[u8]) -> Result<bool, SizeError> {
    check(state)?;
    let Some(shared) = curve::x25519(secret, peer)?.map(Zeroizing::new) else { return Ok(false) };
    let mut output = Zeroizing::new([0; 128]);
    hash::hkdf_sha512(&state[CHAINING_KEY], &*shared, &[], &mut *output)?;
    state[CHAINING_KEY].copy_from_slice(&output[..64]);
    state[KEY].copy_from_slice(&output[64..96]);
    state[COUNTER].fill(0);
    state[HAS_KEY] = 1;
    Ok(true)
}

/// `EncryptAndHash(plaintext)` under the key there is.
///
/// # Errors
///
/// A state of another size, or without a key.
pub fn seal(state: &mut [u8], plaintext: &[u8]) -> Result<Vec<u8>, SizeError> {
    let nonce = nonce(state)?;
    let mut sealed = Vec::with_capacity(plaintext.len() + single::TAG_BYTES);
    sealed.extend_from_slice(plaintext);
    single::seal(&state[KEY], &nonce, &state[HASH], &mut sealed)?;
    count(state);
    mix(state, &sealed);
    Ok(sealed)
}

/// `DecryptAndHash(sealed)` under the key there is; `None` where the tag is wrong.
///
/// # Errors
///
/// A state of another size, or without a key.
pub fn open(state: &mut [u8], sealed: &[u8]) -> Result<Option<Vec<u8>>, SizeError> {
    let nonce = nonce(state)?;
    let mut opened = sealed.to_vec();
    let Some(plaintext) = single::open(&state[KEY], &nonce, &state[HASH], &mut opened)? else {
        return Ok(None);
    };
    let bytes = plaintext.len();
    opened.truncate(bytes);
    count(state);
    mix(state, sealed);
    Ok(Some(opened))
}

/// `Split()` and what docs/PROTOCOL.md, "Key schedule", makes of it.
///
/// # Errors
///
/// A state of another size.
pub fn transport(state: &[u8], suite: u8) -> Result<[u8; TRANSPORT_BYTES], SizeError> {
    check(state)?;
    let mut split = Zeroizing::new([0; 128]);
    hash::hkdf_sha512(&state[CHAINING_KEY], &[], &[], &mut *split)?;
    let mut output = [0; TRANSPORT_BYTES];
    let (packets, exporter) = output.split_at_mut(2 * PACKET_KEYS_BYTES);
    for (secret, keys) in split.chunks(64).zip(packets.chunks_mut(PACKET_KEYS_BYTES)) {
        let (key, iv) = keys.split_at_mut(PACKET_KEY_BYTES);
        let labels = [(&b"mp2p/1 key\0"[..], key), (&b"mp2p/1 iv\0"[..], iv)];
        hash::hkdf_sha512_each(&secret[..32], suite, labels)?;
    }
    let secret = Zeroizing::new([&split[..32], &split[64..96]].concat());
    let label = [b"mp2p/1 exporter\0", &state[HASH]].concat();
    exporter.copy_from_slice(&hash::hmac_sha512(&secret, &label));
    Ok(output)
}

fn mix(state: &mut [u8], data: &[u8]) {
    let mut context = digest::Context::new(&digest::SHA512);
    context.update(&state[HASH]);
    context.update(data);
    state[HASH].copy_from_slice(context.finish().as_ref());
}

/// Four zero bytes, then the counter as u64, little endian (section 12.3).
fn nonce(state: &[u8]) -> Result<[u8; 12], SizeError> {
    check(state)?;
    if state[HAS_KEY] == 0 {
        return Err(SizeError { name: "Noise state", expected: "one with a key" });
    }
    let mut nonce = [0; 12];
    nonce[4..8].copy_from_slice(&state[COUNTER]);
    Ok(nonce)
}

/// No handshake seals more than a few times under one key.
fn count(state: &mut [u8]) {
    let counter = state[COUNTER].iter_mut();
    for byte in counter {
        *byte = byte.wrapping_add(1);
        if *byte != 0 {
            return;
        }
    }
}

fn check(state: &[u8]) -> Result<(), SizeError> {
    sized::<STATE_BYTES>(state, "Noise state", "165 bytes").map(|_| ())
}

//! X25519 (RFC 7748) and Ed25519 (RFC 8032), the latter verified strictly.

use crate::{SizeError, fast_x25519, sized};
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use x25519_dalek::{PublicKey, StaticSecret};
use zeroize::Zeroizing;

pub const KEY_BYTES: usize = 32;
pub const SIGNATURE_BYTES: usize = 64;
const KEY: &str = "32 bytes";

/// # Errors
///
/// `secret` is not 32 bytes.
pub fn x25519_public_key(secret: &[u8]) -> Result<[u8; KEY_BYTES], SizeError> {
    let secret = secret_bytes(secret, "X25519 secret")?;
    if fast_x25519::available() {
        return Ok(fast_x25519::public_key(&secret));
    }
    Ok(PublicKey::from(&StaticSecret::from(*secret)).to_bytes())
}

/// The shared secret, or `None` where it is all zeros: a low-order peer key.
///
/// # Errors
///
/// An argument is not 32 bytes.
pub fn x25519(secret: &[u8], peer: &[u8]) -> Result<Option<[u8; KEY_BYTES]>, SizeError> {
    let secret = secret_bytes(secret, "X25519 secret")?;
    let peer = sized::<KEY_BYTES>(peer, "X25519 peer key", KEY)?;
    if fast_x25519::available() {
        return Ok(fast_x25519::agree(&secret, &peer));
    }
    let shared = StaticSecret::from(*secret).diffie_hellman(&PublicKey::from(peer));
    Ok(shared.was_contributory().then(|| shared.to_bytes()))
}

/// # Errors
///
/// `seed` is not 32 bytes.
pub fn ed25519_public_key(seed: &[u8]) -> Result<[u8; KEY_BYTES], SizeError> {
    Ok(signing_key(seed)?.verifying_key().to_bytes())
}

/// # Errors
///
/// `seed` is not 32 bytes.
pub fn ed25519_sign(seed: &[u8], message: &[u8]) -> Result<[u8; SIGNATURE_BYTES], SizeError> {
    Ok(signing_key(seed)?.sign(message).to_bytes())
}

/// Strict verification: non-canonical encodings and small-order points are refused, as libsodium
/// refuses them, so both backends accept exactly the same signatures.
///
/// # Errors
///
/// A key that is not 32 or a signature that is not 64 bytes.
pub fn ed25519_verify(
    public_key: &[u8],
    message: &[u8],
    signature: &[u8],
) -> Result<bool, SizeError> {
    let public_key = sized::<KEY_BYTES>(public_key, "Ed25519 public key", KEY)?;
    let signature = sized::<SIGNATURE_BYTES>(signature, "Ed25519 signature", "64 bytes")?;
    let Ok(key) = VerifyingKey::from_bytes(&public_key) else { return Ok(false) };
    // dalek decodes y >= p; libsodium refuses it (ge25519_is_canonical).
    if !is_canonical(&public_key) {
        return Ok(false);
    }
    Ok(key.verify_strict(message, &Signature::from_bytes(&signature)).is_ok())
}

/// Whether the y coordinate is below 2^255 - 19.
fn is_canonical(point: &[u8; KEY_BYTES]) -> bool {
    let top = point[31] & 0x7f;
    top != 0x7f || point[1..31].iter().any(|&byte| byte != 0xff) || point[0] < 0xed
}

fn signing_key(seed: &[u8]) -> Result<SigningKey, SizeError> {
    Ok(SigningKey::from_bytes(&*secret_bytes(seed, "Ed25519 seed")?))
}

fn secret_bytes(bytes: &[u8], name: &'static str) -> Result<Zeroizing<[u8; KEY_BYTES]>, SizeError> {
    sized::<KEY_BYTES>(bytes, name, KEY).map(Zeroizing::new)
}

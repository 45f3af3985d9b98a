//! ChaCha20-Poly1305 (RFC 8439) of single messages: handshakes, cookies, tickets.

use crate::{SizeError, sized};
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};

pub const TAG_BYTES: usize = 16;

/// Appends the 16-byte tag to `message` and encrypts it in place.
///
/// # Errors
///
/// A key that is not 32 or a nonce that is not 12 bytes.
pub fn seal(
    key: &[u8],
    nonce: &[u8],
    header: &[u8],
    message: &mut Vec<u8>,
) -> Result<(), SizeError> {
    let (key, nonce) = prepare(key, nonce)?;
    let tag = key.seal_in_place_separate_tag(nonce, Aad::from(header), message);
    let tag = tag.map_err(|_| SizeError { name: "plaintext", expected: "at most 256 GiB" })?;
    message.extend_from_slice(tag.as_ref());
    Ok(())
}

/// Decrypts `sealed` in place; the plaintext is what is returned, `None` where the tag is wrong.
///
/// # Errors
///
/// A key that is not 32 or a nonce that is not 12 bytes.
pub fn open<'sealed>(
    key: &[u8],
    nonce: &[u8],
    header: &[u8],
    sealed: &'sealed mut [u8],
) -> Result<Option<&'sealed [u8]>, SizeError> {
    let (key, nonce) = prepare(key, nonce)?;
    Ok(key.open_in_place(nonce, Aad::from(header), sealed).ok().map(|plain| &*plain))
}

fn prepare(key: &[u8], nonce: &[u8]) -> Result<(LessSafeKey, Nonce), SizeError> {
    let wrong_key = SizeError { name: "key", expected: "32 bytes" };
    let key = UnboundKey::new(&CHACHA20_POLY1305, key).map_err(|_| wrong_key)?;
    let nonce = sized::<12>(nonce, "nonce", "12 bytes")?;
    Ok((LessSafeKey::new(key), Nonce::assume_unique_for_key(nonce)))
}

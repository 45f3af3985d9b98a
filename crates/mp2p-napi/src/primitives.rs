//! `Primitives` of src/backend/port.ts. Inputs are borrowed for the call; outputs are copies in
//! JavaScript's own memory, as an external buffer costs more than copying 64 bytes.

use crate::error::{Result, argument_error, napi_error, size_error, whole};
use crate::raw::exclusive;
use mp2p_crypto::{curve, hash, noise, parity as code, single};
use napi::bindgen_prelude::Uint8ArraySlice;
use napi::{Env, Error};
use napi_derive::napi;

type Bytes<'env> = Uint8ArraySlice<'env>;

const MAX_HKDF_BYTES: u32 = 255 * 64;
/// As many as `crypto.getRandomValues` of browsers gives in one call.
const MAX_RANDOM_BYTES: u32 = 65_536;

fn fresh<'env>(env: &'env Env, bytes: &[u8]) -> Result<Bytes<'env>> {
    Uint8ArraySlice::copy_from(env, bytes).map_err(|error| napi_error(&error))
}

/// An argument that the call changes where it lies.
fn changed<'a>(
    env: &Env,
    argument: &'a mut Uint8ArraySlice,
    others: &[&[u8]],
) -> Result<&'a mut [u8]> {
    exclusive(argument, others).ok_or_else(|| argument_error(env, "arguments share memory"))
}

#[napi]
pub fn random_bytes(env: &Env, length: f64) -> Result<Bytes<'_>> {
    let length = whole(env, "number of random bytes", length, MAX_RANDOM_BYTES)?;
    let mut bytes = vec![0; length as usize];
    mp2p_crypto::randomize(&mut bytes)
        .map_err(|error| Error::new("MP2P_SOCKET", error.to_string()))?;
    fresh(env, &bytes)
}

#[napi]
pub fn sha512<'env>(env: &'env Env, data: &[u8]) -> Result<Bytes<'env>> {
    fresh(env, &hash::sha512(data))
}

#[napi]
pub fn hmac_sha512<'env>(env: &'env Env, key: &[u8], data: &[u8]) -> Result<Bytes<'env>> {
    fresh(env, &hash::hmac_sha512(key, data))
}

#[napi]
pub fn hkdf_sha512<'env>(
    env: &'env Env,
    salt: &[u8],
    ikm: &[u8],
    info: &[u8],
    length: f64,
) -> Result<Bytes<'env>> {
    let length = whole(env, "length of HKDF's output", length, MAX_HKDF_BYTES)?;
    let mut output = vec![0; length as usize];
    hash::hkdf_sha512(salt, ikm, info, &mut output).map_err(|error| size_error(env, &error))?;
    fresh(env, &output)
}

#[napi]
pub fn x25519_public_key<'env>(env: &'env Env, secret: &[u8]) -> Result<Bytes<'env>> {
    let key = curve::x25519_public_key(secret).map_err(|error| size_error(env, &error))?;
    fresh(env, &key)
}

#[napi]
pub fn x25519<'env>(env: &'env Env, secret: &[u8], peer: &[u8]) -> Result<Option<Bytes<'env>>> {
    let shared = curve::x25519(secret, peer).map_err(|error| size_error(env, &error))?;
    shared.map(|shared| fresh(env, &shared)).transpose()
}

#[napi]
pub fn ed25519_public_key<'env>(env: &'env Env, seed: &[u8]) -> Result<Bytes<'env>> {
    let key = curve::ed25519_public_key(seed).map_err(|error| size_error(env, &error))?;
    fresh(env, &key)
}

#[napi]
pub fn ed25519_sign<'env>(env: &'env Env, seed: &[u8], message: &[u8]) -> Result<Bytes<'env>> {
    let signed = curve::ed25519_sign(seed, message).map_err(|error| size_error(env, &error))?;
    fresh(env, &signed)
}

#[napi]
pub fn ed25519_verify(
    env: &Env,
    public_key: &[u8],
    message: &[u8],
    signature: &[u8],
) -> Result<bool> {
    curve::ed25519_verify(public_key, message, signature).map_err(|error| size_error(env, &error))
}

#[napi]
pub fn seal<'env>(
    env: &'env Env,
    key: &[u8],
    nonce: &[u8],
    header: &[u8],
    plaintext: &[u8],
) -> Result<Bytes<'env>> {
    let mut message = Vec::with_capacity(plaintext.len() + single::TAG_BYTES);
    message.extend_from_slice(plaintext);
    single::seal(key, nonce, header, &mut message).map_err(|error| size_error(env, &error))?;
    fresh(env, &message)
}

#[napi]
pub fn open<'env>(
    env: &'env Env,
    key: &[u8],
    nonce: &[u8],
    header: &[u8],
    sealed: &[u8],
) -> Result<Option<Bytes<'env>>> {
    let mut sealed = sealed.to_vec();
    let opened = single::open(key, nonce, header, &mut sealed);
    let plaintext = opened.map_err(|error| size_error(env, &error))?;
    plaintext.map(|plaintext| fresh(env, plaintext)).transpose()
}

#[napi]
pub fn noise_mix_hash(env: &Env, mut state: Uint8ArraySlice, data: &[u8]) -> Result<()> {
    let state = changed(env, &mut state, &[data])?;
    noise::mix_hash(state, data).map_err(|error| size_error(env, &error))
}

#[napi]
pub fn noise_mix_agreed(
    env: &Env,
    mut state: Uint8ArraySlice,
    secret: &[u8],
    peer: &[u8],
) -> Result<bool> {
    let state = changed(env, &mut state, &[secret, peer])?;
    noise::mix_agreed(state, secret, peer).map_err(|error| size_error(env, &error))
}

#[napi]
pub fn noise_seal<'env>(
    env: &'env Env,
    mut state: Uint8ArraySlice,
    plaintext: &[u8],
) -> Result<Bytes<'env>> {
    let state = changed(env, &mut state, &[plaintext])?;
    let sealed = noise::seal(state, plaintext).map_err(|error| size_error(env, &error))?;
    fresh(env, &sealed)
}

#[napi]
pub fn noise_open<'env>(
    env: &'env Env,
    mut state: Uint8ArraySlice,
    sealed: &[u8],
) -> Result<Option<Bytes<'env>>> {
    let state = changed(env, &mut state, &[sealed])?;
    let opened = noise::open(state, sealed).map_err(|error| size_error(env, &error))?;
    opened.map(|plaintext| fresh(env, &plaintext)).transpose()
}

#[napi]
pub fn noise_transport<'env>(env: &'env Env, state: &[u8], suite: f64) -> Result<Bytes<'env>> {
    let suite = whole(env, "suite", suite, u8::MAX.into())?;
    #[expect(clippy::cast_possible_truncation, reason = "just checked")]
    let suite = suite as u8;
    let keys = noise::transport(state, suite).map_err(|error| size_error(env, &error))?;
    fresh(env, &keys)
}

#[napi]
pub fn blake3<'env>(env: &'env Env, data: &[u8]) -> Result<Bytes<'env>> {
    fresh(env, &hash::blake3(data))
}

#[napi]
pub fn parity(env: &Env, block: &[u8], mut parity: Uint8ArraySlice) -> Result<()> {
    let parity = changed(env, &mut parity, &[block])?;
    code::parity(block, parity).map_err(|error| size_error(env, &error))
}

#[napi]
pub fn restore(
    env: &Env,
    mut block: Uint8ArraySlice,
    missing: &[u8],
    have: &[u8],
    parity: &[u8],
) -> Result<()> {
    let block = changed(env, &mut block, &[missing, have, parity])?;
    code::restore(block, missing, have, parity).map_err(|error| size_error(env, &error))
}

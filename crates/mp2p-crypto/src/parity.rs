//! Parity of a cast's block: Reed-Solomon over GF(2^16), 128 source and always 64 parity symbols.
//! The code as a formula: docs/PROTOCOL.md, "Parity of a cast".

use crate::SizeError;
use crate::cauchy;
use reed_solomon_simd::engine::DefaultEngine;
use reed_solomon_simd::rate::{
    HighRateDecoder, HighRateEncoder, RateDecoder as _, RateEncoder as _,
};

pub const BLOCK_SYMBOLS: usize = 128;
pub const PARITY_SYMBOLS: usize = 64;

/// Up to so many missing symbols are faster found one by one than by transforms, which cost the
/// same for one as for all. Source:
/// `examples/parity_speed.rs`.
const FEW: usize = 40;

/// The 64 parity symbols of a block of 128 symbols of equal, even size.
///
/// # Errors
///
/// A block of another shape.
pub fn parity(block: &[u8]) -> Result<Vec<u8>, SizeError> {
    let size = symbol_bytes(block)?;
    parity_of(block.chunks_exact(size), size)
}

fn parity_of<'a>(
    symbols: impl Iterator<Item = &'a [u8]>,
    size: usize,
) -> Result<Vec<u8>, SizeError> {
    let engine = DefaultEngine::new();
    let mut encoder = HighRateEncoder::new(BLOCK_SYMBOLS, PARITY_SYMBOLS, size, engine, None)
        .map_err(|_| BLOCK_SHAPE)?;
    for symbol in symbols {
        encoder.add_original_shard(symbol).map_err(|_| BLOCK_SHAPE)?;
    }
    let encoded = encoder.encode().map_err(|_| BLOCK_SHAPE)?;
    let mut output = Vec::with_capacity(PARITY_SYMBOLS * size);
    encoded.recovery_iter().for_each(|symbol| output.extend_from_slice(symbol));
    Ok(output)
}

/// The missing symbols of a block, one after the other, from its other symbols and as many of its
/// parity symbols as are missing, or more.
///
/// # Errors
///
/// Numbers not ascending or out of range, parity too short or too little of it.
pub fn restored(
    block: &[u8],
    missing: &[u8],
    have: &[u8],
    parity: &[u8],
) -> Result<Vec<u8>, SizeError> {
    let size = symbol_bytes(block)?;
    check(missing, have, parity, size)?;
    let have = &have[..missing.len()];
    let parity = &parity[..missing.len() * size];
    if missing.len() > FEW {
        return decoded(block, missing, have, parity, size);
    }
    if missing.is_empty() {
        return Ok(Vec::new());
    }
    // What the symbols at hand add to parity is taken off it.
    let none = vec![0; size];
    let at_hand = (0u8..).zip(block.chunks_exact(size));
    let at_hand =
        at_hand.map(
            |(number, symbol)| {
                if missing.binary_search(&number).is_err() { symbol } else { &none[..] }
            },
        );
    let known = parity_of(at_hand, size)?;
    let mut rest = parity.to_vec();
    for (rest, &number) in rest.chunks_exact_mut(size).zip(have) {
        let known = &known[usize::from(number) * size..][..size];
        rest.iter_mut().zip(known).for_each(|(rest, known)| *rest ^= known);
    }
    Ok(cauchy::solve(missing, have, &rest, size))
}

/// By transforms.
fn decoded(
    block: &[u8],
    missing: &[u8],
    have: &[u8],
    parity: &[u8],
    size: usize,
) -> Result<Vec<u8>, SizeError> {
    let engine = DefaultEngine::new();
    let mut decoder = HighRateDecoder::new(BLOCK_SYMBOLS, PARITY_SYMBOLS, size, engine, None)
        .map_err(|_| BLOCK_SHAPE)?;
    for (number, symbol) in (0u8..).zip(block.chunks_exact(size)) {
        if missing.binary_search(&number).is_err() {
            decoder.add_original_shard(number.into(), symbol).map_err(|_| MISSING)?;
        }
    }
    for (&number, symbol) in have.iter().zip(parity.chunks_exact(size)) {
        decoder.add_recovery_shard(number.into(), symbol).map_err(|_| HAVE)?;
    }
    let decoded = decoder.decode().map_err(|_| HAVE)?;
    let mut output = Vec::with_capacity(missing.len() * size);
    for &number in missing {
        output.extend_from_slice(decoded.restored_original(number.into()).ok_or(MISSING)?);
    }
    Ok(output)
}

const BLOCK_SHAPE: SizeError =
    SizeError { name: "block", expected: "128 symbols of equal, even size" };
const MISSING: SizeError = SizeError { name: "missing", expected: "ascending numbers below 128" };
const HAVE: SizeError = SizeError {
    name: "have",
    expected: "different numbers below 64, at least as many as are missing",
};
const PARITY: SizeError = SizeError { name: "parity", expected: "one symbol for each of `have`" };

fn symbol_bytes(block: &[u8]) -> Result<usize, SizeError> {
    let size = block.len() / BLOCK_SYMBOLS;
    let fits = size > 0 && size.is_multiple_of(2) && size * BLOCK_SYMBOLS == block.len();
    fits.then_some(size).ok_or(BLOCK_SHAPE)
}

fn check(missing: &[u8], have: &[u8], parity: &[u8], size: usize) -> Result<(), SizeError> {
    let ascending = missing.is_sorted_by(|left, right| left < right);
    if !ascending || missing.last().is_some_and(|&last| usize::from(last) >= BLOCK_SYMBOLS) {
        return Err(MISSING);
    }
    let mut seen = 0u64;
    for &number in have {
        let bit = 1u64.checked_shl(number.into()).ok_or(HAVE)?;
        if seen & bit != 0 {
            return Err(HAVE);
        }
        seen |= bit;
    }
    if have.len() < missing.len() {
        return Err(HAVE);
    }
    if parity.len() == have.len() * size { Ok(()) } else { Err(PARITY) }
}

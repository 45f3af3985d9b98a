//! Parity of a cast's block: Reed-Solomon over GF(2^16), 128 source and always 64 parity symbols.
//! The code as a formula: docs/PROTOCOL.md, "Parity of a cast".

use crate::SizeError;
use crate::cauchy;
use reed_solomon_simd::EncoderResult;
use reed_solomon_simd::engine::DefaultEngine;
use reed_solomon_simd::rate::{
    EncoderWork, HighRateDecoder, HighRateEncoder, RateDecoder as _, RateEncoder as _,
};
use std::cell::Cell;

pub const BLOCK_SYMBOLS: usize = 128;
pub const PARITY_SYMBOLS: usize = 64;

/// Up to so many missing symbols are faster found one by one than by transforms, which cost the
/// same for one as for all. Source:
/// `examples/parity_speed.rs`.
const FEW: usize = 40;

thread_local! {
    /// Memory of the last block, kept for the next: to get it anew costs more than the arithmetic.
    static WORK: Cell<Option<EncoderWork>> = const { Cell::new(None) };
}

/// Writes the 64 parity symbols of a block of 128 symbols of equal, even size.
///
/// # Errors
///
/// A block of another shape; room for another number of bytes than the parity has.
pub fn parity(block: &[u8], parity: &mut [u8]) -> Result<(), SizeError> {
    let size = symbol_bytes(block)?;
    if parity.len() != PARITY_SYMBOLS * size {
        return Err(ROOM);
    }
    encode(block.chunks_exact(size), size, |encoded| {
        let symbols = parity.chunks_exact_mut(size).zip(encoded.recovery_iter());
        symbols.for_each(|(room, symbol)| room.copy_from_slice(symbol));
    })
}

fn encode<'a>(
    symbols: impl Iterator<Item = &'a [u8]>,
    size: usize,
    take: impl FnOnce(&EncoderResult),
) -> Result<(), SizeError> {
    let engine = DefaultEngine::new();
    let mut encoder =
        HighRateEncoder::new(BLOCK_SYMBOLS, PARITY_SYMBOLS, size, engine, WORK.take())
            .map_err(|_| BLOCK_SHAPE)?;
    for symbol in symbols {
        encoder.add_original_shard(symbol).map_err(|_| BLOCK_SHAPE)?;
    }
    take(&encoder.encode().map_err(|_| BLOCK_SHAPE)?);
    WORK.set(Some(encoder.into_parts().1));
    Ok(())
}

/// Puts the missing symbols of a block in their places, from its other symbols and as many of its
/// parity symbols as are missing, or more.
///
/// # Errors
///
/// Numbers not ascending or out of range, parity too short or too little of it; the block is as before.
pub fn restore(
    block: &mut [u8],
    missing: &[u8],
    have: &[u8],
    parity: &[u8],
) -> Result<(), SizeError> {
    let size = symbol_bytes(block)?;
    check(missing, have, parity, size)?;
    let have = &have[..missing.len()];
    let parity = &parity[..missing.len() * size];
    let symbols = match missing.len() {
        0 => return Ok(()),
        1..=FEW => solved(block, missing, have, parity, size)?,
        _ => decoded(block, missing, have, parity, size)?,
    };
    for (&number, symbol) in missing.iter().zip(symbols.chunks_exact(size)) {
        block[usize::from(number) * size..][..size].copy_from_slice(symbol);
    }
    Ok(())
}

/// By as many equations as there are missing symbols.
fn solved(
    block: &[u8],
    missing: &[u8],
    have: &[u8],
    parity: &[u8],
    size: usize,
) -> Result<Vec<u8>, SizeError> {
    // What the symbols at hand add to parity is taken off it.
    let none = vec![0; size];
    let at_hand = (0u8..).zip(block.chunks_exact(size));
    let at_hand =
        at_hand.map(
            |(number, symbol)| {
                if missing.binary_search(&number).is_err() { symbol } else { &none[..] }
            },
        );
    let mut rest = parity.to_vec();
    encode(at_hand, size, |known| {
        for (rest, &number) in rest.chunks_exact_mut(size).zip(have) {
            let known = known.recovery(number.into()).into_iter().flatten();
            rest.iter_mut().zip(known).for_each(|(rest, known)| *rest ^= known);
        }
    })?;
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
const ROOM: SizeError = SizeError { name: "parity", expected: "64 symbols of the block's size" };
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

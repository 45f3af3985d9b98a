//! A few unknowns of the parity equations, by the inverse of their Cauchy matrix.
//!
//! Row a and column b of the matrix is c(b) / (x(a) xor y(b)), x(a) the parity symbol's number and
//! y(b) = 64 + the source symbol's, c(b) = 2 for the second half of the block, else 1; see
//! docs/PROTOCOL.md, "Parity of a cast". Elements of its inverse are products of such sums, so they
//! are found as logarithms. Source: Knuth, The Art of Computer Programming 1, 1.2.3, exercise 41.

use reed_solomon_simd::engine::tables::get_exp_log;
use reed_solomon_simd::engine::{DefaultEngine, Engine as _, GF_MODULUS};

/// Elements of one piece of a symbol: its 32 low bytes, then its 32 high ones.
type Piece = [u8; 64];
const HALF_PIECE: usize = 32;
/// Numbers of source symbols come after those of parity symbols.
const FIRST_SOURCE: u16 = 64;
const SECOND_HALF: u16 = 128;

/// The symbols `missing`, one after the other: as many unknowns as there are equations, whose right
/// sides, what is left of the parity symbols `have`, lie in `rest`.
pub fn solve(missing: &[u8], have: &[u8], rest: &[u8], size: usize) -> Vec<u8> {
    let engine = DefaultEngine::new();
    let sources: Vec<u16> = missing.iter().map(|&i| FIRST_SOURCE + u16::from(i)).collect();
    let parities: Vec<u16> = have.iter().map(|&j| u16::from(j)).collect();
    let of_parities: Vec<u32> = parities.iter().map(|&j| factor(j, &sources, &parities)).collect();
    let rest: Vec<Vec<Piece>> = rest.chunks_exact(size).map(pieces).collect();
    let mut term = vec![[0; 64]; size.div_ceil(64)];
    let mut output = Vec::with_capacity(missing.len() * size);
    for &source in &sources {
        let column = if source < SECOND_HALF { 0 } else { log(2) };
        let of_source = factor(source, &parities, &sources) + MODULUS - column;
        let mut sum = vec![[0; 64]; term.len()];
        for ((&parity, of_parity), rest) in parities.iter().zip(&of_parities).zip(&rest) {
            term.copy_from_slice(rest);
            let element = (of_source + of_parity + MODULUS - log(parity ^ source)) % MODULUS;
            engine.mul(&mut term, u16::try_from(element).unwrap_or(GF_MODULUS));
            add(&mut sum, &term);
        }
        push_symbol(&mut output, &sum, size);
    }
    output
}

const MODULUS: u32 = GF_MODULUS as u32;

fn log(number: u16) -> u32 {
    get_exp_log().log[usize::from(number)].into()
}

/// Logarithm of what one row or column brings to all its elements: its sums with the other side,
/// over its sums with its own.
fn factor(number: u16, other_side: &[u16], own_side: &[u16]) -> u32 {
    let over: u32 = other_side.iter().map(|&other| log(number ^ other)).sum();
    let own = own_side.iter().filter(|&&own| own != number);
    let under: u32 = own.map(|&own| log(number ^ own)).sum();
    (over % MODULUS + MODULUS - under % MODULUS) % MODULUS
}

fn add(sum: &mut [Piece], term: &[Piece]) {
    let bytes = sum.as_flattened_mut().iter_mut().zip(term.as_flattened());
    bytes.for_each(|(sum, term)| *sum ^= term);
}

/// The last piece of a symbol may be shorter: the low bytes of its elements, then the high ones.
fn pieces(symbol: &[u8]) -> Vec<Piece> {
    let (whole, tail) = symbol.as_chunks::<64>();
    let mut pieces = whole.to_vec();
    if !tail.is_empty() {
        let (low, high) = tail.split_at(tail.len() / 2);
        let mut last = [0; 64];
        last[..low.len()].copy_from_slice(low);
        last[HALF_PIECE..][..high.len()].copy_from_slice(high);
        pieces.push(last);
    }
    pieces
}

fn push_symbol(output: &mut Vec<u8>, pieces: &[Piece], size: usize) {
    let (whole, half) = (size / 64, size % 64 / 2);
    output.extend_from_slice(pieces[..whole].as_flattened());
    if half > 0 {
        output.extend_from_slice(&pieces[whole][..half]);
        output.extend_from_slice(&pieces[whole][HALF_PIECE..][..half]);
    }
}

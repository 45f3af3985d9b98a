//! How long does a block's parity take, and how long do its missing symbols? Microseconds a block.
#![expect(clippy::print_stdout, reason = "a program that prints figures")]

use mp2p_crypto::parity::{BLOCK_SYMBOLS, PARITY_SYMBOLS, parity, restore};
use std::time::Instant;

const ROUNDS: u32 = 200;

fn main() -> Result<(), mp2p_crypto::SizeError> {
    for size in [1160, 1432, 8932] {
        let mut block: Vec<u8> = (0..=250).cycle().take(BLOCK_SYMBOLS * size).collect();
        let mut all = vec![0; PARITY_SYMBOLS * size];
        let started = Instant::now();
        for _ in 0..ROUNDS {
            parity(&block, &mut all)?;
        }
        println!("symbols of {size} bytes: parity {:.0} us", micros(started));
        for count in [1u8, 2, 4, 8, 16, 32, 40, 41, 64] {
            let missing: Vec<u8> = (0..count).map(|i| i * 2).collect();
            let have: Vec<u8> = (0..count).collect();
            let parity = &all[..usize::from(count) * size];
            let started = Instant::now();
            for _ in 0..ROUNDS {
                restore(&mut block, &missing, &have, parity)?;
            }
            println!("  {count} missing: {:.0} us", micros(started));
        }
    }
    Ok(())
}

fn micros(started: Instant) -> f64 {
    started.elapsed().as_secs_f64() * 1e6 / f64::from(ROUNDS)
}

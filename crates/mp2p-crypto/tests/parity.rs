//! Any 128 of a block's 192 symbols restore it.

use mp2p_crypto::parity::{BLOCK_SYMBOLS, PARITY_SYMBOLS, parity, restore};
use proptest::prelude::*;

fn block(seed: u64, size: usize) -> Vec<u8> {
    let mut state = seed | 1;
    let mut next = move || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state.to_be_bytes()[0]
    };
    (0..BLOCK_SYMBOLS * size).map(|_| next()).collect()
}

fn take(symbols: &[u8], size: usize, numbers: &[u8]) -> Vec<u8> {
    numbers.iter().flat_map(|&n| &symbols[usize::from(n) * size..][..size]).copied().collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn missing_symbols_come_back(
        seed: u64,
        half in 1usize..100,
        missing in prop::sample::subsequence((0u8..128).collect::<Vec<_>>(), 0..=64),
        have in Just((0u8..64).collect::<Vec<_>>()).prop_shuffle(),
        spare in 0usize..3,
    ) {
        let size = 2 * half;
        let block = block(seed, size);
        let mut all = vec![0xaa; PARITY_SYMBOLS * size];
        parity(&block, &mut all)?;
        let have = &have[..(missing.len() + spare).min(PARITY_SYMBOLS)];
        let mut damaged = block.clone();
        for &number in &missing {
            damaged[usize::from(number) * size..][..size].fill(0xaa);
        }
        restore(&mut damaged, &missing, have, &take(&all, size, have))?;
        prop_assert_eq!(damaged, block);
    }
}

#[test]
fn arguments_of_another_shape_are_refused() {
    let size = 4;
    let whole = block(1, size);
    for bytes in [0, 1, 128, 127 * size, whole.len() - 1, 3 * 128] {
        let mut room = vec![0; bytes / 2];
        assert!(parity(&vec![0; bytes], &mut room).is_err(), "{bytes} bytes");
    }
    assert!(parity(&whole, &mut vec![0; PARITY_SYMBOLS * size - 1]).is_err());
    let none: &[u8] = &[];
    for (missing, have, parity_symbols) in [
        (&[3, 2][..], &[0, 1][..], 2),
        (&[2, 2], &[0, 1], 2),
        (&[128], &[0], 1),
        (&[1], &[64], 1),
        (&[1], &[5, 5], 2),
        (&[1, 2], &[5], 1),
        (&[1], none, 0),
        (&[1], &[5], 2),
    ] {
        let mut kept = whole.clone();
        let refused = restore(&mut kept, missing, have, &vec![0; parity_symbols * size]);
        assert!(refused.is_err(), "{missing:?} {have:?} {parity_symbols}");
        assert_eq!(kept, whole);
    }
    assert_eq!(restore(&mut whole.clone(), none, none, none), Ok(()));
}

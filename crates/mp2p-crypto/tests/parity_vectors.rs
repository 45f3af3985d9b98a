//! The parity code against vectors of a second implementation, written from docs/PROTOCOL.md.

use mp2p_crypto::parity::{parity, restore};
use serde_json::Value;
use std::{error::Error, fs, path::Path};

#[test]
fn parity_and_restored_symbols_are_those_of_the_formula() -> Result<(), Box<dyn Error>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../__test__/vectors/parity.json");
    let vectors: Value = serde_json::from_str(&fs::read_to_string(path)?)?;
    let blocks = vectors["blocks"].as_array().ok_or("blocks")?;
    assert!(blocks.len() >= 5);
    for vector in blocks {
        let size = usize::try_from(vector["symbolBytes"].as_u64().ok_or("symbolBytes")?)?;
        let block = bytes(&vector["block"])?;
        let wanted = bytes(&vector["parity"])?;
        let mut made = vec![0xee; wanted.len()];
        parity(&block, &mut made)?;
        assert_eq!(made, wanted, "symbols of {size} bytes");
        for case in vector["erasures"].as_array().ok_or("erasures")? {
            let (missing, have) = (numbers(&case["missing"])?, numbers(&case["have"])?);
            let symbol = |of: &[u8], number: u8| of[usize::from(number) * size..][..size].to_vec();
            let at_hand: Vec<u8> = have.iter().flat_map(|&j| symbol(&wanted, j)).collect();
            let mut damaged = block.clone();
            for &number in &missing {
                damaged[usize::from(number) * size..][..size].fill(0xee);
            }
            restore(&mut damaged, &missing, &have, &at_hand)?;
            assert_eq!(damaged, block, "{missing:?}");
        }
    }
    Ok(())
}

fn bytes(hex: &Value) -> Result<Vec<u8>, Box<dyn Error>> {
    let hex = hex.as_str().ok_or("hex")?;
    let bytes = (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16));
    Ok(bytes.collect::<Result<_, _>>()?)
}

fn numbers(list: &Value) -> Result<Vec<u8>, Box<dyn Error>> {
    let list = list.as_array().ok_or("a list")?;
    list.iter().map(|n| Ok(u8::try_from(n.as_u64().ok_or("a number")?)?)).collect()
}

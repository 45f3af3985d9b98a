//! X25519 (RFC 7748) and Ed25519 (RFC 8032), the latter verified strictly.

use crate::{SizeError, fast_curve, sized};
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
    if fast_curve::available() {
        return Ok(fast_curve::public_key(&secret));
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
    if fast_curve::available() {
        return Ok(fast_curve::agree(&secret, &peer));
    }
    let shared = StaticSecret::from(*secret).diffie_hellman(&PublicKey::from(peer));
    Ok(shared.was_contributory().then(|| shared.to_bytes()))
}

/// # Errors
///
/// `seed` is not 32 bytes.
pub fn ed25519_public_key(seed: &[u8]) -> Result<[u8; KEY_BYTES], SizeError> {
    let seed = secret_bytes(seed, "Ed25519 seed")?;
    let fast = fast_curve::available().then(|| fast_curve::ed25519_public_key(&seed)).flatten();
    Ok(fast.unwrap_or_else(|| SigningKey::from_bytes(&seed).verifying_key().to_bytes()))
}

/// # Errors
///
/// `seed` is not 32 bytes.
pub fn ed25519_sign(seed: &[u8], message: &[u8]) -> Result<[u8; SIGNATURE_BYTES], SizeError> {
    let seed = secret_bytes(seed, "Ed25519 seed")?;
    let fast = fast_curve::available().then(|| fast_curve::ed25519_sign(&seed, message)).flatten();
    Ok(fast.unwrap_or_else(|| SigningKey::from_bytes(&seed).sign(message).to_bytes()))
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
    // libsodium refuses y >= p (ge25519_is_canonical); dalek decodes it.
    if !is_canonical(&public_key) {
        return Ok(false);
    }
    if fast_curve::available() {
        let small = has_small_order(&public_key) || has_small_order(&signature[..KEY_BYTES]);
        return Ok(!small && fast_curve::ed25519_verify(&public_key, message, &signature));
    }
    let Ok(key) = VerifyingKey::from_bytes(&public_key) else { return Ok(false) };
    Ok(key.verify_strict(message, &Signature::from_bytes(&signature)).is_ok())
}

/// Whether the y coordinate is below 2^255 - 19.
fn is_canonical(point: &[u8; KEY_BYTES]) -> bool {
    let top = point[31] & 0x7f;
    top != 0x7f || point[1..31].iter().any(|&byte| byte != 0xff) || point[0] < 0xed
}

/// The y coordinates, below 2^255 - 19, of the eight points of small order: 0, 1, -1 and those of order 8.
const SMALL_ORDER: [[u8; KEY_BYTES]; 5] = [
    [0; 32],
    [
        1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        0, 0,
    ],
    *b"\xec\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\
       \xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
    *b"\x26\xe8\x95\x8f\xc2\xb2\x27\xb0\x45\xc3\xf4\x89\xf2\xef\x98\xf0\
       \xd5\xdf\xac\x05\xd3\xc6\x33\x39\xb1\x38\x02\x88\x6d\x53\xfc\x05",
    *b"\xc7\x17\x6a\x70\x3d\x4d\xd8\x4f\xba\x3c\x0b\x76\x0d\x10\x67\x0f\
       \x2a\x20\x53\xfa\x2c\x39\xcc\xc6\x4e\xc7\xfd\x77\x92\xac\x03\x7a",
];

/// Whether a canonical encoding is that of a point of small order, whatever the sign of x says.
fn has_small_order(point: &[u8]) -> bool {
    let same = |y: &[u8; KEY_BYTES]| point[..31] == y[..31] && point[31] & 0x7f == y[31];
    SMALL_ORDER.iter().any(same)
}

fn secret_bytes(bytes: &[u8], name: &'static str) -> Result<Zeroizing<[u8; KEY_BYTES]>, SizeError> {
    sized::<KEY_BYTES>(bytes, name, KEY).map(Zeroizing::new)
}

#[cfg(test)]
mod tests {
    use super::*;
    use curve25519_dalek::{EdwardsPoint, Scalar, constants::EIGHT_TORSION};
    use proptest::prelude::*;

    /// What `x25519` says without assembly.
    fn slow_agree(secret: [u8; 32], peer: [u8; 32]) -> Option<[u8; 32]> {
        let shared = StaticSecret::from(secret).diffie_hellman(&PublicKey::from(peer));
        shared.was_contributory().then(|| shared.to_bytes())
    }

    /// What `ed25519_verify` says without assembly.
    fn slow_verify(public_key: [u8; 32], message: &[u8], signature: [u8; 64]) -> bool {
        let strict = |key: VerifyingKey| {
            key.verify_strict(message, &Signature::from_bytes(&signature)).is_ok()
        };
        is_canonical(&public_key) && VerifyingKey::from_bytes(&public_key).is_ok_and(strict)
    }

    /// 32 bytes near the ends of the field, with any top bit.
    fn edge() -> impl Strategy<Value = [u8; 32]> {
        (any::<u8>(), any::<bool>(), any::<u8>()).prop_map(|(first, fill, top)| {
            let mut point = [if fill { 0xff } else { 0 }; 32];
            (point[0], point[31]) = (first, top);
            point
        })
    }

    /// A signature of nothing whose key and R each have a part of small order: right where the two cancel out.
    fn of_mixed_order(
        seed: [u8; 32],
        nonce: [u8; 32],
        torsion: (usize, usize),
    ) -> ([u8; 32], [u8; 64]) {
        let secret = Scalar::from_bytes_mod_order(seed);
        let nonce = Scalar::from_bytes_mod_order(nonce);
        let key = EdwardsPoint::mul_base(&secret) + EIGHT_TORSION[torsion.0 % 8];
        let commitment = EdwardsPoint::mul_base(&nonce) + EIGHT_TORSION[torsion.1 % 8];
        let (key, commitment) = (key.compress().to_bytes(), commitment.compress().to_bytes());
        let digest = crate::hash::sha512(&[commitment, key].concat());
        let proof = nonce + Scalar::from_bytes_mod_order_wide(&digest) * secret;
        let mut signature = [0; 64];
        signature[..32].copy_from_slice(&commitment);
        signature[32..].copy_from_slice(proof.as_bytes());
        (key, signature)
    }

    #[test]
    fn the_list_of_small_orders_is_complete() {
        for point in EIGHT_TORSION {
            assert!(has_small_order(point.compress().as_bytes()));
        }
        assert!(!has_small_order(EdwardsPoint::mul_base(&Scalar::ONE).compress().as_bytes()));
    }

    #[test]
    fn disputed_signatures_are_judged_as_by_dalek() -> Result<(), SizeError> {
        let mut accepted = 0;
        for number in 0_u16..640 {
            let random = crate::hash::sha512(&number.to_be_bytes());
            let (seed, nonce) = random.split_at(32);
            let torsion = (usize::from(number) % 8, usize::from(number) / 8 % 8);
            let (key, signature) =
                of_mixed_order(sized(seed, "", "")?, sized(nonce, "", "")?, torsion);
            let right = ed25519_verify(&key, &[], &signature)?;
            assert_eq!(right, slow_verify(key, &[], signature), "{number}");
            accepted += u16::from(right);
        }
        assert!((20..160).contains(&accepted), "{accepted} accepted");
        Ok(())
    }

    proptest! {
        #[test]
        fn agreement_is_that_of_dalek(secret: [u8; 32], peer: [u8; 32], edge in edge()) {
            for peer in [peer, edge] {
                prop_assert_eq!(x25519(&secret, &peer)?, slow_agree(secret, peer));
            }
            let public = PublicKey::from(&StaticSecret::from(secret));
            prop_assert_eq!(x25519_public_key(&secret)?, public.to_bytes());
        }

        #[test]
        fn signatures_are_those_of_dalek(seed: [u8; 32], message: Vec<u8>) {
            let key = SigningKey::from_bytes(&seed);
            prop_assert_eq!(ed25519_public_key(&seed)?, key.verifying_key().to_bytes());
            prop_assert_eq!(ed25519_sign(&seed, &message)?, key.sign(&message).to_bytes());
        }

        #[test]
        fn a_signature_with_a_flipped_bit_is_refused_as_by_dalek(
            seed: [u8; 32], message: [u8; 40], bit in 0_usize..768,
        ) {
            let mut key = ed25519_public_key(&seed)?;
            let mut signature = ed25519_sign(&seed, &message)?;
            prop_assert!(ed25519_verify(&key, &message, &signature)?);
            if bit < 256 { key[bit / 8] ^= 1 << (bit % 8) }
            else { signature[bit / 8 - 32] ^= 1 << (bit % 8) }
            prop_assert!(!ed25519_verify(&key, &message, &signature)?);
            prop_assert!(!slow_verify(key, &message, signature));
        }

        /// Keys, R and S at the ends of their ranges, some of small order.
        #[test]
        fn edges_are_judged_as_by_dalek(key in edge(), r in edge(), s in edge(), message: Vec<u8>) {
            let mut signature = [0; 64];
            signature[..32].copy_from_slice(&r);
            for s in [s, [0; 32]] {
                signature[32..].copy_from_slice(&s);
                let expected = slow_verify(key, &message, signature);
                prop_assert_eq!(ed25519_verify(&key, &message, &signature)?, expected);
            }
        }
    }
}

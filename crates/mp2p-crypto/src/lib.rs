//! The cryptography of mp2p: primitives, protection of data packets, the replay window.
//!
//! No socket, no clock, no unsafe code. Byte tables: docs/PROTOCOL.md, "Packets".
#![forbid(unsafe_code)]

mod cauchy;
pub mod curve;
mod fast_curve;
pub mod hash;
pub mod noise;
pub mod packet;
pub mod parity;
pub mod single;
pub mod train;
pub mod window;

use ring::rand::SecureRandom;

/// Fills `bytes` from the system's generator.
///
/// # Errors
///
/// The system has no randomness to give; nothing can be done without it.
pub fn randomize(bytes: &mut [u8]) -> Result<(), NoRandomness> {
    ring::rand::SystemRandom::new().fill(bytes).map_err(|_| NoRandomness)
}

#[derive(Debug, thiserror::Error)]
#[error("the system's random number generator failed")]
pub struct NoRandomness;

/// An argument of the wrong size: the caller's mistake, never the peer's.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name} must be {expected}")]
pub struct SizeError {
    pub name: &'static str,
    pub expected: &'static str,
}

/// Reads an argument of fixed size.
pub(crate) fn sized<const N: usize>(
    bytes: &[u8],
    name: &'static str,
    expected: &'static str,
) -> Result<[u8; N], SizeError> {
    bytes.try_into().map_err(|_| SizeError { name, expected })
}

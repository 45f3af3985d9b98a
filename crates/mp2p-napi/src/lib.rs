//! The addon: argument checks and conversions, no decisions. Its one user is src/backend/native/.
//!
//! Nothing is compiled for tests: napi-derive exports only into Node, where its tests run too
//! (`__test__/`).
#![cfg_attr(
    not(test),
    expect(
        clippy::needless_pass_by_value,
        clippy::too_many_arguments,
        clippy::trivially_copy_pass_by_ref,
        reason = "what crosses to JavaScript is passed as napi passes it, and flat, for speed"
    )
)]

#[cfg(not(test))]
mod error;
#[cfg(not(test))]
mod open_sockets;
#[cfg(not(test))]
mod primitives;
#[cfg(not(test))]
mod raw;
#[cfg(not(test))]
mod socket;

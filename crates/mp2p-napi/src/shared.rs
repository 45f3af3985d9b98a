//! The one place with unsafe code outside mp2p-net: memory shared with JavaScript.
//!
//! napi has no safe way to give JavaScript memory that Rust goes on writing, and copying every
//! received byte into JavaScript's own would cost a third of the throughput.

use crate::error::Result;
use mp2p_net::{Layout, Region};
use napi::bindgen_prelude::ArrayBuffer;
use napi::{Env, Error};
use std::sync::Arc;

/// The region as an `ArrayBuffer`; it lives until both the socket and the buffer are gone.
pub fn expose<'env>(env: &'env Env, region: &Arc<Region>) -> Result<ArrayBuffer<'env>> {
    let owner = region.clone();
    // SAFETY: the region is TOTAL_BYTES long and stays put until its last owner, of which the
    // buffer's finalizer holds one, is dropped. Rust makes slices only of slabs that JavaScript
    // was told nothing about (`Region::slab`), and `ArrayBuffer::data` is not used here.
    let buffer = unsafe {
        ArrayBuffer::from_external(env, region.as_ptr(), Layout::TOTAL_BYTES, owner, |_, owner| {
            drop(owner);
        })
    };
    buffer.map_err(|error| Error::new("MP2P_SOCKET", error.reason.to_string()))
}

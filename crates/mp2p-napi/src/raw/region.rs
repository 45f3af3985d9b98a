//! Memory that Rust writes and JavaScript reads. Copying every received byte into JavaScript's own
//! instead would cost a third of the throughput.

use crate::error::{Result, napi_error};
use mp2p_net::{Layout, Region};
use napi::Env;
use napi::bindgen_prelude::ArrayBuffer;
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
    buffer.map_err(|error| napi_error(&error))
}

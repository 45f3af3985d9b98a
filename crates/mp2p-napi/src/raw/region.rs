//! Memory that Rust writes and JavaScript reads. Copying every received byte into JavaScript's own
//! instead would cost a third of the throughput.

use crate::error::{Result, napi_error};
use mp2p_net::{Layout, Region};
use napi::Env;
use napi::bindgen_prelude::ArrayBuffer;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

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

/// Whether memory can be shared at all: where V8 takes none from outside (Electron), napi-rs hands
/// over a copy, which never shows what is received.
pub fn can_expose(env: &Env) -> napi::Result<bool> {
    static SHARED: AtomicU64 = AtomicU64::new(0);
    let bytes = SHARED.as_ptr().cast::<u8>();
    // SAFETY: a static of eight bytes, which is there for ever and which nobody writes.
    let buffer =
        unsafe { ArrayBuffer::from_external(env, bytes, size_of::<u64>(), (), |_, ()| {}) }?;
    Ok(std::ptr::eq(buffer.as_ptr(), bytes))
}

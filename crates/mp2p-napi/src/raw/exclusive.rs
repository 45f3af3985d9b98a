use napi::bindgen_prelude::Uint8ArraySlice;

/// The bytes of an argument that a call changes in place; `None` where others lie in the same memory.
pub fn exclusive<'a>(changed: &'a mut Uint8ArraySlice, others: &[&[u8]]) -> Option<&'a mut [u8]> {
    let own = changed.as_ref().as_ptr_range();
    let shares = |other: &&[u8]| {
        let range = other.as_ptr_range();
        range.start < own.end && own.start < range.end
    };
    if others.iter().any(shares) {
        return None;
    }
    // SAFETY: JavaScript does not run during the call, so nobody else reads or writes these bytes
    // meanwhile: not the other arguments either, as was just seen.
    Some(unsafe { changed.as_mut() })
}

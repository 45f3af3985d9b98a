//! Memory that the receive thread writes and JavaScript reads: allocated once per socket, never
//! moved, zero until touched.

use std::io;
use std::ptr::NonNull;
use std::sync::Arc;

/// Where what lies in the region, in bytes; src/backend/native/socket.ts makes its views by it.
pub struct Layout;

impl Layout {
    /// Slabs of sealed data; one more after them serves plain datagrams.
    pub const SLABS: usize = 8;
    pub const PLAIN_SLAB: usize = Self::SLABS;
    pub const SLAB_BYTES: usize = 512 << 10;
    pub const ROWS: usize = 1024;
    pub const ROW_NUMBERS: usize = 13;
    pub const CONTROL_BYTES: usize = 4096;
    const TABLE_BYTES: usize = Self::ROWS * Self::ROW_NUMBERS * size_of::<f64>();
    const TABLES_AT: usize = Self::CONTROL_BYTES + (Self::SLABS + 1) * Self::SLAB_BYTES;
    pub const TOTAL_BYTES: usize = Self::TABLES_AT + (Self::SLABS + 1) * Self::TABLE_BYTES;

    pub const fn slab_at(slab: usize) -> usize {
        Self::CONTROL_BYTES + slab * Self::SLAB_BYTES
    }

    pub const fn table_at(slab: usize) -> usize {
        Self::TABLES_AT + slab * Self::TABLE_BYTES
    }
}

/// Numbers of the control block, through which results reach JavaScript without an object.
pub struct CONTROL;

impl CONTROL {
    pub const FIRST_PACKET: usize = 0;
    pub const PACKETS: usize = 1;
    pub const TOO_BIG: usize = 2;
    pub const SLAB: usize = 3;
    pub const ROW_COUNT: usize = 4;
    pub const STRANGERS: usize = 5;
    const NUMBERS: usize = 6;
}

pub struct Region {
    start: NonNull<u8>,
}

// SAFETY: the region is plain memory; who may touch which part is the rule of `slab` and `set`.
unsafe impl Send for Region {}
// SAFETY: as above; `Region` itself has no state that changes.
unsafe impl Sync for Region {}

impl Region {
    /// # Errors
    ///
    /// The system has no memory left.
    pub fn new() -> io::Result<Arc<Self>> {
        Ok(Arc::new(Self { start: allocate()? }))
    }

    pub fn as_ptr(&self) -> *mut u8 {
        self.start.as_ptr()
    }

    /// The bytes and the row table of one slab.
    ///
    /// # Safety
    ///
    /// The caller holds the slab alone: no other slice of it lives, and JavaScript was not told
    /// of its present contents. [`crate::pool::Pool`] hands slabs round.
    ///
    /// # Panics
    ///
    /// There is no such slab.
    #[expect(clippy::mut_from_ref, reason = "exclusive by the caller's promise")]
    pub unsafe fn slab(&self, slab: usize) -> (&mut [u8], &mut [f64]) {
        const { assert!(Layout::table_at(0).is_multiple_of(align_of::<f64>())) };
        assert!(slab <= Layout::PLAIN_SLAB);
        // SAFETY: both ranges lie within the region, are zeroed or written before, apart from
        // each other and all other slabs; the table is aligned as asserted, pages being more.
        unsafe {
            let bytes = self.start.add(Layout::slab_at(slab));
            let table = self.start.add(Layout::table_at(slab)).cast::<f64>();
            (
                std::slice::from_raw_parts_mut(bytes.as_ptr(), Layout::SLAB_BYTES),
                std::slice::from_raw_parts_mut(table.as_ptr(), Layout::ROWS * Layout::ROW_NUMBERS),
            )
        }
    }

    /// Writes a number of the control block; called on the JavaScript thread only.
    ///
    /// # Panics
    ///
    /// There is no such number.
    pub fn set(&self, number: usize, value: f64) {
        assert!(number < CONTROL::NUMBERS);
        // SAFETY: the control block begins the region, page-aligned, and no slice covers it.
        unsafe { self.start.cast::<f64>().add(number).write(value) };
    }

    #[cfg(test)]
    pub(crate) fn get(&self, number: usize) -> f64 {
        assert!(number < CONTROL::NUMBERS);
        // SAFETY: as in `set`.
        unsafe { self.start.cast::<f64>().add(number).read() }
    }
}

#[cfg(unix)]
fn allocate() -> io::Result<NonNull<u8>> {
    let access = libc::PROT_READ | libc::PROT_WRITE;
    let kind = libc::MAP_PRIVATE | libc::MAP_ANON;
    // SAFETY: a fresh anonymous mapping touches no memory that exists.
    let start =
        unsafe { libc::mmap(std::ptr::null_mut(), Layout::TOTAL_BYTES, access, kind, -1, 0) };
    if start == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    NonNull::new(start.cast()).ok_or_else(|| io::ErrorKind::OutOfMemory.into())
}

#[cfg(unix)]
impl Drop for Region {
    fn drop(&mut self) {
        // SAFETY: mapped by `allocate` with this length; the last owner is gone.
        unsafe { libc::munmap(self.start.as_ptr().cast(), Layout::TOTAL_BYTES) };
    }
}

#[cfg(not(unix))]
const HEAP: std::alloc::Layout = match std::alloc::Layout::from_size_align(Layout::TOTAL_BYTES, 16)
{
    Ok(layout) => layout,
    Err(_) => panic!("a valid layout"),
};

#[cfg(not(unix))]
fn allocate() -> io::Result<NonNull<u8>> {
    // SAFETY: the layout is not empty.
    let start = unsafe { std::alloc::alloc_zeroed(HEAP) };
    NonNull::new(start).ok_or_else(|| io::ErrorKind::OutOfMemory.into())
}

#[cfg(not(unix))]
impl Drop for Region {
    fn drop(&mut self) {
        // SAFETY: allocated by `allocate` with this layout; the last owner is gone.
        unsafe { std::alloc::dealloc(self.start.as_ptr(), HEAP) };
    }
}

//! Ancillary data of sendmsg and recvmsg: aligned, bounded, read and written in one place.

use libc::{c_int, c_void, cmsghdr, msghdr};

/// Room for every report a socket of ours asks for, with some to spare.
const CONTROL_BYTES: usize = 192;

#[repr(align(8))]
struct Aligned([u8; CONTROL_BYTES]);

pub struct Control {
    bytes: Aligned,
    /// Bytes of `put` values.
    used: usize,
}

const _: () = assert!(align_of::<Aligned>() >= align_of::<cmsghdr>());

impl Control {
    pub const fn new() -> Self {
        Self { bytes: Aligned([0; CONTROL_BYTES]), used: 0 }
    }

    /// Makes `message` use this buffer, for receiving.
    pub fn attach(&mut self, message: &mut msghdr) {
        message.msg_control = self.bytes.0.as_mut_ptr().cast();
        // The field is size_t on Linux with glibc, socklen_t elsewhere.
        message.msg_controllen = CONTROL_BYTES as _;
    }

    /// Puts one more value into the buffer and attaches it, for sending.
    ///
    /// # Panics
    ///
    /// Where the values do not fit.
    pub fn put<T: Copy>(&mut self, message: &mut msghdr, level: c_int, kind: c_int, value: T) {
        // SAFETY: computes a size, touches no memory.
        let (space, length) = unsafe {
            let size = u32::try_from(size_of::<T>()).unwrap_or(u32::MAX / 2);
            (libc::CMSG_SPACE(size) as usize, libc::CMSG_LEN(size))
        };
        let at = self.used;
        assert!(space <= CONTROL_BYTES - at, "ancillary data fit their buffer");
        self.used += space;
        self.attach(message);
        message.msg_controllen = self.used as _;
        // SAFETY: the buffer is aligned for headers, as is `at`, a sum of CMSG_SPACEs; the header
        // and its data, `space` bytes, lie within the buffer as asserted.
        unsafe {
            let header = (&raw mut self.bytes).cast::<cmsghdr>().byte_add(at);
            (*header).cmsg_level = level;
            (*header).cmsg_type = kind;
            (*header).cmsg_len = length as _;
            libc::CMSG_DATA(header).cast::<T>().write_unaligned(value);
        }
    }
}

/// Calls `each` with level, kind and data of every report the kernel wrote.
pub fn reports(message: &msghdr, mut each: impl FnMut(c_int, c_int, &Report)) {
    // SAFETY: the kernel filled `message`, whose control buffer outlives this borrow.
    let mut header = unsafe { libc::CMSG_FIRSTHDR(message) };
    while !header.is_null() {
        // SAFETY: CMSG_FIRSTHDR and CMSG_NXTHDR give null or a whole header inside the buffer.
        let (level, kind, data, length) = unsafe {
            let length = ((*header).cmsg_len as usize).saturating_sub(libc::CMSG_LEN(0) as usize);
            ((*header).cmsg_level, (*header).cmsg_type, libc::CMSG_DATA(header), length)
        };
        each(level, kind, &Report { data: data.cast(), length });
        // SAFETY: as above.
        header = unsafe { libc::CMSG_NXTHDR(message, header) };
    }
}

pub struct Report {
    data: *const c_void,
    length: usize,
}

impl Report {
    /// The value, where the kernel wrote that many bytes; `IP_TOS` comes as one byte or four.
    pub fn read_int(&self) -> c_int {
        if self.length >= size_of::<c_int>() {
            // SAFETY: the kernel wrote at least that many bytes, of which any pattern is valid.
            unsafe { self.data.cast::<c_int>().read_unaligned() }
        } else if self.length >= 1 {
            // SAFETY: the kernel wrote at least this byte.
            c_int::from(unsafe { self.data.cast::<u8>().read() })
        } else {
            0
        }
    }

    /// A value of a plain C type, where the kernel wrote a whole one.
    ///
    /// # Safety
    ///
    /// Any pattern of bytes is a valid `T`.
    pub unsafe fn read<T>(&self) -> Option<T> {
        if self.length < size_of::<T>() {
            return None;
        }
        // SAFETY: the kernel wrote at least that many bytes; any pattern is valid by the promise.
        Some(unsafe { self.data.cast::<T>().read_unaligned() })
    }

    /// A timespec of the wall clock.
    #[cfg(target_os = "linux")]
    pub fn read_time(&self) -> Option<std::time::Duration> {
        // SAFETY: a timespec is two integers.
        let stamp = unsafe { self.read::<libc::timespec>() }?;
        let seconds = u64::try_from(stamp.tv_sec).ok()?;
        Some(std::time::Duration::new(seconds, u32::try_from(stamp.tv_nsec).ok()?))
    }
}

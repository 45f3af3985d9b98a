//! Ancillary data of sendmsg and recvmsg: aligned, bounded, read and written in one place.

use libc::{c_int, c_void, cmsghdr, msghdr};

/// Room for every report a socket of ours asks for, with some to spare.
const CONTROL_BYTES: usize = 192;

#[repr(align(8))]
pub struct Control([u8; CONTROL_BYTES]);

const _: () = assert!(align_of::<Control>() >= align_of::<cmsghdr>());

impl Control {
    pub const fn new() -> Self {
        Self([0; CONTROL_BYTES])
    }

    /// Makes `message` use this buffer, for receiving.
    pub fn attach(&mut self, message: &mut msghdr) {
        message.msg_control = self.0.as_mut_ptr().cast();
        // The field is size_t on Linux with glibc, socklen_t elsewhere.
        message.msg_controllen = CONTROL_BYTES as _;
    }

    /// Puts one value into the buffer and attaches it, for sending.
    #[cfg(target_os = "linux")]
    pub fn put<T: Copy>(&mut self, message: &mut msghdr, level: c_int, kind: c_int, value: T) {
        const { assert!(size_of::<T>() + 64 < CONTROL_BYTES) };
        self.attach(message);
        // SAFETY: computes a size, touches no memory.
        let (space, length) = unsafe {
            let size = u32::try_from(size_of::<T>()).unwrap_or(0);
            (libc::CMSG_SPACE(size), libc::CMSG_LEN(size))
        };
        message.msg_controllen = space as _;
        // SAFETY: the buffer is attached, aligned and by the assertion larger than one header
        // with a T, so the first header exists and its data have room for the value.
        unsafe {
            let header = libc::CMSG_FIRSTHDR(message);
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
            let length = (*header).cmsg_len as usize - libc::CMSG_LEN(0) as usize;
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

    /// A timespec of the wall clock.
    #[cfg(target_os = "linux")]
    pub fn read_time(&self) -> Option<std::time::Duration> {
        if self.length < size_of::<libc::timespec>() {
            return None;
        }
        // SAFETY: the kernel wrote a whole timespec, of which any pattern is valid.
        let stamp = unsafe { self.data.cast::<libc::timespec>().read_unaligned() };
        let seconds = u64::try_from(stamp.tv_sec).ok()?;
        Some(std::time::Duration::new(seconds, u32::try_from(stamp.tv_nsec).ok()?))
    }
}

//! The operating system, under the same names everywhere.
//!
//! What a system lacks is a value, not an error: see [`Capabilities`].

mod bind;
mod groups;
#[cfg(unix)]
#[path = "unix.rs"]
mod imp;
#[cfg(windows)]
#[path = "windows.rs"]
mod imp;
#[cfg(unix)]
mod message;

pub use bind::{Bind, JoinError};
pub use imp::{Readiness, Waker, interface_index, interface_name, is_loopback};

use std::net::{IpAddr, SocketAddr};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Linux before 6.9 takes 64 segments a call, and 64 is enough to fill a train at 1,024 bytes.
#[cfg(target_os = "linux")]
const MAX_SEGMENTS: usize = 64;

/// What this machine can do, found by trying.
#[derive(Clone, Copy, Debug)]
pub struct Capabilities {
    /// Packets that one send call can hand to the kernel.
    pub segments: usize,
    pub gro: bool,
    pub packet_info: bool,
    pub ecn: bool,
    pub groups: GroupCapabilities,
}

impl Capabilities {
    const NONE: Self = Self {
        segments: 1,
        gro: false,
        packet_info: false,
        ecn: false,
        groups: GroupCapabilities { multicast: false, source_specific: false, all: false },
    };
}

#[derive(Clone, Copy, Debug)]
pub struct GroupCapabilities {
    /// Groups can be joined.
    pub multicast: bool,
    /// For one source (RFC 4607).
    pub source_specific: bool,
    /// Groups that other programs joined stay away.
    pub all: bool,
}

static PROBED: LazyLock<Capabilities> = LazyLock::new(imp::probe);
static SEGMENTATION_FAILED: AtomicBool = AtomicBool::new(false);

/// As probed, and as learned since: one segment only once segmentation failed on some socket.
pub fn capabilities() -> Capabilities {
    let failed = SEGMENTATION_FAILED.load(Ordering::Relaxed);
    Capabilities { segments: if failed { 1 } else { PROBED.segments }, ..*PROBED }
}

/// What a new socket may try: another one's device may have failed where its own does not.
pub fn probed_segments() -> usize {
    PROBED.segments
}

pub fn report_no_segmentation() {
    SEGMENTATION_FAILED.store(true, Ordering::Relaxed);
}

/// How a datagram to a group leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Via {
    pub interface: u32,
    /// It carries hop limit 255, which shows that no router forwarded it.
    pub link_scope: bool,
    /// The interface is this machine's own.
    pub loopback: bool,
}

/// Where a datagram came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    pub to: IpAddr,
    pub interface: u32,
}

/// One receive call's worth: a datagram, or several of one size that the kernel joined.
#[derive(Debug)]
pub struct Received {
    pub length: usize,
    pub from: SocketAddr,
    /// Bytes of each datagram but the last.
    pub segment: usize,
    /// ECN bits of the IP header, 0 to 3.
    pub ecn: u8,
    /// Datagrams that the kernel dropped for lack of buffer since the last report.
    pub kernel_drops: usize,
    /// When it came in, on the clock of `now_ms`, by the kernel's stamp where there is one: a busy
    /// event loop does not look like a slow network.
    pub time: f64,
    /// `None` where the system does not say.
    pub arrival: Option<Arrival>,
}

/// What to wait for, besides the waker.
pub struct Watch {
    pub readable: bool,
    /// Bit i: wait until bind i is writable.
    pub writable: u32,
    pub limit: Option<Duration>,
}

impl Watch {
    fn is_awaited(&self, bind: usize) -> bool {
        u32::try_from(bind).ok().and_then(|bit| 1u32.checked_shl(bit)).unwrap_or(0) & self.writable
            != 0
    }
}

impl Received {
    pub fn packets(&self) -> usize {
        self.length.div_ceil(self.segment).max(1)
    }

    /// Start and length of each datagram, for a buffer that begins at `start`.
    pub fn segments(&self, start: usize) -> impl Iterator<Item = (usize, usize)> + use<> {
        let (length, segment) = (self.length, self.segment);
        (0..self.packets()).map(move |packet| {
            let at = packet * segment;
            (start + at, segment.min(length - at))
        })
    }
}

/// Why a send call took nothing.
#[derive(Debug, PartialEq, Eq)]
pub enum SendError {
    /// The socket is full: wait until it is writable.
    Full,
    /// The path refuses packets of this size.
    TooBig,
    /// The kernel cannot segment for this route; single packets may pass.
    Segmentation,
    /// No route, a refused or filtered packet, a full device queue: passing troubles, all of
    /// them, and for the sender a lost packet.
    Unreachable,
}

impl SendError {
    fn of(error: &std::io::Error, segmented: bool) -> Self {
        let Some(code) = error.raw_os_error() else { return Self::Unreachable };
        if error.kind() == std::io::ErrorKind::WouldBlock {
            return Self::Full;
        }
        if code == imp::EMSGSIZE {
            return Self::TooBig;
        }
        let refused = code == imp::EIO || code == imp::EINVAL;
        if refused && segmented { Self::Segmentation } else { Self::Unreachable }
    }

    /// The error that a call would see; none where the kernel would not fail this call so.
    pub fn injected(code: i32, segmented: bool) -> Option<Self> {
        let unsegmented_only = code == imp::EIO || code == imp::EINVAL;
        if unsegmented_only && !segmented {
            return None;
        }
        Some(Self::of(&std::io::Error::from_raw_os_error(code), segmented))
    }
}

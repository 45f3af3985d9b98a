//! When the event loop reads by itself and when the receive thread takes over.

use std::ops::AddAssign;
use std::time::{Duration, Instant};

/// What was read.
#[derive(Clone, Copy, Default)]
pub struct Load {
    pub bytes: usize,
    pub packets: usize,
}

/// More than this in one go and the event loop has better things to do: one full train, or a
/// flood of small packets. Source: bench/raw-backend.ts.
pub const LOOP_LOAD: Load = Load { bytes: 64 << 10, packets: 64 };
/// Less than this in one window, and the event loop reads again.
const QUIET_LOAD: Load = Load { bytes: 128 << 10, packets: 1000 };
const WINDOW: Duration = Duration::from_millis(10);

impl Load {
    pub fn exceeds(self, limit: Self) -> bool {
        self.bytes > limit.bytes || self.packets > limit.packets
    }
}

impl AddAssign for Load {
    fn add_assign(&mut self, other: Self) {
        self.bytes += other.bytes;
        self.packets += other.packets;
    }
}

/// The load of a stretch of time.
pub struct Window {
    started: Instant,
    pub load: Load,
}

impl Window {
    pub fn new() -> Self {
        Self { started: Instant::now(), load: Load::default() }
    }

    pub fn left(&self) -> Duration {
        WINDOW.saturating_sub(self.started.elapsed())
    }

    /// Whether a whole window has passed with little in it; begins the next one after each.
    pub fn ends_quiet(&mut self) -> bool {
        if !self.left().is_zero() {
            return false;
        }
        let quiet = !self.load.exceeds(QUIET_LOAD);
        *self = Self::new();
        quiet
    }
}

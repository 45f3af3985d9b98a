//! The clock of receive stamps: monotonic, the same for every socket of the process.

use std::sync::LazyLock;
use std::time::Instant;

static START: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Milliseconds since the first call in this process.
pub fn now_ms() -> f64 {
    START.elapsed().as_secs_f64() * 1e3
}

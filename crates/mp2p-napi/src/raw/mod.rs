//! What napi-rs has no safe form for, and the only unsafe code outside mp2p-net: memory that both
//! languages see, and a file descriptor watched by Node's own event loop.

mod exclusive;
mod region;
#[cfg(unix)]
mod watcher;

pub use exclusive::exclusive;
pub use region::{can_expose, expose};
#[cfg(unix)]
pub use watcher::{Watched, Watcher};

//! UDP for mp2p: socket options, segmented sends, a receive thread that opens sealed packets and
//! sorts strangers, and the shared memory in which it hands them over.
//!
//! The only crate with unsafe code, and that only in `sys` and `region`.

mod address;
mod bucket;
mod clock;
mod cookie_jar;
mod counters;
mod exchange;
#[cfg(all(test, unix))]
mod exchange_tests;
#[cfg(all(test, unix))]
mod flood_tests;
mod group_drops;
#[cfg(all(test, target_os = "linux"))]
mod group_tests;
mod load;
#[cfg(all(test, unix))]
mod loopback_tests;
mod membership;
mod number;
mod opener;
#[cfg(all(test, unix))]
mod opener_tests;
mod pool;
mod receiver;
mod region;
mod rows;
mod sender;
mod slots;
mod socket;
mod socket_groups;
mod source_windows;
mod stranger;
#[cfg(all(test, unix))]
mod symbol_tests;
mod sys;
#[cfg(all(test, unix))]
mod test_peer;

pub use clock::now_ms;
pub use counters::Totals;
pub use group_drops::Drops;
pub use number::count_to_f64;
pub use pool::Next;
pub use region::{CONTROL, Layout, Region};
pub use sender::{Plan, SendResult};
pub use socket::{SocketError, UdpEndpoint};
pub use socket_groups::{DropReport, GroupOptions};
pub use stranger::{Addressee, Limits};
pub use sys::{Bind, Capabilities, GroupCapabilities, Received, SendError, capabilities};

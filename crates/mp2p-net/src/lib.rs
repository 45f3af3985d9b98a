//! UDP for mp2p: socket options, segmented sends, a receive thread that opens sealed packets and
//! sorts strangers, and the shared memory in which it hands them over.
//!
//! The only crate with unsafe code, and that only in `sys` and `region`.

mod bucket;
mod clock;
mod counters;
mod load;
#[cfg(all(test, unix))]
mod loopback_tests;
mod number;
mod opener;
mod pool;
mod receiver;
mod region;
mod rows;
mod sender;
mod slots;
mod socket;
mod stranger;
mod sys;

pub use clock::now_ms;
pub use counters::Totals;
pub use number::count_to_f64;
pub use pool::Next;
pub use region::{CONTROL, Layout, Region};
pub use sender::{Plan, SendResult};
pub use socket::{SocketError, UdpEndpoint};
pub use stranger::{Addressee, Limits};
pub use sys::{Bind, Capabilities, Received, SendError, capabilities};

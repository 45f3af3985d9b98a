//! Totals of one socket, written by the sending thread and the receive thread alike.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

macro_rules! counters {
    ($($name:ident),* $(,)?) => {
        #[derive(Default)]
        pub struct Counters {
            $(pub $name: Counter,)*
        }

        /// A copy of all counters; meanings: `SocketCounters` in src/backend/port.ts.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct Totals {
            $(pub $name: u64,)*
        }

        impl Counters {
            pub fn totals(&self) -> Totals {
                Totals { $($name: self.$name.get(),)* }
            }
        }
    };
}

counters! {
    packets_sent,
    bytes_sent,
    packets_received,
    bytes_received,
    dropped_malformed,
    dropped_unknown,
    dropped_forged,
    dropped_replayed,
    dropped_strangers,
    dropped_limited,
    dropped_queue,
    cookies_sent,
    dropped_group,
    dropped_kernel,
    send_calls,
    receive_calls,
}

#[derive(Default)]
pub struct Counter(AtomicU64);

impl Counter {
    pub fn add(&self, count: usize) {
        self.0.fetch_add(count as u64, Relaxed);
    }

    pub fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

//! The addon: argument checks and conversions, no decisions. Its one user is src/backend/native/.

mod error;
mod open_sockets;
mod primitives;
mod raw;
mod socket;

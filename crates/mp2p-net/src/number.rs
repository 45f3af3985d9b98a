//! Conversions between the numbers of JavaScript and those of Rust.

/// Counts, offsets and packet numbers: exact up to 2^53, which none of them reaches.
#[expect(clippy::cast_precision_loss, reason = "every value here is below 2^53")]
pub fn count_to_f64(value: u64) -> f64 {
    value as f64
}

pub fn size_to_f64(value: usize) -> f64 {
    count_to_f64(value as u64)
}

/// A whole number of at most `limit`, or `None`.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "checked to be a whole number in range"
)]
pub fn whole(value: f64, limit: u64) -> Option<u64> {
    let whole = value as u64;
    (count_to_f64(whole).to_bits() == value.to_bits() && whole <= limit).then_some(whole)
}

pub fn whole_size(value: f64, limit: usize) -> Option<usize> {
    whole(value, limit as u64).and_then(|size| usize::try_from(size).ok())
}

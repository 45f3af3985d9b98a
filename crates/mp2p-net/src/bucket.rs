//! Token buckets over a time argument, alone and by source.

use std::collections::HashMap;
use std::hash::Hash;

/// Refills at `rate` tokens a second up to `burst`.
#[derive(Clone, Copy)]
pub struct Bucket {
    tokens: f64,
    at_ms: f64,
}

impl Bucket {
    pub fn full(burst: f64, now_ms: f64) -> Self {
        Self { tokens: burst, at_ms: now_ms }
    }

    /// Refills; whether a token is there.
    pub fn has(&mut self, rate: f64, burst: f64, now_ms: f64) -> bool {
        let gained = (now_ms - self.at_ms).max(0.0) * rate / 1e3;
        self.tokens = (self.tokens + gained).min(burst);
        self.at_ms = self.at_ms.max(now_ms);
        self.tokens >= 1.0
    }

    /// Takes the token that `has` saw.
    pub fn take(&mut self) {
        self.tokens -= 1.0;
    }
}

/// Buckets by source, of bounded number: the oldest half makes room when it is full.
pub struct Buckets<K> {
    young: HashMap<K, Bucket>,
    old: HashMap<K, Bucket>,
    half: usize,
}

impl<K: Eq + Hash + Clone> Buckets<K> {
    /// Holds `capacity / 2` to `capacity` of the sources seen last.
    pub fn new(capacity: usize) -> Self {
        Self { young: HashMap::new(), old: HashMap::new(), half: capacity / 2 }
    }

    pub fn bucket(&mut self, key: &K, burst: f64, now_ms: f64) -> &mut Bucket {
        if !self.young.contains_key(key) && self.young.len() >= self.half {
            self.old = std::mem::take(&mut self.young);
        }
        let old = &mut self.old;
        self.young
            .entry(key.clone())
            .or_insert_with(|| old.remove(key).unwrap_or_else(|| Bucket::full(burst, now_ms)))
    }

    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.young.len() + self.old.len()
    }
}

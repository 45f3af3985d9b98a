//! Sliding window over the packet numbers of one receive slot, after RFC 6479: a ring of 64-bit
//! words of which one is always ahead, so nothing is ever shifted.

const WORD_BITS: u64 = 64;
/// 1 KiB: enough for everything but a burst of loss or reordering at very high rate.
const SMALL_WORDS: usize = 128;
const LARGE_WORDS: usize = 1024;
/// A jump of this many packets says that the rate is worth the large window.
const GROWTH_JUMP: u64 = 4096;
/// Packets behind the newest that are still accepted, once grown.
pub const WINDOW_PACKETS: u64 = (LARGE_WORDS as u64 - 1) * WORD_BITS;

/// Remembers which packet numbers were seen; call it only with authenticated ones.
#[derive(Default)]
pub struct ReplayWindow {
    /// Empty until the first packet.
    words: Box<[u64]>,
    newest: u64,
}

impl ReplayWindow {
    /// Never small, and with nothing seen: everything within reach of `newest` is still fresh.
    pub fn large(newest: u64) -> Self {
        Self { words: vec![0; LARGE_WORDS].into(), newest }
    }

    pub fn newest(&self) -> u64 {
        self.newest
    }

    /// Marks `number` as seen; false where it was seen before or is too old to know.
    pub fn accept(&mut self, number: u64) -> bool {
        if self.words.is_empty() {
            self.words = vec![0; SMALL_WORDS].into();
            self.newest = number;
        }
        if number > self.newest {
            self.advance(number);
        } else if !self.covers(number) {
            return false;
        }
        let (word, bit) = self.locate(number);
        let seen = self.words[word] & bit != 0;
        self.words[word] |= bit;
        !seen
    }

    /// Bytes held on the heap.
    pub fn heap_bytes(&self) -> usize {
        size_of_val(&*self.words)
    }

    fn covers(&self, number: u64) -> bool {
        self.newest - number < (self.words.len() as u64 - 1) * WORD_BITS
    }

    fn advance(&mut self, number: u64) {
        if number - self.newest > GROWTH_JUMP && self.words.len() == SMALL_WORDS {
            self.grow();
        }
        let ring = self.words.len() as u64;
        let (first, last) = (self.newest / WORD_BITS + 1, number / WORD_BITS);
        let first = first.max((last + 1).saturating_sub(ring));
        for word in first..=last {
            self.words[index(word, ring)] = 0;
        }
        self.newest = number;
    }

    /// Moves the small ring into a large one. What the small one forgot counts as seen: it must
    /// not be accepted twice.
    fn grow(&mut self) {
        let mut words = vec![u64::MAX; LARGE_WORDS].into_boxed_slice();
        let (small, large) = (self.words.len() as u64, LARGE_WORDS as u64);
        let newest = self.newest / WORD_BITS;
        for word in newest.saturating_sub(small - 1)..=newest {
            words[index(word, large)] = self.words[index(word, small)];
        }
        self.words = words;
    }

    fn locate(&self, number: u64) -> (usize, u64) {
        (index(number / WORD_BITS, self.words.len() as u64), 1 << (number % WORD_BITS))
    }
}

fn index(word: u64, ring: u64) -> usize {
    usize::try_from(word % ring).expect("a ring is shorter than the address space")
}

#[cfg(test)]
mod tests {
    use super::{GROWTH_JUMP, ReplayWindow, SMALL_WORDS, WINDOW_PACKETS, WORD_BITS};
    use proptest::prelude::*;
    use std::collections::HashSet;

    const SMALL_PACKETS: u64 = (SMALL_WORDS as u64 - 1) * WORD_BITS;

    /// What the window must do, without any cleverness. Whatever the small window forgot stays
    /// forgotten after it grew, so the floor only rises.
    #[derive(Default)]
    struct Model {
        seen: HashSet<u64>,
        newest: Option<u64>,
        floor: u64,
        grown: bool,
    }

    impl Model {
        fn accept(&mut self, number: u64) -> bool {
            let before = *self.newest.get_or_insert(number);
            let newest = before.max(number);
            if number > before && number - before > GROWTH_JUMP && !self.grown {
                // The small ring knows whole words, one more than it accepts.
                let words = (before / WORD_BITS).saturating_sub(SMALL_WORDS as u64 - 1);
                self.floor = self.floor.max(words * WORD_BITS);
                self.grown = true;
            }
            self.newest = Some(newest);
            let size = if self.grown { WINDOW_PACKETS } else { SMALL_PACKETS };
            if newest - number >= size || (self.grown && number < self.floor) {
                return false;
            }
            self.seen.insert(number)
        }
    }

    fn agree(numbers: &[u64]) -> Result<(), String> {
        let (mut window, mut model) = (ReplayWindow::default(), Model::default());
        for (index, &number) in numbers.iter().enumerate() {
            let (got, wanted) = (window.accept(number), model.accept(number));
            if got != wanted {
                return Err(format!("packet {number} at {index}: {got}, the model {wanted}"));
            }
        }
        Ok(())
    }

    #[test]
    fn every_order_of_few_packets_agrees_with_a_set() -> Result<(), String> {
        let numbers = [0, 1, 63, 64, SMALL_PACKETS, SMALL_PACKETS + 64, GROWTH_JUMP + 65];
        let count = numbers.len();
        for code in 0..count.pow(5) {
            let order: Vec<u64> =
                (0..5).map(|digit| numbers[code / count.pow(digit) % count]).collect();
            agree(&order).map_err(|why| format!("{order:?}: {why}"))?;
        }
        Ok(())
    }

    proptest! {
        #[test]
        fn random_walks_agree_with_a_set(
            start in 0u64..1 << 40,
            steps in prop::collection::vec(prop_oneof![
                8 => -80i64..90,
                2 => -9_000i64..9_000,
                1 => -70_000i64..70_000,
            ], 1..400),
        ) {
            let mut at = start;
            let numbers: Vec<u64> = steps
                .into_iter()
                .map(|step| {
                    at = at.saturating_add_signed(step);
                    at
                })
                .collect();
            prop_assert_eq!(agree(&numbers), Ok(()));
        }
    }

    #[test]
    fn an_idle_slot_stays_small() {
        let mut window = ReplayWindow::default();
        assert_eq!(window.heap_bytes(), 0);
        for number in 0..100_000 {
            assert!(window.accept(number));
        }
        assert_eq!(window.heap_bytes(), 1024);
        assert!(window.accept(100_000 + GROWTH_JUMP));
        assert_eq!(window.heap_bytes(), 8192);
    }

    #[test]
    fn nothing_older_than_the_window_is_accepted() {
        let mut window = ReplayWindow::default();
        assert!(window.accept(0));
        assert!(window.accept(WINDOW_PACKETS + 5000));
        assert!(window.accept(5001));
        assert!(!window.accept(5000));
    }
}

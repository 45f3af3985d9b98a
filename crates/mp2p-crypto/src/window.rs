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

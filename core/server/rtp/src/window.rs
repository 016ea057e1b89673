//! Which numbers of a stream were there.

/// The last `64 * WORDS` numbers up to the highest one, one bit each.
#[derive(Debug, Clone)]
pub(crate) struct Window<const WORDS: usize> {
    /// One above the highest number that was there.
    next: u64,
    seen: [u64; WORDS],
}

/// What a [`Window`] knows of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Known {
    Fresh,
    Seen,
    /// Too far below the highest one to be known.
    Old,
}

impl<const WORDS: usize> Default for Window<WORDS> {
    fn default() -> Self {
        Self { next: 0, seen: [0; WORDS] }
    }
}

impl<const WORDS: usize> Window<WORDS> {
    pub(crate) const LEN: u64 = 64 * WORDS as u64;

    /// The highest number that was there.
    pub(crate) fn highest(&self) -> Option<u64> {
        self.next.checked_sub(1)
    }

    pub(crate) fn look(&self, number: u64) -> Known {
        if number >= self.next {
            Known::Fresh
        } else if self.next - number > Self::LEN {
            Known::Old
        } else if self.seen[word(number, WORDS)] & bit(number) != 0 {
            Known::Seen
        } else {
            Known::Fresh
        }
    }

    /// Says that `number` was there; an old one changes nothing.
    pub(crate) fn mark(&mut self, number: u64) {
        if number >= self.next {
            if number - self.next >= Self::LEN {
                self.seen = [0; WORDS];
            } else {
                for skipped in self.next..=number {
                    self.seen[word(skipped, WORDS)] &= !bit(skipped);
                }
            }
            self.next = number.saturating_add(1);
        }
        if self.look(number) != Known::Old {
            self.seen[word(number, WORDS)] |= bit(number);
        }
    }
}

fn word(number: u64, words: usize) -> usize {
    (number / 64 % words as u64) as usize
}

fn bit(number: u64) -> u64 {
    1 << (number % 64)
}

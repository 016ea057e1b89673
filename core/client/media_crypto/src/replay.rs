use conclave_base::Source;

/// Which counters of one key were opened: the newest and a window behind it.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Window {
    /// One more than the newest counter opened; 0 before the first.
    next: u64,
    /// Bit `n`: the counter `next - 1 - n` was opened.
    seen: u128,
}

impl Window {
    /// Whether `counter` is fresh: not opened before, and less than `size` (at most 128) behind the newest.
    pub(crate) fn is_fresh(&self, counter: u64, size: u64) -> bool {
        if counter >= self.next {
            return counter != u64::MAX;
        }
        let behind = self.next - 1 - counter;
        behind < size && self.seen >> behind & 1 == 0
    }

    /// Notes that `counter`, which was fresh, has opened.
    pub(crate) fn opened(&mut self, counter: u64) {
        if counter >= self.next {
            let ahead = counter - self.next + 1;
            self.seen = if ahead < 128 { self.seen << ahead } else { 0 };
            self.next = counter + 1;
        }
        self.seen |= 1 << (self.next - 1 - counter);
    }
}

/// How many frames behind the newest may still come, out of order.
pub(crate) const fn width(source: Source) -> u64 {
    if source.is_audio() { 64 } else { 128 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(opened: &[u64]) -> Window {
        let mut window = Window::default();
        for counter in opened {
            assert!(window.is_fresh(*counter, 128), "{counter}");
            window.opened(*counter);
        }
        window
    }

    #[test]
    fn order_does_not_matter_inside_the_window() {
        let w = window(&[5, 3, 9, 0]);
        assert_eq!((0..11).filter(|n| w.is_fresh(*n, 64)).collect::<Vec<_>>(), [1, 2, 4, 6, 7, 8, 10]);
    }

    #[test]
    fn what_fell_out_of_the_window_is_not_fresh() {
        let w = window(&[0, 200]);
        assert!(!w.is_fresh(72, 128));
        assert!(w.is_fresh(73, 128));
        assert!(!w.is_fresh(136, 64));
        assert!(w.is_fresh(137, 64));
    }

    #[test]
    fn a_jump_forgets_nothing_that_it_must_know() {
        let w = window(&[0, 127]);
        assert!(!w.is_fresh(0, 128));
        let w = window(&[0, 128]);
        assert!(!w.is_fresh(0, 128));
        let w = window(&[7, u64::MAX - 1]);
        assert!(!w.is_fresh(7, 128) && !w.is_fresh(u64::MAX, 128));
    }
}

use conclave_base::Source;

use crate::OpenError;

/// Which counters of one key were opened: the newest and a window behind it.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Window {
    /// One more than the newest counter opened; 0 before the first.
    next: u64,
    /// Bit `n`: the counter `next - 1 - n` was opened.
    seen: u128,
}

impl Window {
    /// Whether `counter` may be opened: it was not before, and is less than `size` (at most 128) behind the newest.
    pub(crate) fn check(&self, counter: u64, size: u64) -> Result<(), OpenError> {
        let Some(behind) = (self.next.checked_sub(1)).and_then(|newest| newest.checked_sub(counter)) else {
            return if counter == u64::MAX { Err(OpenError::Replayed) } else { Ok(()) };
        };
        if behind >= size {
            return Err(OpenError::TooLate);
        }
        if self.seen >> behind & 1 == 0 { Ok(()) } else { Err(OpenError::Replayed) }
    }

    /// Notes that `counter`, which [`Self::check`] allowed, has opened.
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
            assert_eq!(window.check(*counter, 128), Ok(()), "{counter}");
            window.opened(*counter);
        }
        window
    }

    #[test]
    fn order_does_not_matter_inside_the_window() {
        let w = window(&[5, 3, 9, 0]);
        assert_eq!((0..11).filter(|n| w.check(*n, 64).is_ok()).collect::<Vec<_>>(), [1, 2, 4, 6, 7, 8, 10]);
    }

    #[test]
    fn what_fell_out_of_the_window_came_too_late() {
        let w = window(&[0, 200]);
        assert_eq!((w.check(72, 128), w.check(73, 128)), (Err(OpenError::TooLate), Ok(())));
        assert_eq!((w.check(136, 64), w.check(137, 64)), (Err(OpenError::TooLate), Ok(())));
        assert_eq!(w.check(200, 128), Err(OpenError::Replayed));
    }

    #[test]
    fn a_jump_forgets_nothing_that_it_must_know() {
        let w = window(&[0, 127]);
        assert_eq!(w.check(0, 128), Err(OpenError::Replayed));
        let w = window(&[0, 128]);
        assert_eq!(w.check(0, 128), Err(OpenError::TooLate));
        let w = window(&[7, u64::MAX - 1]);
        assert_eq!((w.check(7, 128), w.check(u64::MAX, 128)), (Err(OpenError::TooLate), Err(OpenError::Replayed)));
    }
}

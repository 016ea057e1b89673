//! Shares what a subscriber's path carries among the pictures it wants.

/// A picture that a subscriber wants.
#[derive(Debug, Clone)]
pub(crate) struct LayerDemand {
    /// Bits per second of each layer, smallest first; 0 for one that does not flow.
    pub(crate) rates: Vec<u64>,
    /// The layer that the tile asks for.
    pub(crate) ideal: usize,
    /// The layer that it gets now.
    pub(crate) current: Option<usize>,
    /// It was lowered a moment ago: not the time to raise it.
    pub(crate) hold: bool,
    /// Larger tiles are raised first.
    pub(crate) weight: u64,
}

/// The layer for each picture, so that together they stay within `bits` per second. Everybody gets the smallest flowing layer, even
/// if that is too much: a poor picture beats none. To go above what it gets now, a picture needs a sixth of the budget to spare, so
/// that the choice does not swing to and fro.
pub(crate) fn allocate(demands: &[LayerDemand], bits: u64) -> Vec<usize> {
    let mut choice: Vec<usize> = demands.iter().map(LayerDemand::lowest).collect();
    let mut left = bits;
    for (want, layer) in demands.iter().zip(&choice) {
        left = left.saturating_sub(want.rates[*layer]);
    }
    let mut order: Vec<usize> = (0..demands.len()).collect();
    order.sort_by_key(|i| std::cmp::Reverse(demands[*i].weight));
    for i in order {
        let want = &demands[i];
        for layer in choice[i] + 1..=want.ideal {
            if want.rates[layer] == 0 {
                continue;
            }
            let more = want.rates[layer].saturating_sub(want.rates[choice[i]]);
            let raised = want.current.is_none_or(|c| layer > c);
            let reserve = if raised { bits / 6 } else { 0 };
            if more + reserve > left || (raised && want.hold) {
                break;
            }
            left -= more;
            choice[i] = layer;
        }
    }
    choice
}

impl LayerDemand {
    fn lowest(&self) -> usize {
        (0..=self.ideal).find(|l| self.rates[*l] > 0).unwrap_or(self.ideal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn want(ideal: usize, current: Option<usize>, weight: u64) -> LayerDemand {
        LayerDemand { rates: vec![100, 400, 1600], ideal, current, hold: false, weight }
    }

    #[test]
    fn enough_gives_everybody_what_the_tile_asks() {
        assert_eq!(allocate(&[want(2, None, 1), want(1, None, 1), want(0, None, 1)], 1_000_000), [2, 1, 0]);
    }

    #[test]
    fn too_little_lowers_the_small_tiles_first() {
        assert_eq!(allocate(&[want(2, Some(2), 1), want(2, Some(2), 9)], 1800), [0, 2]);
        assert_eq!(allocate(&[want(2, Some(2), 1), want(2, Some(2), 9)], 50), [0, 0], "never nothing");
    }

    #[test]
    fn raising_needs_room_to_spare_but_staying_does_not() {
        assert_eq!(allocate(&[want(2, Some(1), 1)], 1700), [1]);
        assert_eq!(allocate(&[want(2, Some(1), 1)], 2000), [2]);
        assert_eq!(allocate(&[want(2, Some(2), 1)], 1700), [2]);
    }

    #[test]
    fn a_picture_just_lowered_is_not_raised() {
        assert_eq!(allocate(&[LayerDemand { hold: true, ..want(2, Some(0), 1) }], 1_000_000), [0]);
    }

    #[test]
    fn a_layer_that_does_not_flow_is_not_chosen() {
        let one = LayerDemand { rates: vec![0, 400, 0], ..want(2, None, 1) };
        assert_eq!(allocate(std::slice::from_ref(&one), 1_000_000), [1]);
        assert_eq!(allocate(&[LayerDemand { rates: vec![0, 0, 0], ..one }], 1_000_000), [2], "nothing is known yet");
    }
}

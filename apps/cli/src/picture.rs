use conclave_codecs::Picture;

/// The test picture: a field of one hue with a bright bar that wanders from left to right, once in four seconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pattern {
    width: u32,
    height: u32,
    field: [u8; 3],
}

impl Pattern {
    /// `hue` in degrees.
    pub(crate) fn new(width: u32, height: u32, hue: u16) -> Self {
        Self { width, height, field: yuv(hue) }
    }

    /// The picture at `ms` milliseconds.
    pub(crate) fn at(&self, ms: u64) -> Picture {
        let mut picture = Picture::flat(self.width, self.height, self.field);
        let width = self.width as usize;
        let bar = (width / 8).max(2);
        let start = usize::try_from(ms % 4000).unwrap_or(0) * (width - bar) / 4000;
        for row in picture.y.chunks_exact_mut(width) {
            row[start..start + bar].fill(235);
        }
        picture
    }
}

/// A hue of middling saturation and brightness, in BT.601.
fn yuv(hue: u16) -> [u8; 3] {
    let h = f64::from(hue % 360) / 60.0;
    let (high, low) = (0.7, 0.2);
    let middle = low + (high - low) * (1.0 - (h % 2.0 - 1.0).abs());
    let (r, g, b) = match h as u8 {
        0 => (high, middle, low),
        1 => (middle, high, low),
        2 => (low, high, middle),
        3 => (low, middle, high),
        4 => (middle, low, high),
        _ => (high, low, middle),
    };
    let y = 0.299 * r + 0.587 * g + 0.114 * b;
    let scaled = [16.0 + 219.0 * y, 128.0 + 224.0 * 0.564 * (b - y), 128.0 + 224.0 * 0.713 * (r - y)];
    scaled.map(|v: f64| v.round().clamp(0.0, 255.0) as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_moves_and_hues_differ() {
        let pattern = Pattern::new(320, 180, 200);
        assert!(pattern.at(0).difference(&pattern.at(500)).expect("same size") > 1.0);
        let (red, blue) = (Pattern::new(16, 16, 0).at(0).mean(), Pattern::new(16, 16, 240).at(0).mean());
        assert!(red[2] > 150.0 && blue[1] > 150.0, "{red:?} {blue:?}");
    }
}

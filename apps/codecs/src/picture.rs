use crate::{Error, MAX_SIDE};

/// A picture as I420: full-size luma, chroma of half the width and height.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// Pixels, even.
    pub width: u32,
    /// Pixels, even.
    pub height: u32,
    /// Luma, `width × height`.
    pub y: Vec<u8>,
    /// Blue difference, a quarter of that.
    pub u: Vec<u8>,
    /// Red difference, a quarter of that.
    pub v: Vec<u8>,
}

impl Picture {
    /// A picture of one colour.
    pub fn flat(width: u32, height: u32, [y, u, v]: [u8; 3]) -> Self {
        let luma = (width * height) as usize;
        let chroma = (width.div_ceil(2) * height.div_ceil(2)) as usize;
        Self { width, height, y: vec![y; luma], u: vec![u; chroma], v: vec![v; chroma] }
    }

    /// Mean difference of luma to a picture of the same size, 0 to 255; `None` if the sizes differ.
    pub fn difference(&self, other: &Self) -> Option<f64> {
        if (self.width, self.height) != (other.width, other.height) || self.y.is_empty() {
            return None;
        }
        let sum: u64 = self.y.iter().zip(&other.y).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
        Some(sum as f64 / self.y.len() as f64)
    }

    /// Mean of luma, blue and red difference.
    pub fn mean(&self) -> [f64; 3] {
        [&self.y, &self.u, &self.v].map(|p| p.iter().map(|&b| f64::from(b)).sum::<f64>() / p.len().max(1) as f64)
    }

    /// Sides that this crate takes, and planes that fit them.
    pub(crate) fn check(&self) -> Result<(), Error> {
        check_size(self.width, self.height)?;
        let luma = (self.width * self.height) as usize;
        let fits = self.y.len() == luma && self.u.len() == luma / 4 && self.v.len() == luma / 4;
        if fits { Ok(()) } else { Err(Error::Size) }
    }
}

pub(crate) fn check_size(width: u32, height: u32) -> Result<(), Error> {
    let good = |side: u32| (2..=MAX_SIDE).contains(&side) && side.is_multiple_of(2);
    if good(width) && good(height) { Ok(()) } else { Err(Error::Size) }
}

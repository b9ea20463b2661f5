//! The quality setting: how good a picture is to be.

use calotype_model::{LARGEST_FINENESS, QualityScale};

use crate::codec::Codec;
use crate::error::{Error, Usage};

/// How good a picture is to be, in points that belong to no model: the mean SSIMULACRA2 score of photographs. 0 is the smallest file that a
/// model makes, 100 its best picture; a model's own scale ([`Codec::qualities`]) lies between them, and beyond it counts as its end.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Quality(f64);

impl Quality {
    /// The smallest files.
    pub const LOWEST: Quality = Quality(0.0);
    /// The best pictures.
    pub const HIGHEST: Quality = Quality(100.0);

    /// From 0 to 100, decimals included.
    ///
    /// # Errors
    /// [`Usage::Quality`] outside that range.
    pub fn new(points: f64) -> Result<Quality, Error> {
        if (0.0..=100.0).contains(&points) { Ok(Quality(points)) } else { Err(Error::Usage(Usage::Quality { points })) }
    }

    /// From 0 to 100.
    pub fn points(self) -> f64 {
        self.0
    }

    /// What a fineness of a scale gives.
    pub(crate) fn of(scale: &QualityScale, fineness: u16) -> Quality {
        Quality(scale.points(fineness))
    }
}

impl Default for Quality {
    /// 70: hard to tell from the original beside it.
    fn default() -> Quality {
        Quality(70.0)
    }
}

impl Codec {
    /// The lowest and the highest quality of the codec's model.
    ///
    /// # Errors
    /// [`Usage::NoEncoder`] without an encoder part, where the scale lies.
    pub fn qualities(&self) -> Result<[Quality; 2], Error> {
        self.scale().map(|scale| [0, LARGEST_FINENESS].map(|fineness| Quality::of(scale, fineness)))
    }

    /// The fineness, 0 to [`LARGEST_FINENESS`], that is nearest to a quality: what the file says.
    ///
    /// # Errors
    /// As [`Codec::qualities`].
    pub fn fineness(&self, quality: Quality) -> Result<u16, Error> {
        Ok(self.scale()?.fineness(quality.0))
    }

    /// The quality of a fineness: [`Codec::fineness`] of it is that one.
    ///
    /// # Errors
    /// As [`Codec::qualities`].
    pub fn quality_of(&self, fineness: u16) -> Result<Quality, Error> {
        Ok(Quality::of(self.scale()?, fineness))
    }

    fn scale(&self) -> Result<&QualityScale, Error> {
        Ok(&self.model.encoder().ok_or(Usage::NoEncoder)?.quality_scale)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_lie_between_0_and_100() {
        assert_eq!([0.0, 70.0, 100.0].map(|points| Quality::new(points).unwrap()), [Quality::LOWEST, Quality::default(), Quality::HIGHEST]);
        for points in [-0.1, 100.1, f64::NAN] {
            assert!(matches!(Quality::new(points), Err(Error::Usage(Usage::Quality { .. }))));
        }
    }
}

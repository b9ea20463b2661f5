//! Bands of a picture with the channels and the depth of its file.

use crate::alpha::AlphaRows;
use crate::bands::{Band, Bands};
use crate::error::Error;
use crate::picture::{Picture, Samples, Shape, arranged, deep_sample};

/// The bands of a region from the top, without gaps, each a picture of its own; ends after the first error.
pub struct PictureBands<'a> {
    bands: Bands<'a>,
    alpha: Option<AlphaRows<'a>>,
    shape: Shape,
    /// After the last band and after an error.
    ended: bool,
}

impl<'a> PictureBands<'a> {
    /// `shape` is that of the region; bands of 16 bits run on the CPU.
    pub(crate) fn new(bands: Bands<'a>, alpha: Option<AlphaRows<'a>>, shape: Shape) -> PictureBands<'a> {
        PictureBands { bands, alpha, shape, ended: false }
    }

    /// Size and kind of all bands together.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    fn shallow(&mut self, Band { height, rgb }: Band) -> Result<Picture, Error> {
        let alpha = self.alpha.as_mut().map(|alpha| alpha.take(height)).transpose()?;
        let alpha = alpha.map(|samples| samples.into_iter().map(|sample| sample as u8).collect());
        self.band(height, Samples::U8(arranged(rgb, self.shape.channels.is_grey(), alpha)))
    }

    fn deep(&mut self, height: u32, q4: Vec<i16>) -> Result<Picture, Error> {
        let alpha = self.alpha.as_mut().map(|alpha| alpha.take(height)).transpose()?;
        let rgb = q4.into_iter().map(deep_sample).collect();
        self.band(height, Samples::U16(arranged(rgb, self.shape.channels.is_grey(), alpha)))
    }

    fn band(&self, height: u32, samples: Samples) -> Result<Picture, Error> {
        Picture::new(self.shape.width, height, self.shape.channels, samples)
    }
}

impl Iterator for PictureBands<'_> {
    type Item = Result<Picture, Error>;

    fn next(&mut self) -> Option<Result<Picture, Error>> {
        if self.ended {
            return None;
        }
        // Damaged alpha is found before colours are decoded beside it.
        let ahead = self.alpha.as_mut().map_or(Ok(()), AlphaRows::decode_ahead);
        let band = match (ahead, self.shape.depth) {
            (Err(error), _) => Some(Err(error)),
            (Ok(()), 8) => self.bands.next().map(|band| self.shallow(band?)),
            (Ok(()), _) => self.bands.next_q4().map(|band| band.and_then(|(height, q4)| self.deep(height, q4))),
        };
        self.ended = !matches!(band, Some(Ok(_)));
        band
    }
}

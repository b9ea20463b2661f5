//! Pictures in memory: what goes in and what comes out.

use std::borrow::Cow;
use std::ops::Range;

use calotype_format::Region;

use crate::error::{Error, Usage};
use crate::transparent;

/// Rows that are looked at together for the colours under full transparency. Rows of tiles begin at multiples of it, so that the file does not
/// depend on how many rows come at a time.
pub(crate) const FILLED_ROWS: usize = 64;

/// 8-bit RGB pixels to encode, borrowed.
#[derive(Clone, Copy, Debug)]
pub struct RgbImage<'a> {
    width: u32,
    height: u32,
    rgb: &'a [u8],
}

/// A decoded picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// Pixels in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// 8-bit RGB, `width * height * 3` bytes in rows from the top, without padding.
    pub rgb: Vec<u8>,
}

/// The size and the kind of a picture whose rows come or go one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Pixels in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// The channels.
    pub channels: Channels,
    /// Bits of a sample, 8 or 16.
    pub depth: u8,
}

impl Shape {
    /// How many pixels.
    pub fn pixels(&self) -> u64 {
        u64::from(self.width) * u64::from(self.height)
    }

    /// Bytes of a pixel's samples.
    pub fn pixel_bytes(&self) -> usize {
        self.channels.count() * usize::from(self.depth / 8)
    }

    /// Whether it is 8-bit RGB, as the network makes it.
    pub(crate) fn is_plain(&self) -> bool {
        (self.channels, self.depth) == (Channels::Rgb, 8)
    }
}

impl<'a> RgbImage<'a> {
    /// `rgb` holds `width * height * 3` bytes, rows from the top without padding.
    ///
    /// # Errors
    /// [`Usage::ImageSize`] if a side is 0 or the length does not fit.
    pub fn new(width: u32, height: u32, rgb: &'a [u8]) -> Result<RgbImage<'a>, Error> {
        let pixels = u64::from(width) * u64::from(height);
        if pixels == 0 || pixels.checked_mul(3) != Some(rgb.len() as u64) {
            return Err(Error::Usage(Usage::ImageSize { width, height, bytes: rgb.len() }));
        }
        Ok(RgbImage { width, height, rgb })
    }

    /// Pixels in a row.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Rows.
    pub fn height(&self) -> u32 {
        self.height
    }

    /// 8-bit RGB, rows from the top.
    pub fn rgb(&self) -> &'a [u8] {
        self.rgb
    }
}

/// The channels of a picture, in the order of a pixel's samples. Alpha is straight: colours are not multiplied by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channels {
    /// One.
    Grey,
    /// Two.
    GreyAlpha,
    /// Three.
    Rgb,
    /// Four.
    Rgba,
}

/// Samples of 8 or 16 bits, from black to the largest value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Samples {
    /// 0 to 255.
    U8(Vec<u8>),
    /// 0 to 65535.
    U16(Vec<u16>),
}

/// A picture of any kind that a `.calo` file holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    width: u32,
    height: u32,
    channels: Channels,
    samples: Samples,
}

impl Channels {
    pub(crate) fn of(grey: bool, alpha: bool) -> Channels {
        match (grey, alpha) {
            (true, false) => Channels::Grey,
            (true, true) => Channels::GreyAlpha,
            (false, false) => Channels::Rgb,
            (false, true) => Channels::Rgba,
        }
    }

    /// Samples of a pixel.
    pub fn count(self) -> usize {
        match self {
            Channels::Grey => 1,
            Channels::GreyAlpha => 2,
            Channels::Rgb => 3,
            Channels::Rgba => 4,
        }
    }

    /// Whether there is one channel of colour.
    pub fn is_grey(self) -> bool {
        matches!(self, Channels::Grey | Channels::GreyAlpha)
    }

    /// Whether the last channel is alpha.
    pub fn has_alpha(self) -> bool {
        matches!(self, Channels::GreyAlpha | Channels::Rgba)
    }
}

impl Samples {
    /// How many.
    pub fn len(&self) -> usize {
        match self {
            Samples::U8(samples) => samples.len(),
            Samples::U16(samples) => samples.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bits of each, 8 or 16.
    pub fn depth(&self) -> u8 {
        match self {
            Samples::U8(_) => 8,
            Samples::U16(_) => 16,
        }
    }
}

impl Picture {
    /// `samples` holds `width * height` pixels, rows from the top without padding.
    ///
    /// # Errors
    /// [`Usage::PictureSize`] if a side is 0 or the number of samples does not fit.
    pub fn new(width: u32, height: u32, channels: Channels, samples: Samples) -> Result<Picture, Error> {
        let pixels = u64::from(width) * u64::from(height);
        if pixels == 0 || pixels.checked_mul(channels.count() as u64) != Some(samples.len() as u64) {
            return Err(Usage::PictureSize { width, height, channels: channels.count(), samples: samples.len() }.into());
        }
        Ok(Picture { width, height, channels, samples })
    }

    /// Pixels in a row.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Rows.
    pub fn height(&self) -> u32 {
        self.height
    }

    /// The channels.
    pub fn channels(&self) -> Channels {
        self.channels
    }

    /// Bits of a sample, 8 or 16.
    pub fn depth(&self) -> u8 {
        self.samples.depth()
    }

    /// Size and kind.
    pub fn shape(&self) -> Shape {
        Shape { width: self.width, height: self.height, channels: self.channels, depth: self.depth() }
    }

    /// A picture of the same kind; the samples are as many as it has.
    pub(crate) fn with_samples(&self, (width, height): (u32, u32), samples: Samples) -> Picture {
        Picture { width, height, channels: self.channels, samples }
    }

    /// Some rows of it, as a picture of their own.
    ///
    /// # Errors
    /// [`Usage::Region`] if there are none, or not in the picture.
    pub fn rows(&self, rows: Range<u32>) -> Result<Picture, Error> {
        let Picture { width, height, channels, .. } = *self;
        let region = Region { x: 0, y: rows.start, width, height: rows.end.saturating_sub(rows.start) };
        if !(Region { x: 0, y: 0, width, height }).contains(region) {
            return Err(Usage::Region { region, width, height }.into());
        }
        let row = width as usize * channels.count();
        let places = rows.start as usize * row..rows.end as usize * row;
        let samples = match &self.samples {
            Samples::U8(samples) => Samples::U8(samples[places].to_vec()),
            Samples::U16(samples) => Samples::U16(samples[places].to_vec()),
        };
        Ok(Picture { height: region.height, samples, ..*self })
    }

    /// One picture of others, from the top; they have one width and one kind.
    ///
    /// # Errors
    /// The first error of `parts`; [`Usage::PictureSize`] where a width or a kind differs, or if there are none.
    pub fn stacked(mut parts: impl Iterator<Item = Result<Picture, Error>>) -> Result<Picture, Error> {
        let nothing = Usage::PictureSize { width: 0, height: 0, channels: 0, samples: 0 };
        let mut whole = parts.next().ok_or(nothing)??;
        parts.try_for_each(|part| whole.append(part?))?;
        Ok(whole)
    }

    fn append(&mut self, below: Picture) -> Result<(), Error> {
        let Shape { width, channels, .. } = below.shape();
        let other = Usage::PictureSize { width, height: below.height, channels: channels.count(), samples: below.samples.len() };
        let fits = (width, channels) == (self.width, self.channels) && self.height.checked_add(below.height).is_some();
        match (&mut self.samples, below.samples) {
            (Samples::U8(all), Samples::U8(more)) if fits => all.extend(more),
            (Samples::U16(all), Samples::U16(more)) if fits => all.extend(more),
            _ => return Err(other.into()),
        }
        self.height += below.height;
        Ok(())
    }

    /// The samples, rows from the top.
    pub fn samples(&self) -> &Samples {
        &self.samples
    }

    /// The samples, rows from the top.
    pub fn into_samples(self) -> Samples {
        self.samples
    }

    /// The colours as 8-bit RGB, without alpha.
    pub fn rgb8(&self) -> Cow<'_, [u8]> {
        match (&self.samples, self.channels) {
            (Samples::U8(samples), Channels::Rgb) => Cow::Borrowed(samples),
            (Samples::U8(samples), _) => Cow::Owned(colours(samples, self.channels, |sample| sample)),
            (Samples::U16(samples), _) => Cow::Owned(colours(samples, self.channels, shallow_sample)),
        }
    }

    /// As [`Picture::rgb8`], with smooth colours under full transparency; the picture is a whole one, or begins at a multiple of
    /// [`FILLED_ROWS`] of one.
    pub(crate) fn opaque_rgb8(&self) -> Cow<'_, [u8]> {
        let (mut rgb, width) = (self.rgb8(), self.width as usize);
        if let Some(alpha) = self.alpha() {
            let strips = rgb.to_mut().chunks_mut(3 * width * FILLED_ROWS).zip(alpha.chunks(width * FILLED_ROWS));
            strips.for_each(|(rgb, alpha)| transparent::fill(rgb, width, alpha.iter().map(|&alpha| alpha > 0).collect()));
        }
        rgb
    }

    /// The samples of alpha, if there are any.
    pub fn alpha(&self) -> Option<Vec<u16>> {
        let count = self.channels.count();
        self.channels.has_alpha().then(|| match &self.samples {
            Samples::U8(samples) => samples.iter().skip(count - 1).step_by(count).map(|&sample| sample.into()).collect(),
            Samples::U16(samples) => samples.iter().skip(count - 1).step_by(count).copied().collect(),
        })
    }
}

fn colours<S: Copy>(samples: &[S], channels: Channels, to_byte: impl Fn(S) -> u8) -> Vec<u8> {
    let places = if channels.is_grey() { [0, 0, 0] } else { [0, 1, 2] };
    samples.chunks_exact(channels.count()).flat_map(|pixel| places.map(|place| to_byte(pixel[place]))).collect()
}

/// The nearest of 8 bits.
fn shallow_sample(sample: u16) -> u8 {
    ((u32::from(sample) + 128) / 257) as u8
}

/// A sample of 16 bits from Q4 (docs/MODEL.md section 5.4).
pub(crate) fn deep_sample(q4: i16) -> u16 {
    ((257 * i32::from(q4.clamp(0, 4080)) + 8) >> 4) as u16
}

/// The one channel of a grey picture (docs/FORMAT.md section 2).
pub(crate) fn grey_of([r, g, b]: [u16; 3]) -> u16 {
    ((u32::from(r) + 2 * u32::from(g) + u32::from(b) + 2) >> 2) as u16
}

/// Makes RGB grey.
pub(crate) fn make_grey(rgb: &mut [u8]) {
    rgb.as_chunks_mut::<3>().0.iter_mut().for_each(|pixel| *pixel = [grey_of(pixel.map(u16::from)) as u8; 3]);
}

/// RGB samples as the channels of a picture.
pub(crate) fn arranged<S: Copy + Into<u16> + TryFrom<u16>>(rgb: Vec<S>, grey: bool, alpha: Option<Vec<S>>) -> Vec<S> {
    let one = |pixel: &[S; 3]| S::try_from(grey_of(pixel.map(Into::into))).unwrap_or(pixel[1]);
    let pixels = || rgb.as_chunks::<3>().0.iter();
    match (grey, alpha) {
        (false, None) => rgb,
        (true, None) => pixels().map(one).collect(),
        (false, Some(alpha)) => pixels().zip(alpha).flat_map(|(&[r, g, b], a)| [r, g, b, a]).collect(),
        (true, Some(alpha)) => pixels().zip(alpha).flat_map(|(pixel, a)| [one(pixel), a]).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depths_map_ends_to_ends() {
        assert_eq!([-9, 0, 1, 4079, 4080, 5000].map(deep_sample), [0, 0, 16, 65519, 65535, 65535]);
        assert!(
            (0..=255)
                .all(|byte| shallow_sample(u16::from(byte) * 257) == byte && deep_sample(i16::from(byte) * 16) == u16::from(byte) * 257)
        );
        assert_eq!([128, 129, 65406, 65407].map(shallow_sample), [0, 1, 254, 255]);
        assert_eq!(grey_of([65535; 3]), 65535);
        assert_eq!(grey_of([1, 2, 4]), 2);
    }

    #[test]
    fn samples_must_fit() {
        let picture = |channels, samples| Picture::new(2, 1, channels, Samples::U8(vec![0; samples]));
        for (channels, samples) in [(Channels::Grey, 2), (Channels::GreyAlpha, 4), (Channels::Rgb, 6), (Channels::Rgba, 8)] {
            assert!(picture(channels, samples).is_ok());
            assert!(picture(channels, samples + 1).is_err());
        }
        assert!(Picture::new(0, 1, Channels::Grey, Samples::U16(vec![])).is_err());
        assert!(Picture::new(u32::MAX, u32::MAX, Channels::Rgba, Samples::U16(vec![])).is_err());
    }

    #[test]
    fn lengths_must_fit() {
        assert!(RgbImage::new(2, 1, &[0; 6]).is_ok());
        assert!(RgbImage::new(2, 1, &[0; 5]).is_err());
        assert!(RgbImage::new(0, 1, &[]).is_err());
        assert!(RgbImage::new(u32::MAX, u32::MAX, &[]).is_err());
    }
}

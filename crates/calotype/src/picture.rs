//! Pictures in memory: what goes in and what comes out.

use crate::error::{Error, Usage};

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

/// A rectangle of a picture, in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region {
    /// The first column.
    pub x: u32,
    /// The first row.
    pub y: u32,
    /// Columns.
    pub width: u32,
    /// Rows.
    pub height: u32,
}

impl Region {
    /// Whether `other` lies inside and is not empty.
    pub fn contains(&self, other: Region) -> bool {
        let inside = |begin: u32, length: u32, from: u32, size: u32| {
            size > 0 && from >= begin && u64::from(from) + u64::from(size) <= u64::from(begin) + u64::from(length)
        };
        inside(self.x, self.width, other.x, other.width) && inside(self.y, self.height, other.y, other.height)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_lie_inside_or_not() {
        let picture = Region { x: 0, y: 0, width: u32::MAX, height: 5 };
        let row = |x, width| Region { x, y: 4, width, height: 1 };
        assert!(picture.contains(picture) && picture.contains(row(7, u32::MAX - 7)));
        assert!(
            ![row(7, u32::MAX - 6), row(7, u32::MAX), row(0, 0), Region { y: 5, ..row(0, 1) }].iter().any(|out| picture.contains(*out))
        );
    }

    #[test]
    fn lengths_must_fit() {
        assert!(RgbImage::new(2, 1, &[0; 6]).is_ok());
        assert!(RgbImage::new(2, 1, &[0; 5]).is_err());
        assert!(RgbImage::new(0, 1, &[]).is_err());
        assert!(RgbImage::new(u32::MAX, u32::MAX, &[]).is_err());
    }
}

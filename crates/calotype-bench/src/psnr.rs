//! Peak signal-to-noise ratio.

use std::borrow::Cow;

/// What PSNR says of identical pictures, instead of infinity.
pub const IDENTICAL_DB: f64 = 100.0;

/// PSNR in decibels of two 8-bit RGB pictures of equal size: the mean square error is over all samples of all channels.
pub fn psnr_db(original: &[u8], decoded: &[u8]) -> f64 {
    let mut error = SquaredError::default();
    error.add(original, decoded);
    error.psnr_db()
}

/// The same of pictures that come in parts.
#[derive(Clone, Copy, Debug, Default)]
pub struct SquaredError {
    sum: u64,
    samples: u64,
}

impl SquaredError {
    /// Adds a part of both.
    pub fn add(&mut self, original: &[u8], decoded: &[u8]) {
        self.sum += original.iter().zip(decoded).map(|(a, b)| u64::from(a.abs_diff(*b)).pow(2)).sum::<u64>();
        self.samples += original.len() as u64;
    }

    /// Of all parts.
    pub fn psnr_db(&self) -> f64 {
        if self.sum == 0 {
            return IDENTICAL_DB;
        }
        let mean_square = self.sum as f64 / self.samples as f64;
        10.0 * (255.0 * 255.0 / mean_square).log10()
    }
}

/// PSNR over the pixels that are not fully transparent; `alpha` is that of the original.
pub fn seen_psnr_db(original: &[u8], decoded: &[u8], alpha: Option<&[u16]>) -> f64 {
    psnr_db(&seen(original, alpha), &seen(decoded, alpha))
}

/// The pixels of 8-bit RGB that are not fully transparent.
pub fn seen<'a>(rgb: &'a [u8], alpha: Option<&[u16]>) -> Cow<'a, [u8]> {
    let Some(alpha) = alpha else { return Cow::Borrowed(rgb) };
    let pixels = rgb.as_chunks::<3>().0.iter().zip(alpha);
    pixels.filter(|(_, alpha)| **alpha > 0).flat_map(|(pixel, _)| *pixel).collect()
}

/// A decoded picture, with the original's colours where that is fully transparent: for measures that look at whole neighbourhoods.
pub fn with_hidden_of<'a>(decoded: &'a [u8], original: &[u8], alpha: Option<&[u16]>) -> Cow<'a, [u8]> {
    let Some(alpha) = alpha else { return Cow::Borrowed(decoded) };
    let pixels = decoded.as_chunks::<3>().0.iter().zip(original.as_chunks::<3>().0).zip(alpha);
    pixels.flat_map(|((decoded, original), alpha)| if *alpha > 0 { *decoded } else { *original }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_by_hand() {
        assert_eq!(psnr_db(&[1, 2, 3], &[1, 2, 3]), IDENTICAL_DB);
        assert!(psnr_db(&[0; 3], &[255; 3]).abs() < 1e-12);
        // Error 1 in one of three samples: 10 log10(255^2 * 3).
        assert!((psnr_db(&[7, 7, 7], &[7, 8, 7]) - 52.902_016_1).abs() < 1e-6);
    }

    #[test]
    fn what_is_transparent_has_no_error() {
        let (original, decoded, alpha) = ([7, 7, 7, 0, 0, 0], [7, 8, 7, 90, 90, 90], [1, 0]);
        assert!((seen_psnr_db(&original, &decoded, Some(&alpha)) - 52.902_016_1).abs() < 1e-6);
        assert_eq!(*with_hidden_of(&decoded, &original, Some(&alpha)), [7, 8, 7, 0, 0, 0]);
        assert_eq!(*with_hidden_of(&decoded, &original, None), decoded);
    }
}

//! SSIMULACRA2 (Sneyers 2022): a metric fitted to what people see in compressed pictures.

use fast_ssim2::{PixelDescriptor, PixelSlice, compute_ssimulacra2};

/// SSIMULACRA2 2.1 of two 8-bit sRGB pictures of `width` columns: 100 for equal ones, 90 invisible, 70 good, 30 poor, below 0 for ruins.
///
/// `None` for pictures without pixels or of different sizes, and for those over 2^28 pixels.
pub fn ssimulacra2(original: &[u8], decoded: &[u8], width: usize) -> Option<f64> {
    compute_ssimulacra2(&slice(original, width)?, &slice(decoded, width)?).ok()
}

fn slice(rgb: &[u8], width: usize) -> Option<PixelSlice<'_>> {
    let height = (rgb.len() / 3).checked_div(width)?;
    let (columns, rows) = (u32::try_from(width).ok()?, u32::try_from(height).ok()?);
    PixelSlice::new(rgb, columns, rows, width * 3, PixelDescriptor::RGB8_SRGB).ok()
}

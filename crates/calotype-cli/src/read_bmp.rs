//! BMP: alpha that its header speaks of and its decoder does not look for.

use std::borrow::Cow;
use std::ops::Range;

const HEADER_BYTES: Range<usize> = 14..18;
const BITS: Range<usize> = 28..30;
const COMPRESSION: Range<usize> = 30..34;
const COLOUR_MASKS: Range<usize> = 54..66;
const ALPHA_MASK: Range<usize> = 66..70;
/// The first header that has an alpha mask without compression by masks.
const V4_BYTES: u32 = 108;
/// The masks of red, green and blue where none are needed.
const PLAIN_MASKS: [u32; 3] = [0xFF_0000, 0xFF00, 0xFF];
const PLAIN_ALPHA: u32 = 0xFF00_0000;
const BY_MASKS: u32 = 3;

/// A file of plain pixels of 32 bits with an alpha mask, as clipboards make it, becomes one of masks, which the decoder reads with alpha.
/// Where alpha is 0 everywhere, nobody has written it.
pub fn with_alpha(bmp: &[u8]) -> Cow<'_, [u8]> {
    let u32_at = |place: Range<usize>| bmp.get(place)?.first_chunk().map(|bytes| u32::from_le_bytes(*bytes));
    let has_mask = u32_at(HEADER_BYTES).is_some_and(|bytes| bytes >= V4_BYTES)
        && bmp.get(BITS) == Some(&[32, 0])
        && u32_at(COMPRESSION) == Some(0)
        && u32_at(ALPHA_MASK) == Some(PLAIN_ALPHA);
    let pixels = u32_at(10..14).and_then(|begin| bmp.get(begin as usize..)).unwrap_or_default();
    if !has_mask || pixels.as_chunks::<4>().0.iter().all(|pixel| pixel[3] == 0) {
        return Cow::Borrowed(bmp);
    }
    let mut masked = bmp.to_vec();
    masked[COMPRESSION].copy_from_slice(&BY_MASKS.to_le_bytes());
    masked[COLOUR_MASKS].copy_from_slice(PLAIN_MASKS.map(u32::to_le_bytes).as_flattened());
    Cow::Owned(masked)
}

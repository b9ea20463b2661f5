//! What pictures take in memory while they are coded, as it was measured (docs/DECISIONS.md, memory). Never less than that, and mostly not half as much again.

use std::hint::black_box;

use calotype_engine::Rect;

use crate::error::Error;
use crate::picture::Shape;

/// 4 GiB.
pub const DEFAULT_MAX_MEMORY: u64 = 4 << 30;

/// Bytes for each pixel of the rows of tiles that are encoded together, sides padded to 64: v, symbols, the pixels themselves.
const ENCODE_PX: u64 = 20;
/// Bytes for each column of them: the rows that g_a works on.
const ENCODE_COLUMN: u64 = 544;
/// Bytes for each pixel of a picture that is exposed: v of all of it, and all that is made of it at a quality.
const EXPOSE_PX: u64 = 28;
/// Bytes for each pixel of the rows of tiles that are held while decoding: latents, symbols, pixels.
const DECODE_PX: u64 = 11;
/// Bytes for each column of a row of 8 x 8 pixels that g_s works on.
const DECODE_COLUMN_ROW: u64 = 165;
/// Such rows that g_s works on at a time, at most.
const DECODE_ROWS: u64 = 14;

/// Refuses work that needs `bytes` beside the `held` ones that it has, where together they are over the limit, or the machine has none left for it.
///
/// # Errors
/// [`Error::Memory`], [`Error::NoMemory`].
pub(crate) fn check(bytes: u64, held: u64, limit: u64) -> Result<(), Error> {
    let needed = bytes.saturating_add(held);
    if needed > limit {
        return Err(Error::Memory { needed, limit });
    }
    if has_memory(bytes) { Ok(()) } else { Err(Error::NoMemory { needed }) }
}

/// Whether so many bytes can be asked for, without taking them: where many small requests end the program, one large request can be refused before.
/// Systems that promise more than they have say yes to almost everything.
pub fn has_memory(bytes: u64) -> bool {
    // With 32 bits pieces may fit where one piece does not, and WebAssembly never gives back what it once had.
    if cfg!(not(target_pointer_width = "64")) {
        return true;
    }
    let mut asked: Vec<u8> = Vec::new();
    let given = usize::try_from(bytes).is_ok_and(|bytes| asked.try_reserve_exact(bytes).is_ok());
    black_box(&mut asked);
    given
}

/// Of encoding: `held_px` pixels of rows that are `width` pixels long, padded.
pub(crate) fn of_encoding(held_px: u64, width: u64, shape: Shape) -> u64 {
    let px = ENCODE_PX + px_bytes_beside_rgb(shape);
    held_px.saturating_mul(px).saturating_add(width.saturating_mul(ENCODE_COLUMN))
}

/// Of an exposure of a whole picture of so many pixels.
pub(crate) fn of_exposure(held_px: u64, shape: Shape) -> u64 {
    held_px.saturating_mul(EXPOSE_PX + px_bytes_beside_rgb(shape))
}

/// Of decoding a picture of this kind in bands: `held_px` pixels of tiles at a time, for these pixels.
pub(crate) fn of_decoding(held_px: u64, pixels: Rect, shape: Shape) -> u64 {
    // Samples of 16 bits are made of values of 16 bits.
    let deep = if shape.depth == 16 { 6 } else { 0 };
    let (columns, rows) = (pixels.width as u64, (pixels.height as u64).div_ceil(8).min(DECODE_ROWS));
    let rows = columns.saturating_mul(rows * DECODE_COLUMN_ROW);
    held_px.saturating_mul(DECODE_PX + px_bytes_beside_rgb(shape) + deep).saturating_add(rows)
}

/// A picture in memory, while bands of it are put together.
pub(crate) fn of_picture(shape: Shape) -> u64 {
    shape.pixels().saturating_mul(2 * shape.pixel_bytes() as u64)
}

/// A picture that is folded or unfolded: as it comes and as it goes, and what is made of it.
pub(crate) fn of_folding(shape: Shape) -> u64 {
    shape.pixels().saturating_mul(3 * shape.pixel_bytes() as u64)
}

/// Bytes for each pixel of a picture that is not 8-bit RGB, beside the RGB that is coded: its own samples, and those of alpha by themselves.
fn px_bytes_beside_rgb(shape: Shape) -> u64 {
    let alpha = if shape.channels.has_alpha() { 4 } else { 0 };
    if shape.is_plain() { 0 } else { shape.pixel_bytes() as u64 + alpha }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_refused_before_it_is_taken() {
        assert!(check(1 << 20, 5, 2 << 20).is_ok());
        assert!(matches!(check(10, 5, 14), Err(Error::Memory { needed: 15, limit: 14 })));
        if cfg!(target_pointer_width = "64") {
            // More than addresses are made of.
            assert!(matches!(check(1 << 60, 5, u64::MAX), Err(Error::NoMemory { needed }) if needed == (1 << 60) + 5));
            assert!(matches!(check(u64::MAX, 5, u64::MAX), Err(Error::NoMemory { needed: u64::MAX })));
        }
    }
}

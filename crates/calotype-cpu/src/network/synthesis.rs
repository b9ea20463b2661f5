//! g_s: v_hat to pixels, in bands of rows (docs/MODEL.md section 5.4).

use std::ops::Range;

use calotype_model::QualityTables;

use super::Network;
use super::field::{Field, rows_of, shuffle2};
use super::scratch::{job_rows, room};
use crate::kernels::Kernels;
use crate::measure::Phase;
use calotype_model::Map;

/// Bytes of a row of 8x8 pixels.
const BLOCK_ROW: usize = 24;

impl<K: Kernels> Network<K> {
    /// The pixels of a picture.
    pub(super) fn run_synthesis(&self, q: &QualityTables, v_hat: &Map<i16>, (width, height): (usize, usize)) -> Vec<u8> {
        assert_eq!((v_hat.height, v_hat.width), (height.div_ceil(16), width.div_ceil(16)), "latents of the picture");
        let mut rgb = vec![0; width * height * 3];
        let rows = self.band_rows(v_hat);
        for (i, pixels) in rgb.chunks_mut(16 * rows * width * 3).enumerate() {
            let band = 2 * i * rows..2 * (i + 1) * rows;
            self.synthesise_band(q, v_hat, band.start..band.end.min(2 * v_hat.height), (pixels, width));
        }
        rgb
    }

    /// Rows `band` at 1/8 of the picture. Block i is run on as many rows beyond the band as there are blocks after it.
    fn synthesise_band(&self, q: &QualityTables, v_hat: &Map<i16>, band: Range<usize>, (pixels, width): (&mut [u8], usize)) {
        let blocks = &self.decoder.g_s.blocks;
        let height = 2 * v_hat.height;
        let first = widened(&band, blocks.len(), height);
        let first = first.start / 2 * 2..first.end.next_multiple_of(2);
        let mut field = self.field(Phase::Synthesis, first, (height, 2 * v_hat.width, q.bias_dec.len()));
        self.begin_synthesis(q, v_hat, &mut field);
        for (i, block) in blocks.iter().enumerate() {
            self.run_block(&mut field, block, blocks.get(i + 1), widened(&band, blocks.len() - 1 - i, height));
        }
        self.write_pixels(&field.stream[field.place(&band)], (field.row, field.width), (pixels, width));
        self.retire(field);
    }

    fn begin_synthesis(&self, q: &QualityTables, v_hat: &Map<i16>, field: &mut Field<K>) {
        let (g_s, channels) = (&self.decoder.g_s, q.bias_dec.len());
        let (top, row) = (field.top / 2, v_hat.width * v_hat.channels);
        self.fill(field, g_s.blocks.first(), |scratch, y, stream| {
            let latents = &v_hat.data[(top + y) * row..][..stream.len() / (4 * channels) * v_hat.channels];
            let folded = room(&mut scratch.stream, stream.len());
            self.kernels.wide(&g_s.first, rows_of(latents, v_hat.channels), folded);
            shuffle2(folded, v_hat.width, 2 * channels, stream);
            self.kernels.vectorise(|| add_bias(stream, &q.bias_dec));
        });
    }

    /// Rows of 8x8 pixels, `row` stream values of `blocks` positions each, to at most 8 times as many rows of pixels.
    fn write_pixels(&self, stream: &[i16], (row, blocks): (usize, usize), (pixels, width): (&mut [u8], usize)) {
        let channels = row / blocks;
        let rows = job_rows(stream.len() / row, blocks);
        let jobs: Vec<_> = stream.chunks(rows * row).zip(pixels.chunks_mut(8 * rows * width * 3)).collect();
        self.scratches.run(Phase::Synthesis, jobs, |scratch, (stream, pixels)| {
            let length = stream.len() / channels * 8 * BLOCK_ROW;
            let wide = room(&mut scratch.stream, length);
            self.kernels.wide(&self.decoder.g_s.last, rows_of(stream, channels), wide);
            let bytes = room(&mut scratch.pixels, length);
            self.kernels.vectorise(|| to_bytes(wide, bytes));
            for (bytes, pixels) in bytes.chunks_exact(blocks * 8 * BLOCK_ROW).zip(pixels.chunks_mut(8 * width * 3)) {
                shuffle8(bytes, pixels, width);
            }
        });
    }
}

/// `rows` and `by` more on both sides, inside 0..height.
pub(super) fn widened(rows: &Range<usize>, by: usize, height: usize) -> Range<usize> {
    rows.start.saturating_sub(by)..(rows.end + by).min(height)
}

#[inline(always)]
fn add_bias(stream: &mut [i16], bias: &[i16]) {
    for position in stream.chunks_exact_mut(bias.len()) {
        for (s, &bias) in position.iter_mut().zip(bias) {
            *s = s.saturating_add(bias);
        }
    }
}

/// The last rounding. p is saturated to i16 already, far beyond the pixels that it is clamped to here.
#[inline(always)]
fn to_bytes(wide: &[i16], bytes: &mut [u8]) {
    for (byte, &p) in bytes.iter_mut().zip(wide) {
        *byte = ((i32::from(p) + 8) >> 4).clamp(0, 255) as u8;
    }
}

/// A row of 8x8 blocks to at most 8 rows of pixels, cropped to `width`.
fn shuffle8(bytes: &[u8], pixels: &mut [u8], width: usize) {
    for (dy, row) in pixels.chunks_exact_mut(width * 3).enumerate() {
        let blocks = bytes.chunks_exact(8 * BLOCK_ROW).map(|block| &block[dy * BLOCK_ROW..][..BLOCK_ROW]);
        for (place, block) in row.chunks_mut(BLOCK_ROW).zip(blocks) {
            match <&mut [u8; BLOCK_ROW]>::try_from(&mut *place) {
                Ok(whole) => whole.copy_from_slice(block),
                Err(_) => place.copy_from_slice(&block[..place.len()]),
            }
        }
    }
}

//! g_s: v_hat to pixels (docs/MODEL.md section 5.4).

use std::ops::Range;

use calotype_model::QualityTables;

use super::Network;
use super::field::{Field, rows_of, shuffle2};
use super::roll::Wanted;
use super::scratch::{Scratch, job_rows, room};
use crate::kernels::Kernels;
use crate::measure::Phase;
use calotype_model::{Map, Rect};

/// Samples of a row of 8x8 pixels.
const BLOCK_ROW: usize = 24;

/// v_hat where g_s sees it: from tiles, each with its place.
#[derive(Clone, Copy)]
struct Latents<'a> {
    tiles: &'a [(Rect, &'a Map<i16>)],
    seen: Rect,
}

/// Where pixels go: `columns` positions of each row of the map, from `left` on, become `width` pixels.
#[derive(Clone, Copy)]
struct Columns {
    left: usize,
    columns: usize,
    width: usize,
}

/// What becomes of a value of the last layer.
pub(super) trait Sample: Copy + Default + Send + Sync {
    /// Values in Q4, saturated to i16, to as many samples; `memory` is there to be used.
    fn all<'a>(q4: &'a [i16], memory: &'a mut Vec<u8>) -> &'a [Self];
}

/// Pixels.
impl Sample for u8 {
    #[inline(always)]
    fn all<'a>(q4: &'a [i16], memory: &'a mut Vec<u8>) -> &'a [u8] {
        let bytes = room(memory, q4.len());
        to_bytes(q4, bytes);
        bytes
    }
}

/// Q4 as it is.
impl Sample for i16 {
    #[inline(always)]
    fn all<'a>(q4: &'a [i16], _: &'a mut Vec<u8>) -> &'a [i16] {
        q4
    }
}

impl<K: Kernels> Network<K> {
    /// The pixels of `wanted`; `tiles` hold it and all that g_s sees around it.
    pub(super) fn run_synthesis<S: Sample>(
        &self,
        q: &QualityTables,
        tiles: &[(Rect, &Map<i16>)],
        wanted: Rect,
        (width, height): (usize, usize),
    ) -> Vec<S> {
        let blocks = &self.decoder.g_s.blocks;
        let picture = Rect::of_picture(width, height);
        let latents = Latents { tiles, seen: wanted.widened(blocks.len().div_ceil(2), picture) };
        let columns = Columns {
            left: 2 * (wanted.x - latents.seen.x),
            columns: 2 * wanted.width,
            width: (16 * wanted.right()).min(width) - 16 * wanted.x,
        };
        let (line, top) = (3 * columns.width, 2 * wanted.y);
        let mut rgb = vec![S::default(); line * ((16 * wanted.bottom()).min(height) - 16 * wanted.y)];
        let shape = (2 * picture.height, 2 * latents.seen.width, q.bias_dec.len());
        let map = Wanted { phase: Phase::Synthesis, shape, rows: top..2 * wanted.bottom() };
        let begin = |field: &mut Field<K>, rows: Range<usize>| self.begin_synthesis(q, latents, field, rows);
        self.roll(&map, blocks, begin, |field, rows| {
            let end = (8 * line * (rows.end - top)).min(rgb.len());
            self.write_pixels(field, &rows, columns, &mut rgb[8 * line * (rows.start - top)..end]);
        });
        rgb
    }

    fn begin_synthesis(&self, q: &QualityTables, latents: Latents<'_>, field: &mut Field<K>, rows: Range<usize>) {
        let (g_s, width) = (&self.decoder.g_s, latents.seen.width);
        self.fill(field, rows, g_s.blocks.first(), |scratch, y, stream| {
            let folded = room(&mut scratch.stream, stream.len());
            for (i, row) in folded.chunks_exact_mut(width * 4 * q.bias_dec.len()).enumerate() {
                self.begin_row(latents, y / 2 + i, row);
            }
            shuffle2(folded, width, 2 * q.bias_dec.len(), stream);
            self.kernels.vectorise(|| add_bias(stream, &q.bias_dec));
        });
    }

    /// The first layer on row y of the latents, tile by tile.
    fn begin_row(&self, latents: Latents<'_>, y: usize, folded: &mut [i16]) {
        let (seen, outputs) = (latents.seen, folded.len() / latents.seen.width);
        for (place, map) in latents.tiles {
            let Some(part) = place.intersection(Rect { y, height: 1, ..seen }) else { continue };
            let from = ((y - place.y) * map.width + part.x - place.x) * map.channels;
            let row = rows_of(&map.data[from..][..part.width * map.channels], map.channels);
            self.kernels.wide(&self.decoder.g_s.first, row, &mut folded[(part.x - seen.x) * outputs..][..part.width * outputs]);
        }
    }

    /// Rows of 8x8 pixels to at most 8 times as many rows of pixels.
    fn write_pixels<S: Sample>(&self, field: &Field<K>, rows: &Range<usize>, columns: Columns, pixels: &mut [S]) {
        let height = job_rows(rows.len(), columns.columns);
        let stream = field.stream[field.place(rows)].chunks(height * field.row);
        let jobs: Vec<_> = stream.zip(pixels.chunks_mut(8 * height * 3 * columns.width)).collect();
        self.scratches.run(Phase::Synthesis, jobs, |scratch, (stream, pixels)| {
            for (stream, pixels) in stream.chunks_exact(field.row).zip(pixels.chunks_mut(8 * 3 * columns.width)) {
                let channels = field.row / field.width;
                let stream = &stream[columns.left * channels..][..columns.columns * channels];
                self.write_row(scratch, stream, columns, pixels);
            }
        });
    }

    /// One row of 8x8 pixels.
    fn write_row<S: Sample>(&self, scratch: &mut Scratch<K>, stream: &[i16], columns: Columns, pixels: &mut [S]) {
        let length = columns.columns * 8 * BLOCK_ROW;
        let wide = room(&mut scratch.stream, length);
        self.kernels.wide(&self.decoder.g_s.last, rows_of(stream, stream.len() / columns.columns), wide);
        let samples = self.kernels.vectorise(|| S::all(wide, &mut scratch.pixels));
        shuffle8(samples, pixels, columns.width);
    }
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
fn shuffle8<S: Copy>(samples: &[S], pixels: &mut [S], width: usize) {
    for (dy, row) in pixels.chunks_exact_mut(width * 3).enumerate() {
        let blocks = samples.chunks_exact(8 * BLOCK_ROW).map(|block| &block[dy * BLOCK_ROW..][..BLOCK_ROW]);
        for (place, block) in row.chunks_mut(BLOCK_ROW).zip(blocks) {
            match <&mut [S; BLOCK_ROW]>::try_from(&mut *place) {
                Ok(whole) => whole.copy_from_slice(block),
                Err(_) => place.copy_from_slice(&block[..place.len()]),
            }
        }
    }
}

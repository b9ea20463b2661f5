//! g_s: v_hat to pixels (docs/MODEL.md section 5.4).

use std::ops::Range;

use calotype_engine::{Map, Placed, Rect};
use calotype_model::QualityTables;

use super::Network;
use super::field::{Field, rows_of};
use super::packed::Weights;
use super::roll::Wanted;
use super::scratch::{Scratch, job_rows, room};
use super::stage::Given;
use crate::kernels::Kernels;
use crate::measure::Phase;

/// Channels of pixels.
const RGB: usize = 3;

/// v_hat where g_s sees it.
#[derive(Clone, Copy)]
struct Latents<'a> {
    tiles: &'a [Placed<'a, Map<i16>>],
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
        tiles: &[Placed<'_, Map<i16>>],
        wanted: Rect,
        size: (usize, usize),
    ) -> Vec<S> {
        let g_s = &self.decoder.g_s;
        let (fold, side) = (g_s.first.shuffle, g_s.last.shuffle);
        let stride = fold * side;
        let picture = Rect::of_picture(size, stride);
        let latents = Latents { tiles, seen: wanted.widened(self.model.decoder().g_s.halo(), picture) };
        let positions = |part: Rect| part.height * part.width;
        let held: usize = tiles.iter().filter_map(|tile| tile.place.intersection(latents.seen)).map(positions).sum();
        assert_eq!(held, positions(latents.seen), "latents of the picture");
        let pixels = wanted.pixels(size, stride);
        let columns = Columns { left: fold * (wanted.x - latents.seen.x), columns: fold * wanted.width, width: pixels.width };
        let (line, top) = (RGB * columns.width, fold * wanted.y);
        let mut rgb = vec![S::default(); line * pixels.height];
        let map = Wanted {
            phase: Phase::Synthesis,
            shape: (fold * picture.height, fold * latents.seen.width, g_s.first.channels),
            rows: top..fold * wanted.bottom(),
            fold: g_s.fold(),
        };
        let bias = g_s.first.bias.as_ref().map(|bias| bias.at(q.fineness));
        let begin = |field: &mut Field<K>, rows: Range<usize>| self.begin_synthesis(bias.as_deref(), latents, field, rows);
        self.roll(&map, &g_s.first.blocks, begin, |field, rows| {
            let end = (side * line * (rows.end - top)).min(rgb.len());
            self.write_pixels(field, &rows, columns, &mut rgb[side * line * (rows.start - top)..end]);
        });
        rgb
    }

    fn begin_synthesis(&self, bias: Option<&[i16]>, latents: Latents<'_>, field: &mut Field<K>, rows: Range<usize>) {
        let (first, width, row) = (&self.decoder.g_s.first, latents.seen.width, field.row);
        self.fill(field, rows, first, |scratch, y, stream| {
            let mut gathered = std::mem::take(&mut scratch.gathered);
            let rows = stream.len() / row / first.shuffle;
            let given = room(&mut gathered, rows * width * first.inputs);
            for (i, row) in given.chunks_exact_mut(width * first.inputs).enumerate() {
                latents.gather(y / first.shuffle + i, row);
            }
            self.layer(scratch, first, Given::Stream(given), width, stream);
            scratch.gathered = gathered;
            if let Some(bias) = bias {
                self.kernels.vectorise(|| add_bias(stream, bias));
            }
        });
    }

    /// Rows of the map to the pixels of each, in at most as many rows as the last layer shuffles out of one.
    fn write_pixels<S: Sample>(&self, field: &Field<K>, rows: &Range<usize>, columns: Columns, pixels: &mut [S]) {
        let (height, side) = (job_rows(rows.len(), columns.columns), self.decoder.g_s.last.shuffle);
        let line = RGB * columns.width;
        let stream = field.stream[field.place(rows)].chunks(height * field.row);
        let jobs: Vec<_> = stream.zip(pixels.chunks_mut(side * height * line)).collect();
        self.scratches.run(Phase::Synthesis, jobs, |scratch, (stream, pixels)| {
            for (stream, pixels) in stream.chunks_exact(field.row).zip(pixels.chunks_mut(side * line)) {
                let channels = field.row / field.width;
                let stream = &stream[columns.left * channels..][..columns.columns * channels];
                self.write_row(scratch, stream, columns, pixels);
            }
        });
    }

    /// One row of blocks of pixels.
    fn write_row<S: Sample>(&self, scratch: &mut Scratch<K>, stream: &[i16], columns: Columns, pixels: &mut [S]) {
        let last = &self.decoder.g_s.last;
        let Weights::Wide(weights) = &last.weights else { panic!("g_s ends with a wide layer") };
        let line = RGB * last.shuffle;
        let wide = room(&mut scratch.stream, columns.columns * last.shuffle * line);
        self.kernels.wide(weights, rows_of(stream, last.inputs), wide);
        let samples = self.kernels.vectorise(|| S::all(wide, &mut scratch.pixels));
        shuffle(samples, last.shuffle, pixels, RGB * columns.width);
    }
}

impl Latents<'_> {
    /// Row y of them, from the tiles that it crosses.
    fn gather(self, y: usize, row: &mut [i16]) {
        for Placed { place, tile: map } in self.tiles {
            let Some(part) = place.intersection(Rect { y, height: 1, ..self.seen }) else { continue };
            let from = ((y - place.y) * map.width + part.x - place.x) * map.channels;
            let length = part.width * map.channels;
            row[(part.x - self.seen.x) * map.channels..][..length].copy_from_slice(&map.data[from..][..length]);
        }
    }
}

/// Saturating.
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

/// A row of blocks of r x r pixels to at most r rows of `length` samples.
fn shuffle<S: Copy>(samples: &[S], r: usize, pixels: &mut [S], length: usize) {
    let line = RGB * r;
    for (dy, row) in pixels.chunks_exact_mut(length).enumerate() {
        let blocks = samples.chunks_exact(r * line).map(|block| &block[dy * line..][..line]);
        for (place, block) in row.chunks_mut(line).zip(blocks) {
            place.copy_from_slice(&block[..place.len()]);
        }
    }
}

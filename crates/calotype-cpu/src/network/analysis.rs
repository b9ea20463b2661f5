//! g_a: pixels to v (docs/MODEL.md section 6).

use std::ops::Range;

use super::Network;
use super::field::{Field, rows_of, unshuffle2};
use super::roll::Wanted;
use super::scratch::{job_rows, room};
use crate::kernels::Kernels;
use crate::measure::Phase;
use calotype_model::{Map, PixelRows};

/// Input values of a position: 8x8 pixels of three channels.
const INPUTS: usize = 192;

impl<K: Kernels> Network<K> {
    /// Rows `rows` of v of the padded picture.
    pub(super) fn run_analysis(&self, pixels: PixelRows<'_>, rows: Range<usize>) -> Map<i16> {
        let config = &self.model.decoder().config;
        let (height, width) = (4 * pixels.height.div_ceil(64), 4 * pixels.width.div_ceil(64));
        let mut v: Map<i16> = Map::zeros(rows.len(), width, config.m);
        let row = width * config.m;
        let wanted = Wanted { phase: Phase::Analysis, shape: (2 * height, 2 * width, config.c), rows: 2 * rows.start..2 * rows.end };
        let begin = |field: &mut Field<K>, rows: Range<usize>| self.begin_analysis(pixels, field, rows);
        self.roll(&wanted, &self.encoder().1.g_a.blocks, begin, |field, done| {
            let place = (done.start / 2 - rows.start) * row..(done.end / 2 - rows.start) * row;
            self.write_latents(field, &done, &mut v.data[place]);
        });
        v
    }

    fn begin_analysis(&self, pixels: PixelRows<'_>, field: &mut Field<K>, rows: Range<usize>) {
        let g_a = &self.encoder().1.g_a;
        let (width, row) = (field.width, field.row);
        self.fill(field, rows, g_a.blocks.first(), |scratch, y, stream| {
            let inputs = room(&mut scratch.stream, stream.len() / row * width * INPUTS);
            for (i, inputs) in inputs.chunks_exact_mut(width * INPUTS).enumerate() {
                unshuffle8(pixels, y + i, inputs);
            }
            self.kernels.wide(&g_a.first, rows_of(inputs, INPUTS), stream);
        });
    }

    /// Pairs of rows to rows of v.
    fn write_latents(&self, field: &Field<K>, done: &Range<usize>, latents: &mut [i16]) {
        let pairs = done.len() / 2;
        let rows = job_rows(pairs, field.width);
        let stream = field.stream[field.place(done)].chunks(2 * rows * field.row);
        let jobs: Vec<_> = stream.zip(latents.chunks_mut((rows * latents.len() / pairs.max(1)).max(1))).collect();
        self.scratches.run(Phase::Analysis, jobs, |scratch, (stream, latents)| {
            let pair = 2 * field.row / field.width;
            let folded = room(&mut scratch.stream, stream.len());
            unshuffle2(stream, field.width / 2, pair, folded);
            self.kernels.wide(&self.encoder().1.g_a.last, rows_of(folded, 2 * pair), latents);
        });
    }
}

/// Row y of 8x8 blocks: `2 * pixel - 255`, replicated to the right and downwards.
fn unshuffle8(pixels: PixelRows<'_>, y: usize, inputs: &mut [i16]) {
    for dy in 0..8 {
        let row = pixels.row(8 * y + dy);
        let last = &row[row.len() - 3..];
        for (x, block) in inputs.chunks_exact_mut(INPUTS).enumerate() {
            let place = &mut block[dy * 24..][..24];
            match row.get(x * 24..(x + 1) * 24) {
                Some(pixels) => place.iter_mut().zip(pixels).for_each(|(value, &pixel)| *value = input(pixel)),
                None => {
                    let pixels = row.get(x * 24..).unwrap_or(&[]).iter().chain(last.iter().cycle());
                    place.iter_mut().zip(pixels).for_each(|(value, &pixel)| *value = input(pixel));
                }
            }
        }
    }
}

fn input(pixel: u8) -> i16 {
    2 * i16::from(pixel) - 255
}

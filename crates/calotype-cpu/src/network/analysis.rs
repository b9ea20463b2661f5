//! g_a: pixels to v (docs/MODEL.md section 6).

use std::ops::Range;

use calotype_engine::{Map, PixelRows, Rect};

use super::Network;
use super::field::{Field, rows_of};
use super::packed::Weights;
use super::roll::Wanted;
use super::scratch::{job_rows, room};
use super::stage::Given;
use crate::kernels::Kernels;
use crate::measure::Phase;

/// Channels of pixels.
const RGB: usize = 3;

impl<K: Kernels> Network<K> {
    /// Rows `rows` of v of the padded picture.
    pub(super) fn run_analysis(&self, pixels: PixelRows<'_>, rows: Range<usize>) -> Map<i16> {
        let g_a = &self.encoder().1.g_a;
        let fold = g_a.last.unshuffle;
        let Rect { height, width, .. } = Rect::of_picture((pixels.width, pixels.height), g_a.first.unshuffle * fold).padded();
        let mut v: Map<i16> = Map::zeros(rows.len(), width, g_a.last.channels);
        let row = width * v.channels;
        let wanted = Wanted {
            phase: Phase::Analysis,
            shape: (fold * height, fold * width, g_a.first.channels),
            rows: fold * rows.start..fold * rows.end,
            fold: g_a.fold(),
        };
        let begin = |field: &mut Field<K>, rows: Range<usize>| self.begin_analysis(pixels, field, rows);
        self.roll(&wanted, &g_a.first.blocks, begin, |field, done| {
            let place = (done.start / fold - rows.start) * row..(done.end / fold - rows.start) * row;
            self.write_latents(field, &done, &mut v.data[place]);
        });
        v
    }

    fn begin_analysis(&self, pixels: PixelRows<'_>, field: &mut Field<K>, rows: Range<usize>) {
        let first = &self.encoder().1.g_a.first;
        let Weights::Wide(wide) = &first.weights else { panic!("g_a reads a stream") };
        let (width, row) = (field.width, field.row);
        self.fill(field, rows, first, |scratch, y, stream| {
            let inputs = room(&mut scratch.folded, stream.len() / row * width * first.inputs);
            for (i, inputs) in inputs.chunks_exact_mut(width * first.inputs).enumerate() {
                unshuffle(pixels, first.unshuffle, y + i, inputs);
            }
            self.kernels.wide(wide, rows_of(inputs, first.inputs), stream);
        });
    }

    /// Rows of the field to rows of v.
    fn write_latents(&self, field: &Field<K>, done: &Range<usize>, latents: &mut [i16]) {
        let last = &self.encoder().1.g_a.last;
        let width = field.width / last.unshuffle;
        let rows = job_rows(done.len() / last.unshuffle, field.width);
        let stream = field.stream[field.place(done)].chunks(last.unshuffle * rows * field.row);
        let jobs: Vec<_> = stream.zip(latents.chunks_mut((rows * width * last.channels).max(1))).collect();
        self.scratches.run(Phase::Analysis, jobs, |scratch, (stream, latents)| {
            self.layer(scratch, last, Given::Stream(stream), width, latents);
        });
    }
}

/// Row y of blocks of r x r pixels: `2 * pixel - 255`, replicated to the right and downwards.
fn unshuffle(pixels: PixelRows<'_>, r: usize, y: usize, inputs: &mut [i16]) {
    let line = RGB * r;
    for dy in 0..r {
        let row = pixels.row(r * y + dy);
        let last = &row[row.len() - RGB..];
        for (x, block) in inputs.chunks_exact_mut(r * line).enumerate() {
            let place = &mut block[dy * line..][..line];
            match row.get(x * line..(x + 1) * line) {
                Some(pixels) => place.iter_mut().zip(pixels).for_each(|(value, &pixel)| *value = input(pixel)),
                None => {
                    let pixels = row.get(x * line..).unwrap_or(&[]).iter().chain(last.iter().cycle());
                    place.iter_mut().zip(pixels).for_each(|(value, &pixel)| *value = input(pixel));
                }
            }
        }
    }
}

fn input(pixel: u8) -> i16 {
    2 * i16::from(pixel) - 255
}

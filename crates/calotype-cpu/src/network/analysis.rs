//! g_a: pixels to v, in bands of rows (docs/MODEL.md section 6).

use std::ops::Range;

use super::Network;
use super::field::{rows_of, unshuffle2};
use super::scratch::{job_rows, room};
use super::synthesis::widened;
use crate::kernels::Kernels;
use crate::measure::Phase;
use calotype_model::Map;

/// Input values of a position: 8x8 pixels of three channels.
const INPUTS: usize = 192;

/// A picture as rows of RGB bytes.
#[derive(Clone, Copy)]
struct Picture<'a> {
    rgb: &'a [u8],
    width: usize,
    height: usize,
}

impl<K: Kernels> Network<K> {
    /// v of the padded picture.
    pub(super) fn run_analysis(&self, rgb: &[u8], (width, height): (usize, usize)) -> Map<i16> {
        assert_eq!(rgb.len(), width * height * 3, "bytes of the picture");
        let picture = Picture { rgb, width, height };
        let mut v: Map<i16> = Map::zeros(4 * height.div_ceil(64), 4 * width.div_ceil(64), self.model.decoder().config.m);
        let rows = self.band_rows(&v);
        let (v_height, v_width, row) = (v.height, v.width, v.width * v.channels);
        for (i, latents) in v.data.chunks_mut(rows * row).enumerate() {
            let band = 2 * i * rows..2 * (i + 1) * rows;
            self.analyse_band(picture, band.start..band.end.min(2 * v_height), (2 * v_height, 2 * v_width), latents);
        }
        v
    }

    /// Rows `band` at 1/8 of the padded picture. Block i is run on as many rows beyond the band as there are blocks after it.
    fn analyse_band(&self, picture: Picture<'_>, band: Range<usize>, (height, width): (usize, usize), latents: &mut [i16]) {
        let g_a = &self.encoder().1.g_a;
        let channels = self.model.decoder().config.c;
        let first = widened(&band, g_a.blocks.len(), height);
        let mut field = self.field(Phase::Analysis, first.start / 2 * 2..first.end.next_multiple_of(2), (height, width, channels));
        let top = field.top;
        self.fill(&mut field, g_a.blocks.first(), |scratch, y, stream| {
            let inputs = room(&mut scratch.stream, stream.len() / channels * INPUTS);
            for (i, row) in inputs.chunks_exact_mut(width * INPUTS).enumerate() {
                unshuffle8(picture, top + 2 * y + i, row);
            }
            self.kernels.wide(&g_a.first, rows_of(inputs, INPUTS), stream);
        });
        for (i, block) in g_a.blocks.iter().enumerate() {
            self.run_block(&mut field, block, g_a.blocks.get(i + 1), widened(&band, g_a.blocks.len() - 1 - i, height));
        }
        self.write_latents(&field.stream[field.place(&band)], (field.row, field.width), latents);
        self.retire(field);
    }

    /// Pairs of rows, `row` stream values of `width` positions each, to rows of v.
    fn write_latents(&self, stream: &[i16], (row, width): (usize, usize), latents: &mut [i16]) {
        let pair = 2 * row / width;
        let latent_row = latents.len() / (stream.len() / (2 * row));
        let rows = job_rows(stream.len() / (2 * row), width);
        let jobs: Vec<_> = stream.chunks(2 * rows * row).zip(latents.chunks_mut(rows * latent_row)).collect();
        self.scratches.run(Phase::Analysis, jobs, |scratch, (stream, latents)| {
            let folded = room(&mut scratch.stream, stream.len());
            unshuffle2(stream, width / 2, pair, folded);
            self.kernels.wide(&self.encoder().1.g_a.last, rows_of(folded, 2 * pair), latents);
        });
    }
}

/// Row y of 8x8 blocks: `2 * pixel - 255`, replicated to the right and downwards.
fn unshuffle8(picture: Picture<'_>, y: usize, inputs: &mut [i16]) {
    let row_bytes = picture.width * 3;
    for dy in 0..8 {
        let row = &picture.rgb[(8 * y + dy).min(picture.height - 1) * row_bytes..][..row_bytes];
        let last = &row[row_bytes - 3..];
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

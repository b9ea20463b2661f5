//! The encoder's graph (docs/MODEL.md section 6).

use calotype_model::{Decoder, Encoder, QualityTables, Quantiser};

use super::decoder::{latents_of_step, reconstruct, step_means};
use super::{block, generate, pointwise_stream, read, round_shift, scaled, unshuffle, wide_stream};
use calotype_model::{Hyper, Map};

/// Pixels (RGB, row by row) to v `[4zh, 4zw, M]` of the padded picture.
pub fn analyse(encoder: &Encoder, rgb: &[u8], width: usize, height: usize) -> Map<i16> {
    let g_a = &encoder.g_a;
    let stream = wide_stream(&g_a.first, &unshuffle(&padded_input(rgb, width, height), 8));
    let stream = g_a.blocks.iter().fold(stream, |stream, weights| block(weights, &stream));
    wide_stream(&g_a.last, &unshuffle(&stream, 2))
}

/// `2 * pixel - 255`, replicated to the right and downwards to multiples of 64.
fn padded_input(rgb: &[u8], width: usize, height: usize) -> Map<i16> {
    assert_eq!(rgb.len(), width * height * 3, "pixels");
    let value = |y: usize, x: usize, c: usize| 2 * i16::from(rgb[(y.min(height - 1) * width + x.min(width - 1)) * 3 + c]) - 255;
    generate(height.next_multiple_of(64), width.next_multiple_of(64), 3, value)
}

/// v of a tile `[4zh, 4zw, M]` to z symbols `[zh, zw, Z]`; `gain_z` is [`Encoder::gain_z`].
pub fn hyper_analyse(encoder: &Encoder, gain_z: &[i16], v_tile: &Map<i16>) -> Vec<i16> {
    let h_a = &encoder.h_a;
    let stream = pointwise_stream(&h_a.first, &read(v_tile, &h_a.first_read));
    let stream = block(&h_a.block1, &stream);
    let stream = pointwise_stream(&h_a.mid, &unshuffle(&read(&stream, &h_a.mid_read), 2));
    let stream = block(&h_a.block2, &stream);
    let stream = pointwise_stream(&h_a.last, &unshuffle(&read(&stream, &h_a.last_read), 2));
    let shift = &encoder.gain_z.shift;
    let symbol = |c: usize, s: i16| round_shift(i32::from(s) * i32::from(gain_z[c]), shift[c]).clamp(-32767, 32767) as i16;
    super::each(&stream, symbol).data
}

/// Chooses the y symbols of a tile: v (at least `[lh, lw, M]`; the rest is ignored) to symbols `[lh, lw, M]` and the v_hat that they decode to.
pub fn code(decoder: &Decoder, q: &QualityTables, hyper: &Hyper, v_tile: &Map<i16>, quantiser: &Quantiser) -> (Vec<i16>, Map<i16>) {
    let v = v_tile.crop((0, 0), (hyper.h8.height, hyper.h8.width));
    let mut v_hat: Map<i16> = Map::zeros(v.height, v.width, v.channels);
    let mut symbols = vec![0; v.data.len()];
    for step in 0..4 {
        let mean = step_means(decoder, step, hyper, &v_hat);
        for latent in latents_of_step(step, &v_hat) {
            let m = latent % v.channels;
            let to_q6 = |value: i16| scaled(value, q.gain_y[m], decoder.tables.gain_y.shift[m]);
            let (y, mu) = (to_q6(v.data[latent]), to_q6(mean.data[latent]));
            let index = hyper.scale_index[latent];
            if index >= decoder.config.skip_below {
                symbols[latent] = quantiser.symbol(index, i32::from(y) - i32::from(mu));
            }
            v_hat.data[latent] = reconstruct(decoder, q, (symbols[latent], mu), m);
        }
    }
    (symbols, v_hat)
}

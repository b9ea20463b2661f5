//! The decoder's graph (docs/MODEL.md section 5).

use calotype_model::{ContextStep, Decoder, QualityTables};

use super::{block, each, generate, pointwise_stream, read, round_shift, sat8, sat16, scaled, shuffle, wide, wide_stream};
use calotype_model::{Hyper, Map, TileSize};

/// The phase of a latent by the parities of its row and column.
const PHASE: [[usize; 2]; 2] = [[0, 2], [3, 1]];

/// `ORDER[k][j]`: the phase of the latents that step k sets in channel quarter j.
const ORDER: [[usize; 4]; 4] = [[0, 1, 2, 3], [1, 0, 3, 2], [2, 3, 0, 1], [3, 2, 1, 0]];

/// Sections 5.1 and 5.2: z symbols `[zh, zw, Z]` of a tile to h and the scale indices.
pub fn hyper(decoder: &Decoder, q: &QualityTables, z: &[i16], tile: TileSize) -> Hyper {
    let h8 = read(&hyper_synthesis(decoder, &z_codes(decoder, q, z, tile), tile), &decoder.h_read);
    let log_sigma = pointwise_stream(&decoder.scale_head, &h8);
    let index = |m: usize, s: i16| decoder.scale_index(i32::from(s) + i32::from(q.log_gain_y[m]));
    Hyper { scale_index: each(&log_sigma, index).data, h8 }
}

fn z_codes(decoder: &Decoder, q: &QualityTables, z: &[i16], tile: TileSize) -> Map<i8> {
    let (height, width) = tile.hyper();
    let symbols = Map { height, width, channels: decoder.config.z, data: z.to_vec() };
    assert_eq!(z.len(), height * width * symbols.channels, "z symbols of the tile");
    let shift = &decoder.tables.gain_z_dec.shift;
    each(&symbols, |c, symbol| sat8(round_shift(i32::from(symbol) * i32::from(q.gain_z_dec[c]), shift[c])))
}

fn hyper_synthesis(decoder: &Decoder, z8: &Map<i8>, tile: TileSize) -> Map<i16> {
    let h_s = &decoder.h_s;
    let stream = shuffle(&pointwise_stream(&h_s.first, z8), 2);
    let stream = block(&h_s.block1, &stream);
    let stream = shuffle(&pointwise_stream(&h_s.mid, &read(&stream, &h_s.mid_read)), 2);
    block(&h_s.block2, &stream).crop((0, 0), (tile.lh, tile.lw))
}

/// Section 5.3: y symbols `[lh, lw, M]` of a tile to v_hat `[lh, lw, M]`.
pub fn means(decoder: &Decoder, q: &QualityTables, hyper: &Hyper, symbols: &[i16]) -> Map<i16> {
    let mut v_hat = Map::zeros(hyper.h8.height, hyper.h8.width, decoder.config.m);
    assert_eq!(symbols.len(), v_hat.data.len(), "y symbols of the tile");
    for step in 0..4 {
        let mean = step_means(decoder, step, hyper, &v_hat);
        for latent in latents_of_step(step, &v_hat) {
            let m = latent % decoder.config.m;
            let mu = scaled(mean.data[latent], q.gain_y[m], decoder.tables.gain_y.shift[m]);
            v_hat.data[latent] = reconstruct(decoder, q, (symbols[latent], mu), m);
        }
    }
    v_hat
}

/// Step k's means of all latents, in v units.
pub(super) fn step_means(decoder: &Decoder, step: usize, hyper: &Hyper, v_hat: &Map<i16>) -> Map<i16> {
    match step.checked_sub(1) {
        None => pointwise_stream(&decoder.mean_head, &hyper.h8),
        Some(context) => context_means(&decoder.context[context], &hyper.h8, &read(v_hat, &decoder.v_hat_read)),
    }
}

fn context_means(step: &ContextStep, h8: &Map<i8>, v8: &Map<i8>) -> Map<i16> {
    let input = concat(h8, v8);
    let stream = block(&step.block, &pointwise_stream(&step.first, &input));
    pointwise_stream(&step.last, &read(&stream, &step.last_read))
}

/// The channels of `a`, then those of `b`.
fn concat(a: &Map<i8>, b: &Map<i8>) -> Map<i8> {
    let value = |y: usize, x: usize, n: usize| if n < a.channels { a.at(y, x)[n] } else { b.at(y, x)[n - a.channels] };
    generate(a.height, a.width, a.channels + b.channels, value)
}

/// The flat indices of the latents that step k sets.
pub(super) fn latents_of_step(step: usize, v_hat: &Map<i16>) -> Vec<usize> {
    let (width, channels) = (v_hat.width, v_hat.channels);
    let in_step = |latent: &usize| {
        let (y, x, m) = (latent / channels / width, latent / channels % width, latent % channels);
        ORDER[step][m / (channels / 4)] == PHASE[y & 1][x & 1]
    };
    (0..v_hat.data.len()).filter(in_step).collect()
}

/// A latent of channel m from its symbol and mu (Q6).
pub(super) fn reconstruct(decoder: &Decoder, q: &QualityTables, (symbol, mu): (i16, i16), m: usize) -> i16 {
    let y_hat = sat16(64 * i32::from(symbol) + i32::from(mu));
    scaled(y_hat, q.gain_y_dec[m], decoder.tables.gain_y_dec.shift[m])
}

/// Section 5.4: v_hat `[lh, lw, M]` of a whole picture to its pixels, RGB, row by row.
pub fn synthesise(decoder: &Decoder, q: &QualityTables, v_hat: &Map<i16>, width: usize, height: usize) -> Vec<u8> {
    each(&q4(decoder, q, v_hat), |_, p| ((p + 8) >> 4).clamp(0, 255) as u8).crop((0, 0), (height, width)).data
}

/// The same before the last rounding, saturated to i16.
pub fn synthesise_q4(decoder: &Decoder, q: &QualityTables, v_hat: &Map<i16>, width: usize, height: usize) -> Vec<i16> {
    each(&q4(decoder, q, v_hat), |_, p| sat16(p)).crop((0, 0), (height, width)).data
}

/// All pixels of the latents, Q4.
fn q4(decoder: &Decoder, q: &QualityTables, v_hat: &Map<i16>) -> Map<i32> {
    let g_s = &decoder.g_s;
    let stream = shuffle(&wide_stream(&g_s.first, v_hat), 2);
    let stream = each(&stream, |c, value| sat16(i32::from(value) + i32::from(q.bias_dec[c])));
    let stream = g_s.blocks.iter().fold(stream, |stream, weights| block(weights, &stream));
    let rounded = each(&wide(&g_s.last, &stream), |n, a| round_shift(a, g_s.last.shift[n]));
    shuffle(&rounded, 8)
}

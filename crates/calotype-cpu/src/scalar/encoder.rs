//! The encoder's graph (docs/MODEL.md section 6).

use calotype_engine::{Hyper, Map, Quantiser};
use calotype_model::{Decoder, Encoder, HYPER, QualityTables};

use super::decoder::{Gains, walk};
use super::{Reading, chain, each, generate, round_shift};

/// Pixels (RGB, row by row) to v `[4zh, 4zw, M]` of the padded picture.
pub fn analyse(encoder: &Encoder, rgb: &[u8], width: usize, height: usize) -> Map<i16> {
    chain(&encoder.g_a, 0, Reading::Stream(padded_input(rgb, (width, height), HYPER * encoder.config.stride)))
}

/// `2 * pixel - 255`, replicated to the right and downwards to multiples of `unit`.
fn padded_input(rgb: &[u8], (width, height): (usize, usize), unit: usize) -> Map<i16> {
    assert_eq!(rgb.len(), width * height * 3, "pixels");
    let value = |y: usize, x: usize, c: usize| 2 * i16::from(rgb[(y.min(height - 1) * width + x.min(width - 1)) * 3 + c]) - 255;
    generate(height.next_multiple_of(unit), width.next_multiple_of(unit), 3, value)
}

/// v of a tile `[4zh, 4zw, M]` to z symbols `[zh, zw, Z]`; `gain_z` is [`Encoder::gain_z`].
pub fn hyper_analyse(encoder: &Encoder, gain_z: &[i16], v_tile: &Map<i16>) -> Vec<i16> {
    let Some(h_a) = &encoder.h_a else { return Vec::new() };
    let stream = chain(h_a, 0, Reading::Stream(v_tile.clone()));
    let shift = &encoder.gain_z.shift;
    let symbol = |c: usize, s: i16| round_shift(i32::from(s) * i32::from(gain_z[c]), shift[c]).clamp(-32767, 32767) as i16;
    each(&stream, symbol).data
}

/// Chooses the y symbols of a tile: v (at least `[lh, lw, M]`; the rest is ignored) to symbols `[lh, lw, M]` and the v_hat that they decode to.
pub fn code(decoder: &Decoder, q: &QualityTables, hyper: &Hyper, v_tile: &Map<i16>, quantiser: &Quantiser) -> (Vec<i16>, Map<i16>) {
    let v = v_tile.crop((0, 0), (hyper.side.h8.height, hyper.side.h8.width));
    let mut symbols = vec![0; v.data.len()];
    let v_hat = walk(decoder, q, &hyper.side, |latent, mu| {
        let index = hyper.scale_index[latent];
        let y = Gains::of(decoder, q, &hyper.side, latent).to_q6(v.data[latent]);
        if index >= decoder.config.skip_below {
            symbols[latent] = quantiser.symbol(index, y - mu);
        }
        symbols[latent]
    });
    (symbols, v_hat)
}

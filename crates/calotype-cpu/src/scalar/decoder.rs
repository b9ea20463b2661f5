//! The decoder's graph (docs/MODEL.md section 5).

use calotype_engine::{Hyper, Map, Side, TileSize};
use calotype_model::{Chain, Decoder, Input, QualityTables, WidthTables};

use super::{Reading, chain, each, generate, read, round_shift, sat8, sat16, sat17, scaled};

/// Sections 5.1 and 5.2: z symbols `[zh, zw, Z]` of a tile to h and the scale indices.
pub fn hyper(decoder: &Decoder, q: &QualityTables, z: &[i16], tile: TileSize) -> Hyper {
    let (Some(h_s), Some(scales)) = (&decoder.h_s, decoder.scale_predictor()) else {
        let side = Side { h8: Map::zeros(tile.lh, tile.lw, 0), width_index: Vec::new() };
        return Hyper { side, scale_index: q.scale_index_y.repeat(tile.lh * tile.lw) };
    };
    let h = chain(h_s, q.fineness, Reading::Codes(z_codes(decoder, q, z, tile))).crop((0, 0), (tile.lh, tile.lw));
    let h8 = read(&h, &decoder.h_read);
    let head = |predictor: &Chain| chain(predictor, q.fineness, Reading::Codes(h8.clone()));
    let width_index = decoder.width_predictor().map_or_else(Vec::new, |widths| each(&head(widths), |_, s| decoder.widths.index(s)).data);
    let log_sigma = head(scales).data.into_iter().enumerate().map(|(latent, s)| {
        let log_width = width_index.get(latent).map_or(0, |&width| 8 * (i32::from(width) - decoder.widths.middle()));
        i32::from(s) + i32::from(q.log_gain_y[latent % decoder.config.m]) - log_width
    });
    Hyper { scale_index: log_sigma.map(|s| decoder.scale_index(s)).collect(), side: Side { h8, width_index } }
}

fn z_codes(decoder: &Decoder, q: &QualityTables, z: &[i16], tile: TileSize) -> Map<i8> {
    let (height, width) = tile.hyper();
    let symbols = Map { height, width, channels: decoder.config.z, data: z.to_vec() };
    assert_eq!(z.len(), height * width * symbols.channels, "z symbols of the tile");
    let shift = &decoder.tables.gain_z_dec.shift;
    each(&symbols, |c, symbol| sat8(round_shift(i32::from(symbol) * i32::from(q.gain_z_dec[c]), shift[c])))
}

/// Section 5.3: y symbols `[lh, lw, M]` of a tile to v_hat `[lh, lw, M]`.
pub fn means(decoder: &Decoder, q: &QualityTables, side: &Side, symbols: &[i16]) -> Map<i16> {
    assert_eq!(symbols.len(), side.h8.height * side.h8.width * decoder.config.m, "y symbols of the tile");
    walk(decoder, q, side, |latent, _| symbols[latent])
}

/// Section 5.3 with `symbol(latent, mu)`, mu in Q6, at each latent's flat index. Returns v_hat `[lh, lw, M]`.
pub(super) fn walk(decoder: &Decoder, q: &QualityTables, side: &Side, mut symbol: impl FnMut(usize, i32) -> i16) -> Map<i16> {
    let h8 = &side.h8;
    let mut v_hat = Map::zeros(h8.height, h8.width, decoder.config.m);
    for (k, step) in decoder.schedule.steps.iter().enumerate() {
        let predicted = |mean: usize| predict(decoder, &decoder.predictors[mean], q, h8, &v_hat);
        let mean = step.mean.map_or_else(|| Map::zeros(v_hat.height, v_hat.width, v_hat.channels), predicted);
        for latent in latents_of_step(decoder, k, &v_hat) {
            let gains = Gains::of(decoder, q, side, latent);
            let mu = gains.to_q6(mean.data[latent]);
            v_hat.data[latent] = gains.reconstruct(symbol(latent, mu), mu);
        }
    }
    v_hat
}

/// A predictor's output `[lh, lw, M]`.
fn predict(decoder: &Decoder, predictor: &Chain, q: &QualityTables, h8: &Map<i8>, v_hat: &Map<i16>) -> Map<i16> {
    let codes = |input: &Input| match input {
        Input::H => h8.clone(),
        Input::VHat => read(v_hat, &decoder.v_hat_read),
        other => panic!("{}: a predictor does not see {other:?}", predictor.name),
    };
    let input = predictor.from.iter().map(codes).reduce(|a, b| concat(&a, &b)).expect("a predictor sees something");
    chain(predictor, q.fineness, Reading::Codes(input))
}

/// The channels of `a`, then those of `b`.
fn concat(a: &Map<i8>, b: &Map<i8>) -> Map<i8> {
    let value = |y: usize, x: usize, n: usize| if n < a.channels { a.at(y, x)[n] } else { b.at(y, x)[n - a.channels] };
    generate(a.height, a.width, a.channels + b.channels, value)
}

/// The flat indices of the latents that step k sets.
fn latents_of_step(decoder: &Decoder, k: usize, v_hat: &Map<i16>) -> Vec<usize> {
    let places = (0..v_hat.height).flat_map(|y| (0..v_hat.width).map(move |x| (y, x)));
    let channels = |(y, x)| {
        let first = (y * v_hat.width + x) * v_hat.channels;
        decoder.schedule.channels_at(k, y, x).flatten().map(move |m| first + m)
    };
    places.flat_map(channels).collect()
}

/// The gains of one latent, with their shifts, and the factors of its width.
pub(super) struct Gains {
    y: (i16, u8),
    y_dec: (i16, u8),
    width: i16,
    width_dec: i16,
}

impl Gains {
    pub fn of(decoder: &Decoder, q: &QualityTables, side: &Side, latent: usize) -> Gains {
        let (m, tables) = (latent % decoder.config.m, &decoder.tables);
        let width = side.width_index.get(latent).map(|&width| usize::from(width));
        let factor = |factors: &[i16]| width.map_or(WidthTables::ONE, |width| factors[width]);
        Gains {
            y: (q.gain_y[m], tables.gain_y.shift[m]),
            y_dec: (q.gain_y_dec[m], tables.gain_y_dec.shift[m]),
            width: factor(&decoder.widths.y),
            width_dec: factor(&decoder.widths.y_dec),
        }
    }

    /// v units to Q6.
    pub fn to_q6(&self, value: i16) -> i32 {
        let y = i32::from(scaled(value, self.y.0, self.y.1));
        sat17(round_shift(y * i32::from(self.width), WidthTables::SHIFT))
    }

    /// A latent from its symbol and mu (Q6).
    fn reconstruct(&self, symbol: i16, mu: i32) -> i16 {
        let y_hat = sat17(64 * i32::from(symbol) + mu);
        let y_hat = sat16(round_shift(y_hat * i32::from(self.width_dec), WidthTables::SHIFT));
        scaled(y_hat, self.y_dec.0, self.y_dec.1)
    }
}

/// Section 5.4: v_hat `[lh, lw, M]` of a whole picture to its pixels, RGB, row by row.
pub fn synthesise(decoder: &Decoder, q: &QualityTables, v_hat: &Map<i16>, width: usize, height: usize) -> Vec<u8> {
    each(&q4(decoder, q, v_hat), |_, p| ((i32::from(p) + 8) >> 4).clamp(0, 255) as u8).crop((0, 0), (height, width)).data
}

/// The same before the last rounding.
pub fn synthesise_q4(decoder: &Decoder, q: &QualityTables, v_hat: &Map<i16>, width: usize, height: usize) -> Vec<i16> {
    q4(decoder, q, v_hat).crop((0, 0), (height, width)).data
}

/// All pixels of the latents, Q4.
fn q4(decoder: &Decoder, q: &QualityTables, v_hat: &Map<i16>) -> Map<i16> {
    chain(&decoder.g_s, q.fineness, Reading::Stream(v_hat.clone()))
}

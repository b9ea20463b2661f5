//! The first network as docs/MODEL.md sections 5 and 6 write it, layer by layer: what its chains and its schedule must compute.
//!
//! Frozen: models of other forms have tests of their own.

use calotype_cpu::{Hyper, Map, TileSize, scalar};
use calotype_engine::{Quantiser, Side};
use calotype_model::{Block, Chain, Decoder, Layer, Pointwise, QualityTables, Wide, synthetic};
use scalar::{block, pointwise, read, round_shift, sat8, sat16, sat17, scaled, shuffle, stream_end, unshuffle};

const PHASE: [[usize; 2]; 2] = [[0, 2], [3, 1]];
const ORDER: [[usize; 4]; 4] = [[0, 1, 2, 3], [1, 0, 3, 2], [2, 3, 0, 1], [3, 2, 1, 0]];

fn predictor<'a>(decoder: &'a Decoder, name: &str) -> &'a Chain {
    decoder.predictors.iter().find(|chain| chain.name == name).expect(name)
}

fn layer<'a>(chain: &'a Chain, name: &str) -> &'a Layer {
    chain.stages.iter().map(|stage| &stage.layer).find(|layer| layer.name() == name).expect(name)
}

fn int8<'a>(chain: &'a Chain, name: &str) -> &'a Pointwise {
    let Layer::Int8(layer) = layer(chain, name) else { panic!("{name} reads a stream") };
    layer
}

fn wide_of<'a>(chain: &'a Chain, name: &str) -> &'a Wide {
    let Layer::Wide(layer) = layer(chain, name) else { panic!("{name} reads codes") };
    layer
}

fn stream(layer: &Pointwise, input: &Map<i8>) -> Map<i16> {
    stream_end(&pointwise(layer, input), &layer.shift)
}

fn wide_stream(layer: &Wide, input: &Map<i16>) -> Map<i16> {
    stream_end(&pointwise(layer, input), &layer.shift)
}

fn shift_of(chain: &Chain, stage: usize) -> &[u8] {
    chain.stages[stage].read.as_deref().expect("reads a stream")
}

fn only(blocks: &[Block]) -> &Block {
    let [block] = blocks else { panic!("one block") };
    block
}

fn map<S: Copy, T>(map: &Map<S>, value: impl Fn(usize, S) -> T) -> Map<T> {
    let data = map.data.iter().enumerate().map(|(i, &element)| value(i % map.channels, element)).collect();
    Map { height: map.height, width: map.width, channels: map.channels, data }
}

/// Sections 5.1 and 5.2.
fn hyper(d: &Decoder, q: &QualityTables, z: &[i16], tile: TileSize) -> Hyper {
    let (height, width) = tile.hyper();
    let symbols = Map { height, width, channels: d.config.z, data: z.to_vec() };
    let z8 = map(&symbols, |c, symbol| sat8(round_shift(i32::from(symbol) * i32::from(q.gain_z_dec[c]), d.tables.gain_z_dec.shift[c])));
    let h_s = d.h_s.as_ref().expect("h_s");
    let s = shuffle(&stream(int8(h_s, "h_s.first"), &z8), 2);
    let s = block(only(&h_s.stages[0].blocks), &s);
    let s = shuffle(&stream(int8(h_s, "h_s.mid"), &read(&s, shift_of(h_s, 1))), 2);
    let s = block(only(&h_s.stages[1].blocks), &s).crop((0, 0), (tile.lh, tile.lw));
    let h8 = read(&s, &d.h_read);
    let ls = stream(int8(predictor(d, "scale_head"), "scale_head"), &h8);
    let lw = stream(int8(predictor(d, "width_head"), "width_head"), &h8);
    let n = d.widths.y.len() as i32 / 2;
    let k: Vec<i32> = lw.data.iter().map(|&s| ((i32::from(s) + 4) >> 3).clamp(-n, n)).collect();
    let log_sigma = ls.data.iter().enumerate().map(|(i, &s)| i32::from(s) + i32::from(q.log_gain_y[i % d.config.m]) - 8 * k[i]);
    let scale_index = log_sigma.map(|s| d.scale_index(s)).collect();
    Hyper { side: Side { h8, width_index: k.iter().map(|k| (k + n) as u8).collect() }, scale_index }
}

/// The means of step k, section 5.3.
fn mean(d: &Decoder, k: usize, h8: &Map<i8>, v_hat: &Map<i16>) -> Map<i16> {
    if k == 0 {
        return stream(int8(predictor(d, "mean_head"), "mean_head"), h8);
    }
    let name = format!("context.{}", k - 1);
    let context = predictor(d, &name);
    let v8 = read(v_hat, &d.v_hat_read);
    let data = h8.data.chunks(h8.channels).zip(v8.data.chunks(v8.channels)).flat_map(|(h, v)| [h, v].concat()).collect();
    let input = Map { channels: h8.channels + v8.channels, data, ..*h8 };
    let s = block(only(&context.stages[0].blocks), &stream(int8(context, &format!("{name}.first")), &input));
    stream(int8(context, &format!("{name}.last")), &read(&s, shift_of(context, 1)))
}

fn widened(value: i32, factor: i16) -> i32 {
    sat17(round_shift(value * i32::from(factor), 12))
}

/// Section 5.3 with the symbols that `symbol(latent, mu)` gives.
fn v_hat(d: &Decoder, q: &QualityTables, side: &Side, mut symbol: impl FnMut(usize, i32) -> i16) -> Map<i16> {
    let (m, h8) = (d.config.m, &side.h8);
    let mut v_hat = Map::zeros(h8.height, h8.width, m);
    for (k, order) in ORDER.iter().enumerate() {
        let mean = mean(d, k, h8, &v_hat);
        for latent in 0..v_hat.data.len() {
            let (y, x, c) = (latent / m / h8.width, latent / m % h8.width, latent % m);
            if order[c / (m / 4)] == PHASE[y & 1][x & 1] {
                let width = usize::from(side.width_index[latent]);
                let mu = widened(scaled(mean.data[latent], q.gain_y[c], d.tables.gain_y.shift[c]).into(), d.widths.y[width]);
                let y_hat = sat17(64 * i32::from(symbol(latent, mu)) + mu);
                let y_hat = sat16(widened(y_hat, d.widths.y_dec[width]));
                v_hat.data[latent] = scaled(y_hat, q.gain_y_dec[c], d.tables.gain_y_dec.shift[c]);
            }
        }
    }
    v_hat
}

/// Section 5.4, Q4.
fn synthesis(d: &Decoder, q: &QualityTables, v_hat: &Map<i16>) -> Map<i16> {
    let bias = d.g_s.stages[0].bias.as_ref().expect("bias.dec").at(q.fineness);
    let s = shuffle(&wide_stream(wide_of(&d.g_s, "g_s.first"), v_hat), 2);
    let s = map(&s, |c, value| sat16(i32::from(value) + i32::from(bias[c])));
    let s = d.g_s.stages[0].blocks.iter().fold(s, |s, weights| block(weights, &s));
    shuffle(&wide_stream(wide_of(&d.g_s, "g_s.last"), &s), 8)
}

#[test]
fn chains_compute_the_first_network() {
    let (width, height, tile) = (80, 72, TileSize { lh: 5, lw: 5 });
    let (d, e) = synthetic::pair(&synthetic::tiny(), 40);
    let (q, quantiser) = (d.quality(9000), Quantiser::nearest());
    let rgb: Vec<u8> = (0..width * height * 3).map(|i| (i * 7 % 251 + i / 97) as u8).collect();

    let padded = |i: usize| rgb[((i / 3 / 128).min(height - 1) * width + (i / 3 % 128).min(width - 1)) * 3 + i % 3];
    let x = Map { height: 128, width: 128, channels: 3, data: (0..128 * 128 * 3).map(|i| 2 * i16::from(padded(i)) - 255).collect() };
    let s = wide_stream(wide_of(&e.g_a, "g_a.first"), &unshuffle(&x, 8));
    let s = e.g_a.stages[0].blocks.iter().fold(s, |s, weights| block(weights, &s));
    let v = wide_stream(wide_of(&e.g_a, "g_a.last"), &unshuffle(&s, 2));
    assert!(scalar::analyse(&e, &rgb, width, height) == v, "v");

    let h_a = e.h_a.as_ref().expect("h_a");
    let s = stream(int8(h_a, "h_a.first"), &read(&v, shift_of(h_a, 0)));
    let s = block(only(&h_a.stages[0].blocks), &s);
    let s = stream(int8(h_a, "h_a.mid"), &unshuffle(&read(&s, shift_of(h_a, 1)), 2));
    let s = block(only(&h_a.stages[1].blocks), &s);
    let s = stream(int8(h_a, "h_a.last"), &unshuffle(&read(&s, shift_of(h_a, 2)), 2));
    let gain = e.gain_z(9000);
    let z = map(&s, |c, s| round_shift(i32::from(s) * i32::from(gain[c]), e.gain_z.shift[c]).clamp(-32767, 32767) as i16).data;
    assert!(scalar::hyper_analyse(&e, &gain, &v) == z, "z");

    let expected = hyper(&d, &q, &z, tile);
    let found = scalar::hyper(&d, &q, &z, tile);
    assert!(found == expected, "h and scale indices");

    let cut = v.crop((0, 0), (tile.lh, tile.lw));
    let mut symbols = vec![0; cut.data.len()];
    let latents = v_hat(&d, &q, &expected.side, |latent, mu| {
        let (c, index) = (latent % d.config.m, expected.scale_index[latent]);
        let width = usize::from(expected.side.width_index[latent]);
        let y = widened(scaled(cut.data[latent], q.gain_y[c], d.tables.gain_y.shift[c]).into(), d.widths.y[width]);
        if index >= d.config.skip_below {
            symbols[latent] = quantiser.symbol(index, y - mu);
        }
        symbols[latent]
    });
    assert!(scalar::code(&d, &q, &expected, &v, &quantiser) == (symbols.clone(), latents.clone()), "symbols and v_hat of the encoder");
    assert!(scalar::means(&d, &q, &expected.side, &symbols) == latents, "v_hat of the decoder");

    let q4 = synthesis(&d, &q, &latents).crop((0, 0), (height, width)).data;
    assert!(scalar::synthesise_q4(&d, &q, &latents, width, height) == q4, "pixels in Q4");
    assert!(q4.iter().any(|&p| p > 16) && symbols.iter().any(|&symbol| symbol != 0), "a lively model");
}

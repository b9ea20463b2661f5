//! The scalar oracle: operations against numbers worked out by hand, and the graph's invariants on synthetic models.

use calotype_cpu::{Hyper, Map, TileSize, scalar};
use calotype_engine::Quantiser;
use calotype_model::{Config, Decoder, Depthwise, Encoder, Pointwise, Wide, synthetic};

fn map<T: Clone>(height: usize, width: usize, values: &[T]) -> Map<T> {
    Map { height, width, channels: values.len() / (height * width), data: values.to_vec() }
}

#[test]
fn numbers_round_and_saturate_as_the_page_says() {
    let shifted = [-7, -6, -5, -2, -1, 0, 1, 2, 3, 5, 6].map(|a| scalar::round_shift(a, 2));
    assert_eq!(shifted, [-2, -1, -1, 0, 0, 0, 0, 1, 1, 1, 2]);
    assert_eq!([i32::MIN, -3, i32::MAX].map(|a| scalar::round_shift(a, 0)), [i32::MIN, -3, i32::MAX]);
    assert_eq!([1 << 29, (1 << 29) - 1, (1 << 30) + (1 << 28)].map(|a| scalar::round_shift(a, 30)), [1, 0, 1]);
    assert_eq!([-1000, -128, -127, 127, 128].map(scalar::sat8), [-127, -127, -127, 127, 127]);
    assert_eq!([-32769, -32768, 32767, 32768].map(scalar::sat16), [-32768, -32768, 32767, 32767]);
    assert_eq!([-17, -16, -9, -8, -1, 0, 9].map(scalar::leaky), [-3, -2, -2, -1, -1, 0, 9]);
    assert_eq!(scalar::scaled(-32768, 32767, 30), -1);
    assert_eq!(scalar::scaled(-300, 5, 1), -750);
}

#[test]
fn pointwise_layers_multiply_rows_of_the_weight() {
    let layer = Pointwise {
        name: "p".into(),
        inputs: 2,
        outputs: 3,
        weight: vec![1, 2, -3, 4, 127, -127],
        bias: vec![10, 20, -30],
        shift: vec![0, 1, 2],
    };
    let sums = scalar::pointwise(&layer, &map(1, 2, &[5_i8, -6, 127, -127]));
    assert_eq!(sums, map(1, 2, &[3, -19, 1367, -117, -869, 32228]));
    assert_eq!(scalar::code_end(&sums, &layer.shift).data, [3, -9, 127, -117, -127, 127]);
    assert_eq!(scalar::active_end(&sums, &layer.shift).data, [3, -1, 127, -15, -54, 127]);
    assert_eq!(scalar::stream_end(&sums, &layer.shift).data, [3, -9, 342, -117, -434, 8057]);
    let stream = map(1, 2, &[32767_i16, 0, 100, -32768, 1, -8058]);
    assert_eq!(scalar::add_end(&stream, &sums, &layer.shift).data, [32767, -9, 442, -32768, -433, -1]);
}

#[test]
fn wide_layers_take_streams() {
    let layer = Wide { name: "w".into(), inputs: 2, outputs: 1, weight: vec![2047, -2047], bias: vec![-1], shift: vec![4] };
    let sums = scalar::pointwise(&layer, &map(1, 2, &[32767_i16, -32768, 3, 4]));
    assert_eq!(sums.data, [2047 * 65535 - 1, -2048]);
    assert_eq!(scalar::stream_end(&sums, &layer.shift).data, [32767, -128]);
}

#[test]
fn depthwise_layers_see_the_nearest_position_outside() {
    let weight = [1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 0, 0, 0, 1, 0, 0, 0, 0];
    let layer = Depthwise { name: "d".into(), channels: 2, weight: weight.to_vec(), bias: vec![0, 100], shift: vec![0, 0] };
    let sums = scalar::depthwise(&layer, &map(2, 2, &[1_i8, -1, 10, -2, 20, -3, 50, -4]));
    // channel 0 is [[1, 10], [20, 50]]; at (0, 0): (1+2+4+5)*1 + (3+6)*10 + (7+8)*20 + 9*50, and so on
    assert_eq!(sums, map(2, 2, &[852, 99, 1155, 98, 1263, 97, 1671, 96]));
}

#[test]
fn shuffles_are_phase_major_and_inverse() {
    let fine = map(2, 4, &(0..16).collect::<Vec<i16>>());
    let coarse = scalar::unshuffle(&fine, 2);
    assert_eq!(coarse, map(1, 2, &[0, 1, 2, 3, 8, 9, 10, 11, 4, 5, 6, 7, 12, 13, 14, 15]));
    assert_eq!(scalar::shuffle(&coarse, 2), fine);
    assert_ne!(scalar::shuffle(&coarse, 1), fine, "negative control");
    let wide = map(8, 16, &(0..8 * 16 * 3).collect::<Vec<i32>>());
    let coarse = scalar::unshuffle(&wide, 8);
    assert_eq!(coarse.at(0, 1)[(5 * 8 + 6) * 3 + 2], wide.at(5, 8 + 6)[2]);
    assert_eq!(scalar::shuffle(&coarse, 8), wide);
}

#[test]
fn streams_are_read_as_codes() {
    let read = scalar::read(&map(1, 2, &[-32768_i16, 3, 5, 8, 32767, -8]), &[15, 0, 4]);
    assert_eq!(read.data, [-1, 3, 0, 0, 127, 0]);
}

/// A picture of waves with a little noise, RGB.
fn picture(width: usize, height: usize) -> Vec<u8> {
    let wave = |x: usize, y: usize, c: usize| (x * (c + 3) + y * 5) % 199 + (x * x + 7 * y * x + c * 31) % 57;
    (0..width * height * 3).map(|i| wave(i / 3 % width, i / 3 / width, i % 3) as u8).collect()
}

/// All that an encoder makes of one picture of one tile.
struct Coded {
    v: Map<i16>,
    z: Vec<i16>,
    hyper: Hyper,
    symbols: Vec<i16>,
    v_hat: Map<i16>,
}

fn encode((decoder, encoder): &(Decoder, Encoder), (width, height): (usize, usize), fineness: u16) -> Coded {
    let q = decoder.quality(fineness);
    let v = scalar::analyse(encoder, &picture(width, height), width, height);
    let z = scalar::hyper_analyse(encoder, &encoder.gain_z(fineness), &v);
    let tile = TileSize { lh: height.div_ceil(16), lw: width.div_ceil(16) };
    let hyper = scalar::hyper(decoder, &q, &z, tile);
    let (symbols, v_hat) = scalar::code(decoder, &q, &hyper, &v, &Quantiser::nearest());
    Coded { v, z, hyper, symbols, v_hat }
}

#[test]
fn the_decoder_repeats_what_the_encoder_saw() {
    let pair = synthetic::pair(&synthetic::tiny(), 7);
    for (size, quality) in [((1, 1), 0), ((65, 130), 8000), ((16, 200), 16128), ((100, 48), 12_345)] {
        let coded = encode(&pair, size, quality);
        let q = pair.0.quality(quality);
        assert_eq!(scalar::means(&pair.0, &q, &coded.hyper.side, &coded.symbols), coded.v_hat);
        let skipped = coded.hyper.scale_index.iter().zip(&coded.symbols).filter(|(index, _)| **index < pair.0.config.skip_below);
        assert!(skipped.into_iter().all(|(_, symbol)| *symbol == 0));
        let rgb = scalar::synthesise(&pair.0, &q, &coded.v_hat, size.0, size.1);
        assert_eq!(rgb.len(), size.0 * size.1 * 3);
    }
}

#[test]
fn every_symbol_matters_to_the_means() {
    let pair = synthetic::pair(&synthetic::tiny(), 7);
    let coded = encode(&pair, (64, 64), 8000);
    let q = pair.0.quality(8000);
    let mut changed = coded.symbols.clone();
    changed[0] += 3;
    assert_ne!(scalar::means(&pair.0, &q, &coded.hyper.side, &changed), coded.v_hat);
}

/// Where v - mu is rounded to the nearest symbol without skipping, |y - y_hat| is at most half a symbol (32 / 64).
#[test]
fn nearest_symbols_reconstruct_y_within_half_a_symbol() {
    let config = Config { skip_below: 0, ..synthetic::tiny() };
    let pair = synthetic::pair(&config, 3);
    let coded = encode(&pair, (96, 64), 6000);
    let (q, tables) = (pair.0.quality(6000), &pair.0.tables);
    for y in 0..coded.v_hat.height {
        for x in 0..coded.v_hat.width {
            for m in 0..config.m {
                let width = pair.0.widths.y[usize::from(coded.hyper.side.width_index[(y * coded.v_hat.width + x) * config.m + m])];
                let y_q6 =
                    |v: i16| scalar::round_shift(i32::from(scalar::scaled(v, q.gain_y[m], tables.gain_y.shift[m])) * i32::from(width), 12);
                let error = y_q6(coded.v.at(y, x)[m]) - y_q6(coded.v_hat.at(y, x)[m]);
                assert!(error.abs() <= 36, "{error} at {y}, {x}, {m}: half a symbol and the rounding of all tables");
            }
        }
    }
}

/// The halo of docs/MODEL.md section 5.4: pixels farther than 8 n_d from a cut do not see it.
#[test]
fn synthesis_sees_eight_pixels_a_block() {
    let pair = synthetic::pair(&synthetic::tiny(), 5);
    let coded = encode(&pair, (96, 48), 9000);
    let q = pair.0.quality(9000);
    let whole = map(48, 96 * 3, &scalar::synthesise(&pair.0, &q, &coded.v_hat, 96, 48));
    let left = map(48, 64 * 3, &scalar::synthesise(&pair.0, &q, &coded.v_hat.crop((0, 0), (3, 4)), 64, 48));
    let safe = 64 - 8 * pair.0.config.n_d;
    assert_eq!(whole.crop((0, 0), (48, safe * 3)), left.crop((0, 0), (48, safe * 3)));
    assert_ne!(whole.crop((0, 0), (48, 64 * 3)), left, "negative control");
}

/// The share of zeros and of extremes in a map.
fn shares<T: Copy + PartialEq + Into<i64>>(values: &[T], extreme: i64) -> (f64, f64) {
    let share = |hit: &dyn Fn(i64) -> bool| values.iter().filter(|value| hit((**value).into())).count() as f64 / values.len() as f64;
    (share(&|value| value == 0), share(&|value| value.abs() >= extreme))
}

#[test]
fn synthetic_models_are_lively() {
    for (config, seed) in
        [(synthetic::tiny(), 1), (synthetic::tiny(), 2), (Config { c: 64, m: 96, p: 48, z: 16, n_e: 2, n_d: 3, ..synthetic::tiny() }, 1)]
    {
        let pair = synthetic::pair(&config, seed);
        let coded = encode(&pair, (160, 128), 8064);
        let rgb = scalar::synthesise(&pair.0, &pair.0.quality(8064), &coded.v_hat, 160, 128);
        let black_or_white = rgb.iter().filter(|pixel| [0, 255].contains(pixel)).count() as f64 / rgb.len() as f64;
        let report = [
            ("v", shares(&coded.v.data, 32767)),
            ("z", shares(&coded.z, 100)),
            ("h8", shares(&coded.hyper.side.h8.data, 127)),
            ("scale_index", shares(&coded.hyper.scale_index, 63)),
            ("symbols", shares(&coded.symbols, 1000)),
            ("v_hat", shares(&coded.v_hat.data, 32767)),
            ("pixels", (0.0, black_or_white)),
        ];
        for (name, (zeros, extremes)) in report {
            println!("{name}: {zeros:.2} zero, {extremes:.2} extreme");
            assert!(zeros < 0.6 && extremes < 0.35, "{name}: {zeros:.2} zero, {extremes:.2} extreme");
        }
        let skipped = coded.hyper.scale_index.iter().filter(|index| **index < config.skip_below).count();
        assert!(skipped > 0 && skipped * 2 < coded.hyper.scale_index.len(), "{skipped} skipped");
    }
}

/// CRC-32 (IEEE).
fn crc32(bytes: impl Iterator<Item = u8>) -> u32 {
    let bit = |crc: u32| if crc & 1 == 1 { crc >> 1 ^ 0xEDB8_8320 } else { crc >> 1 };
    !bytes.fold(!0, |crc, byte| (0..8).fold(crc ^ u32::from(byte), |crc, _| bit(crc)))
}

/// Constants from `numpy_oracle.py`: h8, scale indices, v_hat and pixels of the NumPy reference decoder.
#[test]
fn the_numpy_decoder_agrees() {
    assert_eq!(crc32(b"123456789".iter().copied()), 0xCBF4_3926);
    let (decoder, _) = synthetic::pair(&synthetic::tiny(), 1);
    let z: Vec<i16> = (0..2 * 3 * 8).map(|i: i32| ((i * i * 7 + i * 13) % 41 - 20) as i16).collect();
    let symbols: Vec<i16> = (0..7 * 10 * 24).map(|i: i32| ((i * i * 11 + i * 5) % 23 - 11) as i16).collect();
    for (quality, numpy) in [
        (0, [0xac7a_83a0, 0xebba_7d47, 0x19c7_3d19, 0x840a_7a53]),
        (8001, [0x4863_b064, 0x5e3a_f006, 0x18b3_e4b4, 0xd97c_fabf]),
        (16128, [0xd2a7_3675, 0x8b1c_0017, 0x244c_f649, 0x1a98_0a9e]),
    ] {
        let q = decoder.quality(quality);
        let hyper = scalar::hyper(&decoder, &q, &z, TileSize { lh: 7, lw: 10 });
        let v_hat = scalar::means(&decoder, &q, &hyper.side, &symbols);
        let pixels = scalar::synthesise(&decoder, &q, &v_hat, 150, 100);
        let h8 = crc32(hyper.side.h8.data.iter().map(|&code| code as u8));
        let v_hat = crc32(v_hat.data.iter().flat_map(|value| value.to_le_bytes()));
        assert_eq!([h8, crc32(hyper.scale_index.into_iter()), v_hat, crc32(pixels.into_iter())], numpy, "quality {quality}");
    }
}

/// Constants from `numpy_oracle.py`: v, then z at three qualities.
#[test]
fn the_numpy_encoder_agrees() {
    let (_, encoder) = synthetic::pair(&synthetic::tiny(), 1);
    let v = scalar::analyse(&encoder, &picture(90, 70), 90, 70);
    let bytes = |values: &[i16]| crc32(values.iter().flat_map(|value| value.to_le_bytes()));
    assert_eq!(bytes(&v.data), 0xa52b_6ec7);
    let z = [0, 8001, 16128].map(|quality| bytes(&scalar::hyper_analyse(&encoder, &encoder.gain_z(quality), &v)));
    assert_eq!(z, [0x61b9_e85e, 0xaadd_df9d, 0x3d42_68a6]);
}

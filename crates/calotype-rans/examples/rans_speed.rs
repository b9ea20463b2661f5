//! Prints median times of encoding and decoding a tile like a photograph's: 590,000 latents, a third of them coded.

#[path = "../tests/support/mod.rs"]
mod support;

use std::time::Instant;

use calotype_rans::{Scales, decode, encode};
use support::Random;

const CHANNELS: usize = 384;
const LATENTS: usize = 1536 * CHANNELS;
const SKIP_BELOW: u8 = 6;
const REPEATS: usize = 101;

fn main() {
    let tables = support::tables();
    let (symbols, scale_index) = photograph();
    let scales = Scales { index: &scale_index, skip_below: SKIP_BELOW, channels: CHANNELS };
    let coded = scale_index.iter().filter(|&&index| index >= SKIP_BELOW).count();
    let bytes = encode(&symbols, scales, &tables).expect("valid symbols");
    let mut decoded = vec![0; LATENTS];
    let encode_ms = median_ms(|| assert!(encode(&symbols, scales, &tables).is_ok()));
    let decode_ms = median_ms(|| assert!(decode(&bytes, scales, &tables, &mut decoded).is_ok()));
    assert_eq!(decoded, symbols);
    println!("{LATENTS} latents, {coded} coded, {} bytes, {} lanes", bytes.len(), calotype_rans::lanes(coded));
    println!("encode {encode_ms:.3} ms, decode {decode_ms:.3} ms (medians of {REPEATS})");
}

/// Channels of falling energy, with a spread within each.
fn photograph() -> (Vec<i16>, Vec<u8>) {
    let (mut random, scales) = (Random(1), support::scales());
    let latent = |position: usize| {
        let fall = (position % CHANNELS) as f64 / CHANNELS as f64;
        let index = (26.0 - 45.0 * fall + 6.0 * random.normal()).clamp(0.0, 63.0) as u8;
        let symbol = (scales[usize::from(index)] * random.normal()).round() as i16;
        (if index < SKIP_BELOW { 0 } else { symbol }, index)
    };
    (0..LATENTS).map(latent).unzip()
}

fn median_ms(mut work: impl FnMut()) -> f64 {
    let mut times: Vec<f64> = (0..REPEATS).map(|_| Instant::now()).map(|begin| (work(), begin.elapsed().as_secs_f64() * 1e3).1).collect();
    times.sort_by(f64::total_cmp);
    times[REPEATS / 2]
}

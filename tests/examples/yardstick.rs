//! Prints median times of our rANS and of another coder on 30,000 symbols like a tile's, with one state each.

#[path = "../../crates/calotype-rans/tests/support/mod.rs"]
mod support;

use std::time::Instant;

use calotype_rans::{Scales, decode, encode};
use calotype_tests::yardstick::Yardstick;
use support::{Random, row, scales};

const SYMBOLS: usize = 30_000;
const REPEATS: usize = 201;

fn main() {
    let frequencies: Vec<Vec<u32>> = scales().iter().map(|&sigma| row(sigma, 15).freqs).collect();
    let (yardstick, tables, mut random) = (Yardstick::new(&frequencies), support::tables(), Random(1));
    let scale_index: Vec<u8> = (0..SYMBOLS).map(|_| 6 + random.below(24) as u8).collect();
    let symbol = |&index: &u8| {
        let largest = yardstick.largest(index.into());
        ((scales()[usize::from(index)] * random.normal()).round() as i16).clamp(-largest, largest)
    };
    let symbols: Vec<i16> = scale_index.iter().map(symbol).collect();
    let scales = Scales::in_order(&scale_index, 0);
    let (ours, theirs) = (encode(&symbols, scales, &tables).expect("valid symbols"), yardstick.encode(&symbols, &scale_index));
    let mut decoded = vec![0; SYMBOLS];
    let times = [
        median_us(|| assert!(encode(&symbols, scales, &tables).is_ok())),
        median_us(|| assert!(decode(&ours, scales, &tables, &mut decoded).is_ok())),
        median_us(|| assert!(!yardstick.encode(&symbols, &scale_index).is_empty())),
        median_us(|| yardstick.decode(&theirs, &scale_index, &mut decoded)),
    ];
    assert_eq!(decoded, symbols);
    let [encode, decode, their_encode, their_decode] = times.map(|us| SYMBOLS as f64 / us);
    println!("ours: {} bytes, encode {encode:.0}, decode {decode:.0} million symbols a second", ours.len());
    println!("the other coder: {} bytes, encode {their_encode:.0}, decode {their_decode:.0}", theirs.len());
}

fn median_us(mut work: impl FnMut()) -> f64 {
    let mut times: Vec<f64> = (0..REPEATS).map(|_| Instant::now()).map(|begin| (work(), begin.elapsed().as_secs_f64() * 1e6).1).collect();
    times.sort_by(f64::total_cmp);
    times[REPEATS / 2]
}

//! Any bytes as a stream under scales that the first bytes choose; what is decoded is encoded again, the same.
#![no_main]

use std::sync::LazyLock;

use calotype_model::synthetic;
use calotype_rans::{Scales, Tables, decode, encode};
use libfuzzer_sys::fuzz_target;

static TABLES: LazyLock<Tables> = LazyLock::new(|| {
    let (decoder, _) = synthetic::pair(&synthetic::tiny(), 7);
    Tables::new(&decoder.cdf_sizes, &decoder.cdf).expect("a synthetic model")
});

fuzz_target!(|input: (u8, u8, u8, u8, &[u8])| {
    let (positions, channels, step, skip_below, stream) = input;
    // From one lane to four.
    let (positions, channels) = (usize::from(positions), usize::from(channels).max(1));
    let index: Vec<u8> = (0..positions * channels).map(|i| (i.wrapping_mul(usize::from(step)) % TABLES.len()) as u8).collect();
    let scales = Scales { index: &index, skip_below, channels };
    let mut symbols = vec![0; index.len()];
    if decode(stream, scales, &TABLES, &mut symbols).is_ok() {
        assert_eq!(encode(&symbols, scales, &TABLES).expect("symbols that were read"), stream);
    }
});

//! Any bytes as a stream under scales that the first bytes choose; what is decoded is encoded again, the same.
#![no_main]

use std::sync::LazyLock;

use calotype_model::synthetic;
use calotype_rans::{Tables, decode, encode};
use libfuzzer_sys::fuzz_target;

static TABLES: LazyLock<Tables> = LazyLock::new(|| {
    let (decoder, _) = synthetic::pair(&synthetic::tiny(), 7);
    Tables::new(&decoder.cdf_sizes, &decoder.cdf).expect("a synthetic model")
});

fuzz_target!(|input: (u16, u8, u8, &[u8])| {
    let (count, step, skip_below, stream) = input;
    // From one lane to four.
    let count = usize::from(count) * 2;
    let scales: Vec<u8> = (0..count).map(|i| (i.wrapping_mul(usize::from(step)) % TABLES.len()) as u8).collect();
    let mut symbols = vec![0; count];
    if decode(stream, &scales, skip_below, &TABLES, &mut symbols).is_ok() {
        assert_eq!(encode(&symbols, &scales, skip_below, &TABLES).expect("symbols that were read"), stream);
    }
});

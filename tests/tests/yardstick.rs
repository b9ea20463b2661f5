//! Our coder beside a well-known one: the same symbols and tables, almost the same size.

#[path = "../../crates/calotype-rans/tests/support/mod.rs"]
mod support;

use calotype_rans::{Scales, encode, lanes};
use calotype_tests::yardstick::Yardstick;
use support::{Random, row, scales};

/// Bytes that the streams may differ by: both spend some on their last states, and round at different places.
const SLACK: usize = 16;

#[test]
fn sizes_are_those_of_another_coder() {
    let frequencies: Vec<Vec<u32>> = scales().iter().map(|&sigma| row(sigma, 15).freqs).collect();
    let (yardstick, tables) = (Yardstick::new(&frequencies), support::tables());
    for (seed, count) in [(1, 1), (2, 100), (3, 5_000), (4, 32_767)] {
        let mut random = Random(seed);
        let scale_index: Vec<u8> = (0..count).map(|_| 4 + random.below(52) as u8).collect();
        let symbol = |&index: &u8| {
            let largest = yardstick.largest(index.into());
            ((scales()[usize::from(index)] * random.normal()).round() as i16).clamp(-largest, largest)
        };
        let symbols: Vec<i16> = scale_index.iter().map(symbol).collect();
        let ours = encode(&symbols, Scales::in_order(&scale_index, 0), &tables).unwrap();
        let theirs = yardstick.encode(&symbols, &scale_index);
        println!("{count} symbols: {} bytes, {} of the yardstick's", ours.len(), theirs.len());
        assert_eq!(lanes(count), 1, "one state each");
        assert!(ours.len().abs_diff(theirs.len()) <= SLACK, "{count} symbols: {} and {}", ours.len(), theirs.len());
        let mut decoded = vec![0; count];
        yardstick.decode(&theirs, &scale_index, &mut decoded);
        assert_eq!(decoded, symbols, "the yardstick's tables are these");
    }
}

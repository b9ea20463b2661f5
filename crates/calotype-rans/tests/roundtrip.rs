//! Streams come back as they went in, frozen streams stay decodable, lanes follow FORMAT.md.

mod support;

use calotype_rans::{Error, Fault, Scales, Tables, decode, encode, lanes};
use proptest::prelude::*;
use support::Random;

/// Two tables: symbols -1..=1 with half of the range at 0; symbol 0 alone.
fn tiny() -> Tables {
    Tables::new(&[1, 0], &[0, 8192, 24576, 32760, 0, 30000]).unwrap()
}

fn decoded(bytes: &[u8], scale_index: &[u8], skip_below: u8, tables: &Tables) -> Result<Vec<i16>, Error> {
    let mut symbols = vec![-1; scale_index.len()];
    decode(bytes, Scales::in_order(scale_index, skip_below), tables, &mut symbols).map(|()| symbols)
}

/// Symbols of the scales' own distribution, but for some that need escapes, and 0 where skipped.
fn natural(count: usize, skip_below: u8, seed: u64) -> (Vec<i16>, Vec<u8>) {
    let (mut random, scales) = (Random(seed), support::scales());
    let one = |_| {
        let index = random.below(64) as u8;
        let symbol = match random.below(50) {
            0 => random.below(65535) as i32 - 32767,
            _ => (scales[usize::from(index)] * random.normal()).round() as i32,
        };
        (if index < skip_below { 0 } else { symbol as i16 }, index)
    };
    (0..count).map(one).unzip()
}

#[test]
fn streams_around_the_lane_limits_come_back() {
    let tables = support::tables();
    for count in [0, 1, 2, 3, 5, 31, 4095, 32_766, 32_767, 32_768, 32_769, 32_771, 2_097_151, 2_097_152, 2_097_170] {
        let (symbols, scale_index) = natural(count, 0, count as u64);
        let bytes = encode(&symbols, Scales::in_order(&scale_index, 0), &tables).unwrap();
        assert_eq!(bytes.is_empty(), count == 0);
        assert_eq!(decoded(&bytes, &scale_index, 0, &tables).unwrap(), symbols, "{count} symbols");
    }
}

#[test]
fn streams_of_32_lanes_come_back() {
    let count = 4_194_304 + 33;
    let (symbols, scale_index) = natural(count, 0, 7);
    let tables = support::tables();
    let bytes = encode(&symbols, Scales::in_order(&scale_index, 0), &tables).unwrap();
    assert_eq!(lanes(count), 32);
    assert!(decoded(&bytes, &scale_index, 0, &tables).unwrap() == symbols);
}

#[test]
fn skipped_symbols_take_no_room_and_become_zero() {
    let tables = support::tables();
    let (symbols, scale_index) = natural(100_000, 40, 3);
    let bytes = encode(&symbols, Scales::in_order(&scale_index, 40), &tables).unwrap();
    assert_eq!(decoded(&bytes, &scale_index, 40, &tables).unwrap(), symbols);
    let (dense_symbols, dense_index): (Vec<i16>, Vec<u8>) = symbols.iter().zip(&scale_index).filter(|(_, index)| **index >= 40).unzip();
    assert_eq!(encode(&dense_symbols, Scales::in_order(&dense_index, 0), &tables).unwrap(), bytes);
}

#[test]
fn all_symbols_survive_the_escape() {
    let tables = tiny();
    let symbols: Vec<i16> = (-32767..=32767).collect();
    for index in [0, 1] {
        let scale_index = vec![index; symbols.len()];
        let bytes = encode(&symbols, Scales::in_order(&scale_index, 0), &tables).unwrap();
        assert!(decoded(&bytes, &scale_index, 0, &tables).unwrap() == symbols);
    }
}

#[test]
fn the_largest_table_works() {
    let tables = Tables::new(&[16383], &(0..32768).collect::<Vec<u16>>()).unwrap();
    let symbols = [-16383, 0, 16383, 16384, -32767];
    let bytes = encode(&symbols, Scales::in_order(&[0; 5], 0), &tables).unwrap();
    assert_eq!(decoded(&bytes, &[0; 5], 0, &tables).unwrap(), symbols);
}

/// One lane, two tables, escapes of both signs, one skipped symbol (index 0 with `skip_below` 1).
#[test]
fn frozen_stream_of_one_lane() {
    let (scale_index, symbols) = ([0, 1, 0, 0, 0, 0, 1], [0, 0, -1, 1, 2, -300, 5]);
    assert_eq!(decoded(&FROZEN, &scale_index, 0, &tiny()).unwrap(), symbols);
    assert_eq!(encode(&symbols, Scales::in_order(&scale_index, 0), &tiny()).unwrap(), FROZEN);
    assert_eq!(decoded(&FROZEN_SKIPPED, &scale_index, 1, &tiny()).unwrap(), [0, 0, 0, 0, 0, 0, 5]);
    assert_eq!(encode(&[0, 0, 0, 0, 0, 0, 5], Scales::in_order(&scale_index, 1), &tiny()).unwrap(), FROZEN_SKIPPED);
}

/// Written by an independent encoder after FORMAT.md (Python).
const FROZEN: [u8; 10] = [0xDD, 0x07, 0xE9, 0x33, 0xF8, 0x7F, 0x3E, 0x0C, 0x60, 0xBC];
const FROZEN_SKIPPED: [u8; 4] = [0x7C, 0x03, 0xE0, 0x55];

/// 32,768 symbols in four lanes: symbol i is 0 but for every 4099th. The hash is FNV-1a of the independent encoder's bytes.
#[test]
fn frozen_stream_of_four_lanes() {
    let symbols: Vec<i16> = (0..32_768).map(|i| if i % 4099 == 0 { (i / 4099 - 4) as i16 } else { 0 }).collect();
    let scale_index = vec![1; symbols.len()];
    let bytes = encode(&symbols, Scales::in_order(&scale_index, 0), &tiny()).unwrap();
    let hash = bytes.iter().fold(0xCBF2_9CE4_8422_2325_u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3));
    assert_eq!((bytes.len(), hash), (528, 0x6BB7_E114_8BEF_49DF));
    assert!(decoded(&bytes, &scale_index, 0, &tiny()).unwrap() == symbols);
}

#[test]
fn cost_is_the_logarithm_of_the_frequency() {
    let sigmas = support::scales();
    let tables = support::tables();
    for (index, sigma) in sigmas.iter().enumerate() {
        let row = support::row(*sigma, 15);
        for symbol in -row.largest..=row.largest {
            let freq = f64::from(row.freqs[(symbol + row.largest) as usize]);
            let exact = 256.0 * (15.0 - freq.log2());
            let cost = f64::from(tables.cost(index as u8, symbol as i16));
            assert!((cost - exact).abs() <= 0.75, "scale {index} symbol {symbol}: {cost} for {exact}");
        }
    }
    let (first_escape, last_escape) = (tables.cost(0, 30_000), tables.cost(63, 32_767));
    assert_eq!((first_escape - tables.cost(0, 1)) % 512, 0);
    assert!(last_escape > tables.cost(63, 900));
    assert_eq!((tables.cost(64, 0), tables.cost(0, i16::MIN)), (u32::MAX, u32::MAX));
}

#[test]
fn usage_errors_are_told() {
    let tables = tiny();
    assert_eq!(encode(&[0], Scales::in_order(&[], 0), &tables), Err(Error::Lengths { symbols: 1, scale_indices: 0 }));
    assert_eq!(encode(&[0], Scales::in_order(&[2], 0), &tables), Err(Error::ScaleIndex { index: 2, tables: 2 }));
    assert_eq!(encode(&[0], Scales::in_order(&[2], 3), &tables), Ok(vec![]));
    assert_eq!(encode(&[0, i16::MIN], Scales::in_order(&[0, 0], 0), &tables), Err(Error::Symbol { position: 1 }));
    assert_eq!(encode(&[0, 4], Scales::in_order(&[0, 0], 1), &tables), Err(Error::Skipped { position: 1, symbol: 4 }));
    assert_eq!(decode(&[], Scales::in_order(&[0], 0), &tables, &mut []), Err(Error::Lengths { symbols: 0, scale_indices: 1 }));
    assert_eq!(decoded(&[], &[2], 0, &tables), Err(Error::ScaleIndex { index: 2, tables: 2 }));
    assert_eq!(decoded(&[], &[0], 0, &tables), Err(Error::Malformed { offset: 0, fault: Fault::Truncated }));
}

/// Any valid tables.
fn any_tables() -> impl Strategy<Value = Tables> {
    let starts = |n: u16| prop::collection::btree_set(1_u16..1 << 15, 2 * usize::from(n) + 1);
    let table = (0_u16..40).prop_flat_map(move |n| starts(n).prop_map(move |starts| (n, starts)));
    prop::collection::vec(table, 1..6).prop_map(|rows| {
        let sizes: Vec<u16> = rows.iter().map(|(n, _)| *n).collect();
        let cdf: Vec<u16> = rows.iter().flat_map(|(_, starts)| std::iter::once(0).chain(starts.iter().copied())).collect();
        Tables::new(&sizes, &cdf).unwrap()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    #[test]
    fn any_symbols_under_any_tables_come_back(
        tables in any_tables(), skip_below in 0_u8..3, pairs in prop::collection::vec((-32767_i16.., 0_u8..6, any::<bool>()), 0..300),
    ) {
        let scale_index: Vec<u8> = pairs.iter().map(|pair| pair.1 % tables.len() as u8).collect();
        let symbol = |(pair, index): (&(i16, u8, bool), &u8)| match *index < skip_below { true => 0, false if pair.2 => pair.0, _ => pair.0 % 20 };
        let symbols: Vec<i16> = pairs.iter().zip(&scale_index).map(symbol).collect();
        let bytes = encode(&symbols, Scales::in_order(&scale_index, skip_below), &tables).unwrap();
        prop_assert_eq!(decoded(&bytes, &scale_index, skip_below, &tables).unwrap(), symbols);
    }
}

//! Damaged streams and tables are errors, never panics; whatever decodes is what the encoder would have written.

mod support;

use calotype_rans::{Error, Fault, Scales, TableError, Tables, decode, encode};
use support::Random;

const SIZES: [u16; 2] = [1, 0];
const CDF: [u16; 6] = [0, 8192, 24576, 32760, 0, 30000];

fn tiny() -> Tables {
    Tables::new(&SIZES, &CDF).unwrap()
}

fn fault(bytes: &[u8], scale_index: &[u8]) -> (usize, Fault) {
    match decode(bytes, Scales::in_order(scale_index, 0), &tiny(), &mut vec![0; scale_index.len()]) {
        Err(Error::Malformed { offset, fault }) => (offset, fault),
        other => panic!("{other:?} for {bytes:?}"),
    }
}

/// A stream with escapes, its symbols and scale indices.
fn valid() -> (Vec<u8>, Vec<i16>, Vec<u8>) {
    let symbols: Vec<i16> = (0..200).map(|i: i16| if i % 17 == 0 { i * 91 - 9000 } else { i % 3 - 1 }).collect();
    let scale_index: Vec<u8> = (0..200).map(|i| i % 2).collect();
    (encode(&symbols, Scales::in_order(&scale_index, 0), &tiny()).unwrap(), symbols, scale_index)
}

#[test]
fn truncation_at_every_byte_is_an_error() {
    let (bytes, _, scale_index) = valid();
    for length in 0..bytes.len() {
        let (offset, fault) = fault(&bytes[..length], &scale_index);
        assert!(offset <= length && matches!(fault, Fault::Truncated | Fault::OddLength | Fault::Escape { .. }), "{length}: {fault:?}");
    }
}

#[test]
fn surplus_bytes_are_errors() {
    let (mut bytes, _, scale_index) = valid();
    let length = bytes.len();
    bytes.push(0);
    assert_eq!(fault(&bytes, &scale_index), (length, Fault::OddLength));
    bytes.push(0);
    assert_eq!(fault(&bytes, &scale_index), (length, Fault::Surplus));
    assert_eq!(fault(&[0, 0], &[]), (0, Fault::Surplus));
}

#[test]
fn states_are_checked_at_both_ends() {
    assert_eq!(fault(&[0, 0, 255, 255], &[1]), (0, Fault::InitialState { lane: 0 }));
    assert_eq!(fault(&[2, 0, 0, 0], &[1]), (4, Fault::FinalState { lane: 0 }));
    assert_eq!(decode(&encode(&[0], Scales::in_order(&[1], 0), &tiny()).unwrap(), Scales::in_order(&[1], 0), &tiny(), &mut [0]), Ok(()));
}

#[test]
fn escapes_out_of_range_are_errors() {
    assert_eq!(fault(&after_escape(&[0; 16]), &[1]).1, Fault::Escape { position: 0 });
    assert_eq!(fault(&after_escape(&gamma(1 << 15)), &[1]).1, Fault::Escape { position: 0 });
    let mut symbol = [0];
    decode(&after_escape(&gamma((1 << 15) - 1)), Scales::in_order(&[1], 0), &tiny(), &mut symbol).unwrap();
    assert_eq!(symbol, [-32767]);
}

/// Elias gamma code of `excess`, then a negative sign.
fn gamma(excess: u64) -> Vec<u64> {
    let tail_bits = excess.ilog2();
    let digits = (0..=tail_bits).rev().map(|bit| excess >> bit & 1);
    (0..tail_bits).map(|_| 0).chain(digits).chain([1]).collect()
}

/// The stream of one escape of table 1 (n = 0) with these bits, written after FORMAT.md without the encoder.
fn after_escape(bits: &[u64]) -> Vec<u8> {
    let (mut x, mut words) = (1_u64 << 16, vec![]);
    let mut put = |start: u64, freq: u64| {
        if x >= freq << 17 {
            words.push(x as u16);
            x >>= 16;
        }
        x = ((x / freq) << 15) + x % freq + start;
    };
    bits.iter().rev().for_each(|bit| put(bit << 14, 1 << 14));
    put(30000, 2768);
    words.extend([x as u16, (x >> 16) as u16]);
    words.iter().rev().flat_map(|word| word.to_le_bytes()).collect()
}

/// The coder is a bijection: a stream that decodes is the one stream of its symbols.
#[test]
fn what_decodes_is_canonical() {
    let (bytes, symbols, scale_index) = valid();
    let (mut accepted, mut decoded) = (0, symbols.clone());
    for bit in 0..8 * bytes.len() {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        if decode(&flipped, Scales::in_order(&scale_index, 0), &tiny(), &mut decoded).is_ok() {
            accepted += 1;
            assert_ne!(decoded, symbols);
            assert_eq!(encode(&decoded, Scales::in_order(&scale_index, 0), &tiny()).unwrap(), flipped);
        }
    }
    // Bits of escapes stand for themselves, so their flips are valid streams; the container's CRC finds those.
    assert!((1..4 * bytes.len()).contains(&accepted), "{accepted} flips of {} accepted", 8 * bytes.len());
}

#[test]
fn random_bytes_never_panic() {
    let (mut random, tables) = (Random(11), support::tables());
    for round in 0..20_000_u64 {
        let symbols = random.below(if round % 1000 == 0 { 60_000 } else { 60 }) as usize;
        let mut scale_index: Vec<u8> = (0..symbols).map(|_| random.below(64) as u8).collect();
        if round % 7 == 0 {
            scale_index.fill(0);
        }
        let bytes: Vec<u8> = (0..2 * random.below(80)).map(|_| random.bits() as u8).collect();
        let mut decoded = vec![0; symbols];
        if decode(&bytes, Scales::in_order(&scale_index, 3), &tables, &mut decoded).is_ok() {
            assert_eq!(encode(&decoded, Scales::in_order(&scale_index, 3), &tables).unwrap(), bytes);
        }
    }
}

#[test]
fn bad_tables_are_refused() {
    assert!(Tables::new(&SIZES, &CDF).is_ok());
    assert_eq!(Tables::new(&[], &[]).unwrap_err(), TableError::Count { count: 0 });
    assert_eq!(Tables::new(&[0; 257], &[0; 514]).unwrap_err(), TableError::Count { count: 257 });
    assert_eq!(Tables::new(&[0, 16384], &[]).unwrap_err(), TableError::Size { scale: 1, largest: 16384 });
    assert_eq!(Tables::new(&SIZES, &CDF[..5]).unwrap_err(), TableError::Length { expected: 6, got: 5 });
    let refused = |entry: usize, value: u16| {
        let mut cdf = CDF;
        cdf[entry] = value;
        Tables::new(&SIZES, &cdf).unwrap_err()
    };
    assert_eq!(refused(0, 1), TableError::Frequency { scale: 0, slot: 0, value: 1 });
    assert_eq!(refused(1, 0), TableError::Frequency { scale: 0, slot: 1, value: 0 });
    assert_eq!(refused(2, 8192), TableError::Frequency { scale: 0, slot: 2, value: 8192 });
    assert_eq!(refused(3, 32768), TableError::Frequency { scale: 0, slot: 3, value: 32768 });
    assert_eq!(refused(5, 65535), TableError::Frequency { scale: 1, slot: 1, value: 65535 });
}

//! The order of groups: a stream is its parts, and a part of a stream holds the first groups.

mod support;

use calotype_rans::{Error, Fault, GROUPS, Progress, Scales, Tables, decode, decode_prefix, decode_prefix_on, encode, encode_parts, group};
use support::Random;

/// Symbols of some channels at some positions, a part of them not coded.
struct Latents {
    symbols: Vec<i16>,
    index: Vec<u8>,
    channels: usize,
    tables: Tables,
}

impl Latents {
    fn new(positions: usize, channels: usize) -> Latents {
        let (mut random, sigmas) = (Random(9), support::scales());
        let one = |_| {
            let index = random.below(40) as u8;
            let symbol = (sigmas[usize::from(index)] * random.normal()).round() as i16 * if random.below(99) == 0 { 50 } else { 1 };
            (if index < 9 { 0 } else { symbol }, index)
        };
        let (symbols, index) = (0..positions * channels).map(one).unzip();
        Latents { symbols, index, channels, tables: support::tables() }
    }

    fn scales(&self) -> Scales<'_> {
        Scales { index: &self.index, skip_below: 9, channels: self.channels }
    }

    fn prefix(&self, bytes: &[u8]) -> Vec<i16> {
        let mut symbols = vec![-1; self.symbols.len()];
        decode_prefix(bytes, self.scales(), &self.tables, &mut symbols).unwrap();
        symbols
    }

    /// Positions of coded symbols in coding order, by FORMAT.md's words.
    fn order(&self) -> Vec<usize> {
        let key = |position: &usize| ((0..GROUPS).position(|g| group(g, self.channels).contains(&(position % self.channels))), *position);
        let mut order: Vec<usize> = (0..self.symbols.len()).filter(|&position| self.index[position] >= 9).collect();
        order.sort_by_key(key);
        order
    }
}

#[test]
fn symbols_come_back_in_any_shape() {
    for (positions, channels) in [(0, 5), (1, 1), (7, 3), (33, 16), (1000, 16), (4, 384), (300, 384), (1500, 384)] {
        let latents = Latents::new(positions, channels);
        let bytes = encode(&latents.symbols, latents.scales(), &latents.tables).unwrap();
        let mut symbols = vec![-1; latents.symbols.len()];
        decode(&bytes, latents.scales(), &latents.tables, &mut symbols).unwrap();
        assert!(symbols == latents.symbols, "{positions} x {channels}");
        assert!(latents.prefix(&bytes) == latents.symbols);
        assert_eq!(encode_parts(&latents.symbols, latents.scales(), &latents.tables).unwrap().concat(), bytes);
    }
}

/// Of one lane and of four: after each part its group is complete.
#[test]
fn parts_end_with_their_groups() {
    for positions in [40, 500] {
        let latents = Latents::new(positions, 384);
        let parts = encode_parts(&latents.symbols, latents.scales(), &latents.tables).unwrap();
        for g in 0..GROUPS {
            let symbols = latents.prefix(&parts[..=g].concat());
            let (held, missing) = (0..group(g, 384).end, group(g, 384).end..384);
            let agrees = |position: usize| symbols[position] == latents.symbols[position];
            assert!((0..symbols.len()).filter(|position| held.contains(&(position % 384))).all(agrees), "group {g} is not complete");
            let wrong = (0..symbols.len()).filter(|position| missing.contains(&(position % 384)) && !agrees(*position)).count();
            assert!(missing.is_empty() || wrong > 20, "group {g} ends too late");
        }
    }
}

/// At every byte: the first symbols in coding order, then zeros.
#[test]
fn a_prefix_holds_the_first_symbols() {
    let latents = Latents::new(12, 200);
    let (bytes, order) = (encode(&latents.symbols, latents.scales(), &latents.tables).unwrap(), latents.order());
    let mut held = 0;
    for length in 0..=bytes.len() {
        let symbols = latents.prefix(&bytes[..length]);
        let last = order.iter().rposition(|&position| symbols[position] != 0).map_or(0, |last| last + 1);
        assert!(order[..last].iter().all(|&position| symbols[position] == latents.symbols[position]), "cut at {length}");
        assert!(last >= held, "cut at {length}");
        held = last;
    }
    assert_eq!(latents.prefix(&bytes), latents.symbols);
}

#[test]
fn what_is_damaged_otherwise_is_an_error() {
    let latents = Latents::new(12, 200);
    let mut bytes = encode(&latents.symbols, latents.scales(), &latents.tables).unwrap();
    bytes.extend([0, 0]);
    let mut symbols = vec![0; latents.symbols.len()];
    let refused = decode_prefix(&bytes, latents.scales(), &latents.tables, &mut symbols);
    assert!(matches!(refused, Err(Error::Malformed { fault: Fault::Surplus, .. })));
    bytes[1] = 0;
    bytes[0] = 0;
    let refused = decode_prefix(&bytes, latents.scales(), &latents.tables, &mut symbols);
    assert!(matches!(refused, Err(Error::Malformed { fault: Fault::InitialState { lane: 0 }, .. })));
    for channels in [0, 7] {
        let scales = Scales { channels, ..latents.scales() };
        assert_eq!(encode(&latents.symbols, scales, &latents.tables), Err(Error::Channels { symbols: 2400, channels }));
    }
}

/// Of one lane, four and sixteen, in pieces of any length: at each piece what decoding from the start gives, in little more than one decoding's work.
#[test]
fn decoding_goes_on_where_it_was() {
    for (positions, channels, pieces) in [(12, 200, 3000), (100, 384, 29), (500, 384, 101), (9000, 384, 7)] {
        let latents = Latents::new(positions, channels);
        let bytes = encode(&latents.symbols, latents.scales(), &latents.tables).unwrap();
        let (mut symbols, mut progress) = (vec![-1; latents.symbols.len()], Progress::default());
        for piece in 0..=pieces {
            let come = &bytes[..bytes.len() * piece / pieces];
            decode_prefix_on(come, latents.scales(), &latents.tables, &mut symbols, &mut progress).unwrap();
            assert!(symbols == latents.prefix(come), "{positions} positions, piece {piece}");
        }
        assert!(symbols == latents.symbols);
        let coded = latents.index.iter().filter(|index| **index >= 9).count() as u64;
        let most = coded + 128 * (pieces as u64 + 1);
        assert!((coded..=most).contains(&progress.taken()), "{} of {coded}", progress.taken());
    }
}

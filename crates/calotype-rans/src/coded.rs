//! Which symbols of a tile are coded, and in which order.

use std::ops::Range;

use crate::{Error, Tables};

/// Groups of channels: a stream that ends early has the first ones (FORMAT.md section 6, "Order").
pub const GROUPS: usize = 8;

/// Symbols that are looked at together.
const RUN: usize = 8;

/// The tables of a map of symbols `[positions, channels]`, row by row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scales<'a> {
    /// The table of each symbol.
    pub index: &'a [u8],
    /// Symbols whose index lies below it are not coded: they are 0.
    pub skip_below: u8,
    /// Symbols of a position, at least 1; they divide the map.
    pub channels: usize,
}

impl<'a> Scales<'a> {
    /// Symbols that are coded in the order in which they are given.
    pub fn in_order(index: &'a [u8], skip_below: u8) -> Scales<'a> {
        Scales { index, skip_below, channels: index.len().max(1) }
    }
}

/// Positions of the coded symbols in coding order, and how many there are at the end of each group.
pub(crate) struct Coded {
    pub positions: Vec<u32>,
    pub ends: [usize; GROUPS],
}

/// The channels of a group: 0 and 1, then from 2^g up to twice as many, and in the last all that are left.
pub fn group(g: usize, channels: usize) -> Range<usize> {
    let begin = if g == 0 { 0 } else { 1 << g };
    let end = if g + 1 == GROUPS { channels } else { 2 << g };
    begin.min(channels)..end.min(channels)
}

/// Lists the symbols that are coded, and checks that each of them has a table.
pub(crate) fn coded(scales: Scales<'_>, tables: &Tables) -> Result<Coded, Error> {
    let Scales { index, skip_below, channels } = scales;
    if u32::try_from(index.len()).is_err() {
        return Err(Error::TooManySymbols { symbols: index.len() });
    }
    if channels == 0 || !index.len().is_multiple_of(channels) {
        return Err(Error::Channels { symbols: index.len(), channels });
    }
    let largest = index.iter().copied().max().unwrap_or(0);
    if largest >= skip_below && usize::from(largest) >= tables.len() {
        return Err(Error::ScaleIndex { index: largest, tables: tables.len() });
    }
    Ok(in_groups(scales))
}

/// The coded positions, group by group.
fn in_groups(Scales { index, skip_below, channels }: Scales<'_>) -> Coded {
    let count = count(index, skip_below);
    // Room for a whole run after the last one.
    let mut positions = vec![0; count + RUN];
    let mut kept = 0;
    let ends = std::array::from_fn(|g| {
        let group = group(g, channels);
        for row in (0..index.len()).step_by(channels).take_while(|_| !group.is_empty()) {
            kept += list(&index[row..][group.clone()], skip_below, row + group.start, &mut positions[kept..]);
        }
        kept
    });
    positions.truncate(count);
    Coded { positions, ends }
}

/// How many are coded, counted in bytes as long as they hold it: that vectorises.
fn count(index: &[u8], skip_below: u8) -> usize {
    let few = |chunk: &[u8]| chunk.iter().map(|&index| u8::from(index >= skip_below)).sum::<u8>();
    index.chunks(255).map(|chunk| usize::from(few(chunk))).sum()
}

/// Lists the coded ones of `index`, whose first lies at `first`; returns how many. `positions` has room for a run more.
#[inline]
fn list(index: &[u8], skip_below: u8, first: usize, positions: &mut [u32]) -> usize {
    let (runs, rest) = index.as_chunks::<RUN>();
    let mut kept = 0;
    for (run, first) in runs.iter().zip((first..).step_by(RUN)) {
        let (places, count) = &SET_BITS[usize::from(coded_bits(run, skip_below))];
        // All eight are written without a branch that the processor has to guess; those that do not count are overwritten.
        for (position, &place) in positions[kept..][..RUN].iter_mut().zip(places) {
            *position = first as u32 + u32::from(place);
        }
        kept += usize::from(*count);
    }
    for (position, &index) in (first + runs.len() * RUN..).zip(rest) {
        positions[kept] = position as u32;
        kept += usize::from(index >= skip_below);
    }
    kept
}

/// A bit for each of a run: whether it is coded.
#[inline(always)]
fn coded_bits(run: &[u8; RUN], skip_below: u8) -> u8 {
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let (index, skip) = (u64::from_le_bytes(*run), u64::from_le_bytes([skip_below; RUN]));
    // Eight comparisons at once: the high bits decide where they differ, else a subtraction of the rest that borrows from a set bit.
    let rest = (index | HIGH) - (skip & !HIGH);
    let coded = ((index & !skip) | (!(index ^ skip) & rest)) & HIGH;
    // Byte i, now 0 or 1, goes to bit 56 + i.
    ((coded >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56) as u8
}

/// For each byte the places of its set bits, and their number.
const SET_BITS: [([u8; RUN], u8); 256] = {
    let mut table = [([0; RUN], 0); 256];
    let mut byte = 0;
    while byte < 256 {
        let mut bit = 0;
        while bit < RUN {
            if byte >> bit & 1 == 1 {
                table[byte].0[table[byte].1 as usize] = bit as u8;
                table[byte].1 += 1;
            }
            bit += 1;
        }
        byte += 1;
    }
    table
};

/// One scale index per symbol.
pub(crate) fn check_lengths(symbols: usize, scale_indices: usize) -> Result<(), Error> {
    if symbols != scale_indices { Err(Error::Lengths { symbols, scale_indices }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_those_of_the_plain_rule() {
        let index: Vec<u8> = (0..60 * 37_u32).map(|i| (i * i * 7 % 255) as u8).collect();
        for channels in [1, 3, 12, 37, 60, 20 * 37] {
            for skip_below in [0, 1, 100, 128, 200, 255] {
                let coded = in_groups(Scales { index: &index, skip_below, channels });
                let row = |g: usize, row: usize| group(g, channels).map(move |c| row * channels + c);
                let order = (0..GROUPS).flat_map(|g| (0..index.len() / channels).flat_map(move |y| row(g, y)));
                let plain: Vec<u32> = order.filter(|&i| index[i] >= skip_below).map(|i| i as u32).collect();
                assert_eq!(coded.positions, plain, "{channels} channels, {skip_below}");
                assert_eq!(coded.ends[GROUPS - 1], plain.len());
            }
        }
    }

    #[test]
    fn bits_are_in_the_order_of_the_symbols() {
        assert_eq!(coded_bits(&[9, 0, 0, 9, 5, 0, 4, 9], 5), 0b1001_1001);
        for skip_below in 0..=255 {
            for index in 0..=255 {
                let expected = u8::from(index >= skip_below) * 0b0101_0101;
                let other = if skip_below == 0 { 0b1010_1010 } else { 0 };
                assert_eq!(coded_bits(&[index, 0, index, 0, index, 0, index, 0], skip_below), expected | other, "{index} {skip_below}");
            }
        }
        assert_eq!(SET_BITS[0b1001_1001], ([0, 3, 4, 7, 0, 0, 0, 0], 4));
    }
}

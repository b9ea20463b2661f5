//! Which symbols of a tile are coded, and in which order.

use std::ops::Range;

use crate::{Error, Tables};

/// Groups of channels: a stream that ends early has the first ones (FORMAT.md section 6, "Order").
pub const GROUPS: usize = 8;

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

/// Writes each position and keeps it by moving on, without a branch that the processor has to guess.
fn in_groups(Scales { index, skip_below, channels }: Scales<'_>) -> Coded {
    let count = index.iter().filter(|&&index| index >= skip_below).count();
    let mut positions = vec![0; count + 1];
    let mut kept = 0;
    let ends = std::array::from_fn(|g| {
        let group = group(g, channels);
        for row in (0..index.len()).step_by(channels).take_while(|_| !group.is_empty()) {
            for (position, &index) in (row + group.start..).zip(&index[row..][group.clone()]) {
                positions[kept] = position as u32;
                kept += usize::from(index >= skip_below);
            }
        }
        kept
    });
    positions.truncate(count);
    Coded { positions, ends }
}

/// One scale index per symbol.
pub(crate) fn check_lengths(symbols: usize, scale_indices: usize) -> Result<(), Error> {
    if symbols != scale_indices { Err(Error::Lengths { symbols, scale_indices }) } else { Ok(()) }
}

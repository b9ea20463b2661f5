//! Which symbols of a tile are coded.

use crate::{Error, Tables};

/// Positions of the symbols that are coded: those whose scale index is at least `skip_below`.
///
/// Checks that each of them has a table.
pub(crate) fn coded_positions(scale_index: &[u8], skip_below: u8, tables: &Tables) -> Result<Vec<u32>, Error> {
    if u32::try_from(scale_index.len()).is_err() {
        return Err(Error::TooManySymbols { symbols: scale_index.len() });
    }
    let index = scale_index.iter().copied().max().unwrap_or(0);
    if index >= skip_below && usize::from(index) >= tables.len() {
        return Err(Error::ScaleIndex { index, tables: tables.len() });
    }
    Ok(positions_from(scale_index, skip_below))
}

/// Writes each position and keeps it by moving on, without a branch that the processor has to guess.
fn positions_from(scale_index: &[u8], skip_below: u8) -> Vec<u32> {
    let count = scale_index.iter().filter(|&&index| index >= skip_below).count();
    let mut positions = vec![0; count + 1];
    let mut kept = 0;
    for (position, &index) in scale_index.iter().enumerate() {
        positions[kept] = position as u32;
        kept += usize::from(index >= skip_below);
    }
    positions.truncate(count);
    positions
}

/// One scale index per symbol.
pub(crate) fn check_lengths(symbols: usize, scale_indices: usize) -> Result<(), Error> {
    if symbols != scale_indices { Err(Error::Lengths { symbols, scale_indices }) } else { Ok(()) }
}

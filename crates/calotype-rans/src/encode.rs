//! The encoder: from the last symbol to the first.

use crate::coded::{check_lengths, coded_positions};
use crate::tables::Slot;
use crate::{Error, HALF_BITS, LARGEST_SYMBOL, LOWEST_STATE, PROBABILITY_BITS, Tables, WORD_BITS, lanes};

/// Codes `symbols` (`i16 [n]`, in coding order), each under the table of its `scale_index` (`u8 [n]`); symbols whose
/// index lies below `skip_below` are left out. Returns the stream of FORMAT.md section 6: an even number of bytes,
/// empty if no symbol is coded.
///
/// # Errors
/// Only usage: lengths that differ, a scale index without table, the symbol -32768, a skipped symbol that is not 0.
pub fn encode(symbols: &[i16], scale_index: &[u8], skip_below: u8, tables: &Tables) -> Result<Vec<u8>, Error> {
    check_lengths(symbols.len(), scale_index.len())?;
    check_symbols(symbols, scale_index, skip_below)?;
    let positions = coded_positions(scale_index, skip_below, tables)?;
    let source = Source { symbols, scale_index, tables };
    let words = match lanes(positions.len()) {
        0 => Vec::new(),
        1 => source.words::<1>(&positions),
        4 => source.words::<4>(&positions),
        16 => source.words::<16>(&positions),
        _ => source.words::<32>(&positions),
    };
    Ok(words.iter().rev().flat_map(|word| word.to_le_bytes()).collect())
}

/// Folds first, which vectorise; searches only for the error's position.
fn check_symbols(symbols: &[i16], scale_index: &[u8], skip_below: u8) -> Result<(), Error> {
    let lost = |(&symbol, &index): (&i16, &u8)| if index < skip_below { symbol } else { 0 };
    let pairs = || symbols.iter().zip(scale_index);
    if pairs().map(lost).fold(0, |any, symbol| any | symbol) != 0
        && let Some(position) = pairs().position(|pair| lost(pair) != 0)
    {
        return Err(Error::Skipped { position, symbol: symbols[position] });
    }
    if symbols.iter().copied().min() == Some(i16::MIN)
        && let Some(position) = symbols.iter().position(|&symbol| symbol < -LARGEST_SYMBOL)
    {
        return Err(Error::Symbol { position });
    }
    Ok(())
}

/// What is coded.
struct Source<'a> {
    symbols: &'a [i16],
    scale_index: &'a [u8],
    tables: &'a Tables,
}

impl Source<'_> {
    /// The words of the stream, the last first.
    fn words<const L: usize>(&self, positions: &[u32]) -> Vec<u16> {
        let mut states = [LOWEST_STATE; L];
        let mut words = Vec::with_capacity(positions.len() / 4 + 2 * L);
        let (groups, rest) = positions.as_chunks::<L>();
        for (state, &position) in states.iter_mut().zip(rest).rev() {
            *state = self.put(*state, position, &mut words);
        }
        for group in groups.iter().rev() {
            for lane in (0..L).rev() {
                states[lane] = self.put(states[lane], group[lane], &mut words);
            }
        }
        words.extend(states.iter().rev().flat_map(|&state| [state as u16, (state >> WORD_BITS) as u16]));
        words
    }

    /// Codes one symbol in a lane of state `x`; returns the lane's new state.
    #[inline(always)]
    fn put(&self, x: u32, position: u32, words: &mut Vec<u16>) -> u32 {
        let symbol = self.symbols[position as usize];
        let scale = &self.tables.scales[usize::from(self.scale_index[position as usize])];
        let excess = scale.excess(symbol);
        if excess != 0 {
            let x = put_escape(x, excess, symbol < 0, words);
            return put_slot(x, self.tables.slots[scale.escape()], words);
        }
        put_slot(x, self.tables.slots[scale.slot_of(symbol)], words)
    }
}

#[inline(always)]
fn put_slot(x: u32, slot: Slot, words: &mut Vec<u16>) -> u32 {
    let (freq, start) = (u32::from(slot.freq), u32::from(slot.start));
    // freq < 2^15: each table has two slots or more.
    let x = make_room(x, freq << (32 - PROBABILITY_BITS), words);
    // Reciprocals instead of the divisions were measured: no faster.
    ((x / freq) << PROBABILITY_BITS) + x % freq + start
}

/// The bits of an escape, the last first: sign, Elias gamma code of `excess` >= 1.
#[cold]
fn put_escape(x: u32, excess: u32, negative: bool, words: &mut Vec<u16>) -> u32 {
    let tail_bits = excess.ilog2();
    let mut x = put_bit(x, u32::from(negative), words);
    for bit in 0..=tail_bits {
        x = put_bit(x, excess >> bit & 1, words);
    }
    for _ in 0..tail_bits {
        x = put_bit(x, 0, words);
    }
    x
}

fn put_bit(x: u32, bit: u32, words: &mut Vec<u16>) -> u32 {
    let x = make_room(x, 1 << 31, words);
    ((x >> HALF_BITS) << PROBABILITY_BITS) + (bit << HALF_BITS) + (x & ((1 << HALF_BITS) - 1))
}

/// Puts the state's low word if the state has reached `limit`.
#[inline(always)]
fn make_room(x: u32, limit: u32, words: &mut Vec<u16>) -> u32 {
    if x < limit {
        return x;
    }
    words.push(x as u16);
    x >> WORD_BITS
}

//! The encoder: from the last symbol to the first.

use std::ops::Range;

use crate::coded::{Coded, GROUPS, Scales, check_lengths, coded};
use crate::tables::Slot;
use crate::{Error, HALF_BITS, LARGEST_SYMBOL, LOWEST_STATE, PROBABILITY_BITS, Tables, WORD_BITS, lanes};

/// Codes `symbols` (`i16 [n]`), each under the table of its scale index; leaves out those that are not coded. Returns the stream of
/// FORMAT.md section 6: an even number of bytes, empty if no symbol is coded.
///
/// # Errors
/// Only usage: lengths that differ, a scale index without table, the symbol -32768, a skipped symbol that is not 0.
pub fn encode(symbols: &[i16], scales: Scales<'_>, tables: &Tables) -> Result<Vec<u8>, Error> {
    Ok(words(symbols, scales, tables)?.0.iter().rev().flat_map(|word| word.to_le_bytes()).collect())
}

/// As [`encode()`], cut where the decoder has what it needs for each group of channels.
///
/// # Errors
/// As [`encode()`].
pub fn encode_parts(symbols: &[i16], scales: Scales<'_>, tables: &Tables) -> Result<[Vec<u8>; GROUPS], Error> {
    let (words, needed) = words(symbols, scales, tables)?;
    let mut rest = &words[..];
    Ok(needed.map(|left| {
        let (later, part) = rest.split_at(left);
        rest = later;
        part.iter().rev().flat_map(|word| word.to_le_bytes()).collect()
    }))
}

/// The words of a stream, the last first, and how many of them are needed after each group.
fn words(symbols: &[i16], scales: Scales<'_>, tables: &Tables) -> Result<(Vec<u16>, [usize; GROUPS]), Error> {
    check_lengths(symbols.len(), scales.index.len())?;
    check_symbols(symbols, scales.index, scales.skip_below)?;
    let coded = coded(scales, tables)?;
    let source = Source { symbols, scale_index: scales.index, tables };
    Ok(match lanes(coded.positions.len()) {
        0 => Default::default(),
        1 => source.words::<1>(&coded),
        4 => source.words::<4>(&coded),
        16 => source.words::<16>(&coded),
        _ => source.words::<32>(&coded),
    })
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
    fn words<const L: usize>(&self, coded: &Coded) -> (Vec<u16>, [usize; GROUPS]) {
        let mut states = [LOWEST_STATE; L];
        let mut words = Vec::with_capacity(coded.positions.len() / 4 + 2 * L);
        let mut needed = [0; GROUPS];
        for g in (0..GROUPS).rev() {
            needed[g] = words.len();
            let begin = if g == 0 { 0 } else { coded.ends[g - 1] };
            self.put_range(&coded.positions, begin..coded.ends[g], &mut states, &mut words);
        }
        words.extend(states.iter().rev().flat_map(|&state| [state as u16, (state >> WORD_BITS) as u16]));
        (words, needed)
    }

    /// Codes the symbols of a range, the last first; symbol i in lane i mod L.
    fn put_range<const L: usize>(&self, positions: &[u32], range: Range<usize>, states: &mut [u32; L], words: &mut Vec<u16>) {
        let whole = range.start.next_multiple_of(L)..range.end / L * L;
        if whole.is_empty() {
            return range.rev().for_each(|i| states[i % L] = self.put(states[i % L], positions[i], words));
        }
        (whole.end..range.end).rev().for_each(|i| states[i % L] = self.put(states[i % L], positions[i], words));
        for group in positions[whole.clone()].as_chunks::<L>().0.iter().rev() {
            for lane in (0..L).rev() {
                states[lane] = self.put(states[lane], group[lane], words);
            }
        }
        (range.start..whole.start).rev().for_each(|i| states[i % L] = self.put(states[i % L], positions[i], words));
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

//! The decoder: lanes in registers, one table look-up and a short scan per symbol.

use crate::coded::{Scales, check_lengths, coded};
use crate::tables::{ESCAPE, Scale};
use crate::{Error, Fault, HALF_BITS, LANES, LONGEST_GAMMA, LOWEST_STATE, PROBABILITY_BITS, PROBABILITY_MASK, Tables, WORD_BITS, lanes};

const MOST_LANES: usize = LANES[LANES.len() - 1].1;
/// Symbols between two places where decoding can go on: a multiple of all numbers of lanes.
const STRETCH: usize = 128;

/// Decodes the stream `bytes` into `symbols` (`i16 [n]`), each under the table of its scale index; symbols that are not coded become 0.
/// FORMAT.md section 6.
///
/// # Errors
/// [`Error::Malformed`] for any stream that [`encode`](crate::encode()) would not have written; usage errors for
/// lengths that differ or a scale index without table. `symbols` are unspecified after an error.
pub fn decode(bytes: &[u8], scales: Scales<'_>, tables: &Tables, symbols: &mut [i16]) -> Result<(), Error> {
    decode_on(bytes, scales, tables, symbols, &mut Progress::default())
}

/// As [`decode`], of a stream that may end early, at any byte: symbols that it does not hold any more are 0.
///
/// # Errors
/// As [`decode`], but for [`Fault::Truncated`] and [`Fault::OddLength`].
pub fn decode_prefix(bytes: &[u8], scales: Scales<'_>, tables: &Tables, symbols: &mut [i16]) -> Result<(), Error> {
    decode_prefix_on(bytes, scales, tables, symbols, &mut Progress::default())
}

/// How far a stream has been decoded, to go on there when more of it has come.
#[derive(Clone, Debug, Default)]
pub struct Progress {
    states: [u32; MOST_LANES],
    /// Symbols behind it, in coding order.
    symbols: usize,
    /// Words behind it; 0 before the lane states are there.
    words: usize,
    taken: u64,
}

impl Progress {
    /// Symbols that decoding has gone through, counted again where it had to begin again a little earlier.
    pub fn taken(&self) -> u64 {
        self.taken
    }

    fn reach(&mut self, states: &[u32], symbols: usize, words: usize) {
        self.states[..states.len()].copy_from_slice(states);
        (self.symbols, self.words) = (self.symbols + symbols, words);
    }
}

/// As [`decode`], going on where `progress` says; `symbols` are those of the last time, and `bytes` begin with those of the last time.
///
/// # Errors
/// As [`decode`].
pub fn decode_on(bytes: &[u8], scales: Scales<'_>, tables: &Tables, symbols: &mut [i16], progress: &mut Progress) -> Result<(), Error> {
    check_lengths(symbols.len(), scales.index.len())?;
    let positions = coded(scales, tables)?.positions;
    let lanes = lanes(positions.len());
    if progress.words == 0 {
        symbols.fill(0);
    }
    let words = Words::new(bytes, lanes)?;
    let target = Target { symbols, scale_index: scales.index, tables };
    match lanes {
        0 => words.finish(&[]),
        1 => target.fill::<1>(&positions, words, progress),
        4 => target.fill::<4>(&positions, words, progress),
        16 => target.fill::<16>(&positions, words, progress),
        _ => target.fill::<MOST_LANES>(&positions, words, progress),
    }
}

/// As [`decode_on`], of a stream that may end early, as [`decode_prefix`].
///
/// # Errors
/// As [`decode_prefix`].
pub fn decode_prefix_on(
    bytes: &[u8],
    scales: Scales<'_>,
    tables: &Tables,
    symbols: &mut [i16],
    progress: &mut Progress,
) -> Result<(), Error> {
    let whole_words = &bytes[..bytes.len() / 2 * 2];
    match decode_on(whole_words, scales, tables, symbols, progress) {
        Err(Error::Malformed { fault: Fault::Truncated, .. }) => Ok(()),
        result => result,
    }
}

/// The words of a stream, and how many have been used.
struct Words {
    /// One more than the stream has, so that the word of a renormalisation that does not take place can be loaded.
    words: Vec<u16>,
    used: usize,
}

impl Words {
    fn new(bytes: &[u8], lanes: usize) -> Result<Words, Error> {
        let (pairs, odd) = bytes.as_chunks::<2>();
        if !odd.is_empty() {
            return Err(Error::malformed(pairs.len(), Fault::OddLength));
        }
        if pairs.len() < 2 * lanes {
            return Err(Error::malformed(pairs.len(), Fault::Truncated));
        }
        let mut words = Vec::with_capacity(pairs.len() + 1);
        words.extend(pairs.iter().map(|pair| u16::from_le_bytes(*pair)));
        words.push(0);
        Ok(Words { words, used: 0 })
    }

    /// Words without the one that was added.
    fn len(&self) -> usize {
        self.words.len() - 1
    }

    fn states<const L: usize>(&mut self) -> Result<[u32; L], Error> {
        let mut states = [0; L];
        for (lane, (state, word)) in states.iter_mut().zip(self.words.as_chunks::<2>().0).enumerate() {
            *state = u32::from(word[0]) << WORD_BITS | u32::from(word[1]);
            if *state < LOWEST_STATE {
                return Err(Error::malformed(2 * lane, Fault::InitialState { lane }));
            }
        }
        self.used = 2 * L;
        Ok(states)
    }

    /// Takes a word into a state that has fallen below the lowest.
    #[inline(always)]
    fn renormalise(&mut self, x: u32) -> Result<u32, Error> {
        let low = x < LOWEST_STATE;
        let Some(&word) = self.words.get(self.used) else { return Err(self.truncated()) };
        self.used += usize::from(low);
        // At once, for what comes after the last word is no symbol.
        if self.used == self.words.len() {
            return Err(self.truncated());
        }
        Ok(if low { x << WORD_BITS | u32::from(word) } else { x })
    }

    fn finish(&self, states: &[u32]) -> Result<(), Error> {
        if self.used < self.len() {
            return Err(Error::malformed(self.used, Fault::Surplus));
        }
        match states.iter().position(|&state| state != LOWEST_STATE) {
            Some(lane) => Err(Error::malformed(self.used, Fault::FinalState { lane })),
            None => Ok(()),
        }
    }

    #[cold]
    fn truncated(&self) -> Error {
        Error::malformed(self.len(), Fault::Truncated)
    }
}

/// Where decoded symbols go.
struct Target<'a> {
    symbols: &'a mut [i16],
    scale_index: &'a [u8],
    tables: &'a Tables,
}

impl Target<'_> {
    fn fill<const L: usize>(mut self, positions: &[u32], mut words: Words, progress: &mut Progress) -> Result<(), Error> {
        if progress.words == 0 {
            let states = words.states::<L>()?;
            progress.reach(&states, 0, words.used);
        }
        let mut states: [u32; L] = std::array::from_fn(|lane| progress.states[lane]);
        words.used = progress.words;
        for stretch in positions.get(progress.symbols..).unwrap_or_default().chunks(STRETCH) {
            progress.taken += stretch.len() as u64;
            self.take_all(&mut states, stretch, &mut words)?;
            progress.reach(&states, stretch.len(), words.used);
        }
        words.finish(&states)
    }

    #[inline(always)]
    fn take_all<const L: usize>(&mut self, states: &mut [u32; L], positions: &[u32], words: &mut Words) -> Result<(), Error> {
        let (groups, rest) = positions.as_chunks::<L>();
        for group in groups {
            for lane in 0..L {
                states[lane] = self.take(states[lane], group[lane], words)?;
            }
        }
        for (state, &position) in states.iter_mut().zip(rest) {
            *state = self.take(*state, position, words)?;
        }
        Ok(())
    }

    /// Decodes one symbol in a lane of state `x`; returns the lane's new state.
    #[inline(always)]
    fn take(&mut self, x: u32, position: u32, words: &mut Words) -> Result<u32, Error> {
        let position = position as usize;
        let scale = &self.tables.scales[usize::from(self.scale_index[position])];
        let bits = x & PROBABILITY_MASK;
        let mut at = scale.first as usize + scale.candidate(bits);
        let mut slot = self.tables.slots[at];
        // Ends within the table: its last slot ends at 2^15.
        while bits - u32::from(slot.start) >= u32::from(slot.freq) {
            at += 1;
            slot = self.tables.slots[at];
        }
        let x = u32::from(slot.freq) * (x >> PROBABILITY_BITS) + bits - u32::from(slot.start);
        if slot.symbol == ESCAPE {
            let x = words.renormalise(x)?;
            let (x, symbol) = take_escape(x, scale, position, words)?;
            self.symbols[position] = symbol;
            return Ok(x);
        }
        // It is known even if the stream ends here.
        self.symbols[position] = slot.symbol;
        words.renormalise(x)
    }
}

/// Elias gamma code of |symbol| - n, then the sign. Returns the lane's new state with the symbol.
#[cold]
fn take_escape(x: u32, scale: &Scale, position: usize, words: &mut Words) -> Result<(u32, i16), Error> {
    let out_of_range = |words: &Words| Error::malformed(words.used.min(words.len()), Fault::Escape { position });
    let (mut x, mut bit) = take_bit(x, words)?;
    let mut tail_bits = 0;
    while bit == 0 {
        tail_bits += 1;
        if tail_bits > LONGEST_GAMMA {
            return Err(out_of_range(words));
        }
        (x, bit) = take_bit(x, words)?;
    }
    let mut excess = 1;
    for _ in 0..tail_bits {
        (x, bit) = take_bit(x, words)?;
        excess = excess << 1 | bit;
    }
    let (x, negative) = take_bit(x, words)?;
    // i16's maximum is LARGEST_SYMBOL.
    match i16::try_from(excess + u32::from(scale.largest)) {
        Ok(magnitude) => Ok((x, if negative == 1 { -magnitude } else { magnitude })),
        Err(_) => Err(out_of_range(words)),
    }
}

fn take_bit(x: u32, words: &mut Words) -> Result<(u32, u32), Error> {
    let bit = x >> HALF_BITS & 1;
    let x = (x & ((1 << HALF_BITS) - 1)) + (x >> PROBABILITY_BITS << HALF_BITS);
    Ok((words.renormalise(x)?, bit))
}

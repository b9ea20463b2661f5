//! Frequency tables, validated and laid out for fast look-up.

use crate::{LONGEST_GAMMA, PROBABILITY_BITS, TableError};

/// A bucket is a run of `1 << BUCKET_BITS` values of `slot_bits`.
const BUCKET_BITS: u32 = 7;
const BUCKETS: usize = 1 << (PROBABILITY_BITS - BUCKET_BITS);
const MOST_TABLES: usize = 256;
const LARGEST_TABLE: u16 = (1 << (PROBABILITY_BITS - 1)) - 1;

/// The range `start..start + freq` of one slot, and what it stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(align(8))]
pub(crate) struct Slot {
    pub(crate) start: u16,
    pub(crate) freq: u16,
    /// [`ESCAPE`] for the escape.
    pub(crate) symbol: i16,
}

/// No symbol, for symbols lie in -32767..=32767.
pub(crate) const ESCAPE: i16 = i16::MIN;

/// One table: where its slots lie among all slots, and for each bucket the slot that holds the bucket's first value.
#[derive(Clone, Debug)]
pub(crate) struct Scale {
    pub(crate) first: u32,
    pub(crate) largest: u16,
    pub(crate) buckets: [u16; BUCKETS],
}

impl Scale {
    /// The table's slot where a search for `slot_bits` begins.
    #[inline(always)]
    pub(crate) fn candidate(&self, slot_bits: u32) -> usize {
        usize::from(self.buckets[(slot_bits >> BUCKET_BITS) as usize])
    }

    /// Slot of symbol 0 among all slots.
    #[inline(always)]
    pub(crate) fn zero(&self) -> usize {
        self.first as usize + usize::from(self.largest)
    }

    /// Escape slot among all slots.
    #[inline(always)]
    pub(crate) fn escape(&self) -> usize {
        self.zero() + usize::from(self.largest) + 1
    }

    /// |symbol| - n where the symbol needs an escape, else 0.
    #[inline(always)]
    pub(crate) fn excess(&self, symbol: i16) -> u32 {
        u32::from(symbol.unsigned_abs().saturating_sub(self.largest))
    }

    /// Slot, among all slots, of a symbol that needs no escape.
    #[inline(always)]
    pub(crate) fn slot_of(&self, symbol: i16) -> usize {
        self.zero().wrapping_add_signed(isize::from(symbol))
    }
}

/// The probability tables of a model, one per scale index (FORMAT.md section 6, "Tables").
///
/// Memory is bounded by the input: 10 bytes for each entry of `cdf` and about 0.5 KiB for each table.
#[derive(Clone, Debug)]
pub struct Tables {
    pub(crate) scales: Vec<Scale>,
    pub(crate) slots: Vec<Slot>,
    costs: Vec<u16>,
}

impl Tables {
    /// Tables from the model file's tensors `cdf_sizes` (`u16 [scales]`: the largest symbol n of each table) and
    /// `cdf` (`u16 [sum of 2n + 2]`: starts of the slots -n..=n and escape, scale after scale).
    ///
    /// # Errors
    /// [`TableError`] unless there are 1 to 256 tables, the lengths agree, and each table's starts begin at 0,
    /// strictly increase and stay below 2^15.
    pub fn new(cdf_sizes: &[u16], cdf: &[u16]) -> Result<Tables, TableError> {
        check_sizes(cdf_sizes, cdf.len())?;
        let mut tables = Tables { scales: Vec::with_capacity(cdf_sizes.len()), slots: Vec::with_capacity(cdf.len()), costs: Vec::new() };
        let mut rest = cdf;
        for &largest in cdf_sizes {
            let (starts, after) = rest.split_at(slot_count(largest));
            tables.push(largest, starts)?;
            rest = after;
        }
        tables.costs = tables.slots.iter().map(|slot| cost_of(slot.freq)).collect();
        Ok(tables)
    }

    /// Number of tables: scale indices of coded symbols lie below it.
    #[allow(clippy::len_without_is_empty)] // never empty
    pub fn len(&self) -> usize {
        self.scales.len()
    }

    /// Length of the code of `symbol` under the table of `scale_index`, in 1/256 bit, rounded to the nearest.
    ///
    /// Escapes are included. A `scale_index` without table costs `u32::MAX`, as does the symbol -32768.
    pub fn cost(&self, scale_index: u8, symbol: i16) -> u32 {
        let Some(scale) = self.scales.get(usize::from(scale_index)) else { return u32::MAX };
        match scale.excess(symbol) {
            0 => u32::from(self.costs[scale.slot_of(symbol)]),
            _ if symbol == i16::MIN => u32::MAX,
            excess => u32::from(self.costs[scale.escape()]) + 256 * (2 * excess.ilog2() + 2),
        }
    }

    /// What codes `symbol` under the table of `scale_index`: the frequency of its slot, of 2^15, and the bits of its escape code (0 without one).
    ///
    /// `None` for a `scale_index` without table and for the symbol -32768.
    pub fn frequency(&self, scale_index: u8, symbol: i16) -> Option<(u16, u32)> {
        let scale = self.scales.get(usize::from(scale_index))?;
        match scale.excess(symbol) {
            0 => Some((self.slots[scale.slot_of(symbol)].freq, 0)),
            _ if symbol == i16::MIN => None,
            excess => Some((self.slots[scale.escape()].freq, 2 * excess.ilog2() + 2)),
        }
    }

    fn push(&mut self, largest: u16, starts: &[u16]) -> Result<(), TableError> {
        check_starts(self.scales.len(), starts)?;
        self.scales.push(Scale { first: self.slots.len() as u32, largest, buckets: buckets(starts) });
        let ends = starts[1..].iter().copied().chain([1 << PROBABILITY_BITS]);
        let last = i32::from(largest) + 1;
        let symbols = (-i32::from(largest)..=last).map(|symbol| if symbol == last { ESCAPE } else { symbol as i16 });
        self.slots.extend(starts.iter().zip(ends).zip(symbols).map(|((&start, end), symbol)| Slot { start, freq: end - start, symbol }));
        Ok(())
    }
}

/// The row begins at 0, strictly increases and stays below 2^15.
fn check_starts(scale: usize, starts: &[u16]) -> Result<(), TableError> {
    let valid = |slot: usize| match slot {
        0 => starts[0] == 0,
        _ => starts[slot] > starts[slot - 1] && u32::from(starts[slot]) < 1 << PROBABILITY_BITS,
    };
    match (0..starts.len()).find(|&slot| !valid(slot)) {
        Some(slot) => Err(TableError::Frequency { scale, slot, value: starts[slot] }),
        None => Ok(()),
    }
}

fn slot_count(largest: u16) -> usize {
    2 * usize::from(largest) + 2
}

fn check_sizes(cdf_sizes: &[u16], got: usize) -> Result<(), TableError> {
    if !(1..=MOST_TABLES).contains(&cdf_sizes.len()) {
        return Err(TableError::Count { count: cdf_sizes.len() });
    }
    if let Some(scale) = cdf_sizes.iter().position(|&largest| largest > LARGEST_TABLE) {
        return Err(TableError::Size { scale, largest: cdf_sizes[scale] });
    }
    let expected = cdf_sizes.iter().map(|&largest| slot_count(largest)).sum();
    if got != expected { Err(TableError::Length { expected, got }) } else { Ok(()) }
}

/// For each bucket, the slot that holds its first value.
fn buckets(starts: &[u16]) -> [u16; BUCKETS] {
    let mut slot = 0;
    std::array::from_fn(|bucket| {
        let bits = bucket << BUCKET_BITS;
        while starts.get(slot + 1).is_some_and(|&next| usize::from(next) <= bits) {
            slot += 1;
        }
        slot as u16
    })
}

/// -log2(freq / 2^15) in 1/256 bit, by repeated squaring: each squaring doubles the logarithm and yields one bit of it.
fn cost_of(freq: u16) -> u16 {
    let whole = u32::from(freq).ilog2();
    let mut mantissa = u64::from(freq) << (31 - whole);
    let mut log2 = u64::from(whole);
    for _ in 0..9 {
        mantissa = (mantissa * mantissa) >> 31;
        let bit = mantissa >> 32;
        log2 = log2 << 1 | bit;
        mantissa >>= bit;
    }
    (256 * u64::from(PROBABILITY_BITS) - log2.div_ceil(2)) as u16
}

const _: () = assert!(2 * LONGEST_GAMMA + 2 + PROBABILITY_BITS < 256);

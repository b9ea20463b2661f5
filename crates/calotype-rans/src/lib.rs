//! Interleaved rANS over a table of integer CDFs (docs/FORMAT.md section 6).
//!
//! [`encode()`] and [`decode()`] code one stream: symbols with a scale index each, ordered by groups of channels so that a part of the
//! stream holds the first groups. All arithmetic is integer; the code is safe Rust and takes any bytes.
//!
//! ```
//! use calotype_rans::{Scales, Tables, decode, encode};
//!
//! // One scale: symbols -1, 0, 1 and the escape.
//! let tables = Tables::new(&[1], &[0, 8192, 24576, 32760]).unwrap();
//! let (symbols, scales) = ([0, 0, -1, 1, 0, 300], Scales::in_order(&[0; 6], 0));
//! let bytes = encode(&symbols, scales, &tables).unwrap();
//! assert_eq!(bytes, [0x26, 0x00, 0xC9, 0x41, 0xF8, 0xDF, 0x00, 0x00]);
//! let mut decoded = [0; 6];
//! decode(&bytes, scales, &tables, &mut decoded).unwrap();
//! assert_eq!(decoded, symbols);
//! ```

#![forbid(unsafe_code)]

mod coded;
mod decode;
mod encode;
mod error;
mod tables;

pub use coded::{GROUPS, Scales, group};
pub use decode::{Progress, decode, decode_on, decode_prefix, decode_prefix_on};
pub use encode::{encode, encode_parts};
pub use error::{Error, Fault, TableError};
pub use tables::Tables;

/// Bits of probability: the frequencies of a table sum to `1 << PROBABILITY_BITS` (FORMAT.md section 6).
pub const PROBABILITY_BITS: u32 = 15;

/// Lowest state of a lane, and its state before the first encoded and after the last decoded symbol.
pub const LOWEST_STATE: u32 = 1 << 16;

/// Largest magnitude of a symbol.
pub const LARGEST_SYMBOL: i16 = 32767;

/// Streams of at most so many symbols (first) use so many lanes (second); FORMAT.md's table of lanes.
pub const LANES: [(u32, usize); 4] = [(32_767, 1), (2_097_151, 4), (4_194_303, 16), (u32::MAX, 32)];

const WORD_BITS: u32 = 16;
const PROBABILITY_MASK: u32 = (1 << PROBABILITY_BITS) - 1;
/// An escape's bits are slots of this many bits: half of the range each.
const HALF_BITS: u32 = PROBABILITY_BITS - 1;
/// Zero bits that the Elias gamma code of an escape may begin with.
const LONGEST_GAMMA: u32 = 15;

/// Interleaved lanes of a stream of so many coded symbols: 0 (the empty stream), 1, 4, 16 or 32.
pub fn lanes(symbols: usize) -> usize {
    if symbols == 0 {
        return 0;
    }
    LANES.iter().find(|(upto, _)| symbols as u64 <= u64::from(*upto)).map_or(LANES[3].1, |(_, lanes)| *lanes)
}

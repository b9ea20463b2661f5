//! Errors: what is wrong with tables, arguments or a stream.

use thiserror::Error;

/// Why a set of tables was refused (FORMAT.md section 6, "Tables").
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum TableError {
    /// A scale index is a u8, so there are 1 to 256 tables.
    #[error("{count} tables; 1 to 256 are possible")]
    Count {
        /// Entries of `cdf_sizes`.
        count: usize,
    },
    /// A table has more slots than there are probabilities.
    #[error("table {scale} covers symbols up to {largest}; 16383 is the most that 15 bits can hold")]
    Size {
        /// Scale index.
        scale: usize,
        /// The refused entry of `cdf_sizes`.
        largest: u16,
    },
    /// `cdf` does not hold `2n + 2` values for each entry `n` of `cdf_sizes`.
    #[error("{got} cumulative frequencies where the sizes ask for {expected}")]
    Length {
        /// Sum over scales of `2n + 2`.
        expected: usize,
        /// Entries of `cdf`.
        got: usize,
    },
    /// The frequencies of a table do not begin at 0, strictly increase and stay below 2^15.
    #[error("table {scale}: cumulative frequency {value} of slot {slot} does not continue a strictly increasing row from 0 to 2^15")]
    Frequency {
        /// Scale index.
        scale: usize,
        /// Slot within the table.
        slot: usize,
        /// The refused value.
        value: u16,
    },
}

/// What is malformed in a stream.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The stream ends before its last symbol.
    #[error("the stream ends too early")]
    Truncated,
    /// A stream consists of 16-bit words.
    #[error("a stream of an odd number of bytes")]
    OddLength,
    /// Bytes remain after the last symbol.
    #[error("bytes remain after the last symbol")]
    Surplus,
    /// A lane begins below 2^16.
    #[error("initial state of lane {lane} is below 2^16")]
    InitialState {
        /// Lane number.
        lane: usize,
    },
    /// A lane does not end at 2^16.
    #[error("final state of lane {lane} is not 2^16")]
    FinalState {
        /// Lane number.
        lane: usize,
    },
    /// An escape code is too long or its symbol exceeds 32767.
    #[error("escape code out of range at symbol {position}")]
    Escape {
        /// Position in `symbols`.
        position: usize,
    },
}

/// Why a stream could not be decoded or symbols not be encoded.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The stream is not one that an encoder wrote for these scale indices and tables.
    #[error("malformed stream at byte {offset}: {fault}")]
    Malformed {
        /// Bytes from the beginning of the stream.
        offset: usize,
        /// What is wrong there.
        fault: Fault,
    },
    /// Usage: one scale index per symbol.
    #[error("{symbols} symbols with {scale_indices} scale indices")]
    Lengths {
        /// Length of `symbols`.
        symbols: usize,
        /// Length of `scale_index`.
        scale_indices: usize,
    },
    /// Usage: a coded symbol's scale index has no table.
    #[error("scale index {index}, but there are {tables} tables")]
    ScaleIndex {
        /// The largest scale index.
        index: u8,
        /// Number of tables.
        tables: usize,
    },
    /// Usage: more symbols than a stream may have (2^32 - 1, skipped ones included).
    #[error("{symbols} symbols in one stream")]
    TooManySymbols {
        /// Length of `scale_index`.
        symbols: usize,
    },
    /// Usage: the symbols are no whole number of positions.
    #[error("{symbols} symbols are no positions of {channels} channels")]
    Channels {
        /// Number of symbols.
        symbols: usize,
        /// Symbols of a position.
        channels: usize,
    },
    /// Usage: symbols lie in -32767..=32767.
    #[error("symbol -32768 at position {position}")]
    Symbol {
        /// Position in `symbols`.
        position: usize,
    },
    /// Usage: a symbol that is not coded must be 0.
    #[error("symbol {symbol} at position {position} is not 0 but its scale is not coded")]
    Skipped {
        /// Position in `symbols`.
        position: usize,
        /// Its value.
        symbol: i16,
    },
}

impl Error {
    pub(crate) fn malformed(word: usize, fault: Fault) -> Error {
        Error::Malformed { offset: 2 * word, fault }
    }
}

//! Symbols of a file that arrives piece by piece, as far as they have been decoded.

use std::sync::{Mutex, PoisonError};

use calotype_format::{Header, Held};
use calotype_model::{Config, HYPER};
use calotype_rans::{Error, Progress, Scales, Tables, decode_on, decode_prefix_on};

/// A stream of symbols, as far as it has been decoded.
#[derive(Default)]
pub(crate) struct Stream {
    /// All that the stream will have; those that have not come are 0.
    pub symbols: Vec<i16>,
    progress: Progress,
    /// The bytes that have been seen, and what they were held for.
    seen: Option<(usize, Held)>,
}

/// The streams of a tile.
#[derive(Default)]
pub(crate) struct CachedTile {
    pub z: Mutex<Stream>,
    pub y: Mutex<Stream>,
}

/// The streams of all tiles of a file.
pub(crate) struct SymbolCache(Vec<CachedTile>);

impl Stream {
    /// Goes on with `bytes`, the stream as far as it has come.
    pub fn decode(&mut self, bytes: &[u8], scales: Scales<'_>, tables: &Tables, held: Held) -> Result<(), Error> {
        if self.seen == Some((bytes.len(), held)) {
            return Ok(());
        }
        let decode = if held == Held::Whole { decode_on } else { decode_prefix_on };
        self.symbols.resize(scales.index.len(), 0);
        decode(bytes, scales, tables, &mut self.symbols, &mut self.progress)?;
        self.seen = Some((bytes.len(), held));
        Ok(())
    }
}

impl SymbolCache {
    pub fn new(header: &Header) -> SymbolCache {
        SymbolCache((0..header.tile_count()).map(|_| CachedTile::default()).collect())
    }

    /// What it takes in the end: tiles are cut between hyper-latents.
    pub fn bytes(header: &Header, config: &Config) -> u64 {
        let (width, height) = header.coded_extent();
        let side = (HYPER * config.stride) as u32;
        let hyper_latents = u64::from(width.div_ceil(side)) * u64::from(height.div_ceil(side));
        hyper_latents.saturating_mul(2 * (16 * config.m + config.z) as u64)
    }

    pub fn tile(&self, number: usize) -> &CachedTile {
        &self.0[number]
    }

    /// Symbols that decoding has gone through.
    pub fn taken(&self) -> u64 {
        let taken = |stream: &Mutex<Stream>| stream.lock().unwrap_or_else(PoisonError::into_inner).progress.taken();
        self.0.iter().map(|tile| taken(&tile.z) + taken(&tile.y)).sum()
    }
}

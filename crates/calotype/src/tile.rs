//! The walk over a tile, from its streams to its latents on any engine: docs/MODEL.md sections 5.1 to 5.3.

use std::borrow::Cow;
use std::convert::Infallible;
use std::sync::Mutex;

use calotype_engine::{Engine, Map, Rect, TileSymbols};
use calotype_format::{File, Held, TileRef};
use calotype_model::QualityTables;
use pollster::block_on;
use rayon::prelude::*;

use crate::codec::Codec;
use crate::error::{Error, Malformation, Usage, in_order};
use crate::log::lock;
use crate::symbol_cache::{CachedTile, Stream, SymbolCache};

/// The tiles of a file, with what it takes to decode them.
pub(crate) struct Tiles<'a> {
    pub codec: &'a Codec,
    pub quality: QualityTables,
    pub bytes: &'a [u8],
    pub file: &'a File<'a>,
    /// Symbols of the file's tiles that were decoded before, and to be kept for the next time.
    pub kept: Option<&'a SymbolCache>,
}

/// A tile of a file.
pub(crate) struct Tile<'a> {
    place: Rect,
    streams: TileRef<'a>,
    kept: Option<&'a CachedTile>,
}

/// What a tile holds; `L` is v_hat where an engine has it.
pub(crate) struct Decoded<L> {
    pub place: Rect,
    pub symbols: TileSymbols,
    pub v_hat: L,
}

/// Why there is no tile.
pub(crate) enum Stop<F> {
    /// The engine has failed, and with it has gone what it kept.
    Engine(F),
    Error(Error),
}

impl<F> From<Error> for Stop<F> {
    fn from(error: Error) -> Stop<F> {
        Stop::Error(error)
    }
}

impl From<Stop<Infallible>> for Error {
    fn from(Stop::Error(error): Stop<Infallible>) -> Error {
        error
    }
}

impl<'a> Tiles<'a> {
    /// (width, height) of what is coded in pixels.
    pub fn size(&self) -> (usize, usize) {
        let (width, height) = self.file.header.coded_extent();
        (width as usize, height as usize)
    }

    /// The latents of what is coded.
    pub fn picture(&self) -> Rect {
        Rect::of_picture(self.size(), self.stride())
    }

    /// Pixels on a side of a latent's square.
    pub fn stride(&self) -> usize {
        self.codec.stride()
    }

    /// The side of a tile in latents.
    pub fn side(&self) -> usize {
        (1 << self.file.header.tile_log2) / self.stride()
    }

    /// How many latents around a place g_s sees.
    pub fn halo(&self) -> usize {
        self.codec.model.decoder().g_s.halo()
    }

    /// The tile in a row and a column of tiles.
    pub fn tile(&self, row: usize, column: usize) -> Tile<'a> {
        let (side, picture) = (self.side(), self.picture());
        let (y, x) = (row * side, column * side);
        let place = Rect { y, x, height: side.min(picture.height - y), width: side.min(picture.width - x) };
        let number = row * self.file.header.tile_columns() as usize + column;
        Tile { place, streams: self.file.tiles[number], kept: self.kept.map(|kept| kept.tile(number)) }
    }

    /// The walk: z, side information with the scales, y, v_hat.
    pub async fn decode<E: Engine>(
        &self,
        engine: &E,
        q: &E::Quality,
        tiles: &[Tile<'_>],
    ) -> Result<Vec<Decoded<E::Latents>>, Stop<E::Error>> {
        let z: Vec<Vec<i16>> = in_order(tiles.par_iter().map(|tile| self.z(tile)))?;
        let sizes: Vec<_> = tiles.iter().map(|tile| tile.place.size()).collect();
        let scales = engine.scales(q, &sizes, &z).await.map_err(Stop::Engine)?;
        let (side, index): (Vec<_>, Vec<_>) = scales.into_iter().map(|hyper| (hyper.side, hyper.scale_index)).unzip();
        let y: Vec<Vec<i16>> = in_order(index.par_iter().zip(tiles).map(|(index, tile)| self.y(index, tile)))?;
        let v_hat = engine.latents(q, side, &y).map_err(Stop::Engine)?;
        let symbols = z.into_iter().zip(y).zip(index).map(|((z, y), scale_index)| TileSymbols { z, y, scale_index });
        let decoded = |((tile, symbols), v_hat): ((&Tile<'_>, TileSymbols), E::Latents)| Decoded { place: tile.place, symbols, v_hat };
        Ok(tiles.iter().zip(symbols).zip(v_hat).map(decoded).collect())
    }

    /// What `of` makes of each tile by itself, on the CPU; `streams` are the parts of a tile's that are looked at.
    pub fn each<T: Send>(
        &self,
        streams: fn(TileRef<'a>) -> TileRef<'a>,
        of: impl Fn(Decoded<Map<i16>>) -> T + Sync,
    ) -> Result<Vec<T>, Error> {
        let (cpu, columns) = (self.codec.engines.on_cpu(), self.file.header.tile_columns() as usize);
        let each = |number: usize| {
            let tile = self.tile(number / columns, number % columns);
            let tile = Tile { streams: streams(tile.streams), ..tile };
            Ok(block_on(self.decode(cpu, &self.quality, &[tile]))?.into_iter().map(&of).collect::<Vec<T>>())
        };
        Ok(in_order((0..self.file.tiles.len()).into_par_iter().map(each))?.into_iter().flatten().collect())
    }

    fn z(&self, tile: &Tile<'_>) -> Result<Vec<i16>, Error> {
        let (zh, zw) = tile.place.size().hyper();
        let index = self.quality.scale_index_z.repeat(zh * zw);
        let scales = calotype_rans::Scales::in_order(&index, 0);
        self.symbols(&[tile.streams.z], scales, tile.streams.held, tile.kept.map(|kept| &kept.z))
    }

    fn y(&self, index: &[u8], tile: &Tile<'_>) -> Result<Vec<i16>, Error> {
        if tile.streams.held == Held::Nothing {
            return Ok(vec![0; index.len()]);
        }
        self.symbols(&tile.streams.y, self.codec.y_scales(index), tile.streams.held, tile.kept.map(|kept| &kept.y))
    }

    /// Symbols of a stream in parts, of which the last may be missing.
    fn symbols(
        &self,
        parts: &[&[u8]],
        scales: calotype_rans::Scales<'_>,
        held: Held,
        kept: Option<&Mutex<Stream>>,
    ) -> Result<Vec<i16>, Error> {
        let malformed = |error| malformed_stream(self.bytes, parts, error);
        let (stream, tables) = (joined(parts), &self.codec.tables);
        match kept {
            Some(kept) => {
                let mut kept = lock(kept);
                kept.decode(&stream, scales, tables, held).map_err(malformed)?;
                Ok(kept.symbols.clone())
            }
            None => {
                let mut new = Stream::default();
                new.decode(&stream, scales, tables, held).map_err(malformed)?;
                Ok(new.symbols)
            }
        }
    }
}

/// A stream of its parts, without a copy where it is in one.
fn joined<'a>(parts: &[&'a [u8]]) -> Cow<'a, [u8]> {
    match parts {
        [whole, rest @ ..] if rest.iter().all(|part| part.is_empty()) => Cow::Borrowed(whole),
        _ => Cow::Owned(parts.concat()),
    }
}

/// Names the byte of the file: `parts` of the stream are parts of `file`.
fn malformed_stream(file: &[u8], parts: &[&[u8]], error: calotype_rans::Error) -> Error {
    let calotype_rans::Error::Malformed { offset: mut rest, fault } = error else { return Usage::Stream(error).into() };
    let mut offset = 0;
    for part in parts.iter().enumerate().filter(|(i, part)| *i == 0 || !part.is_empty()).map(|(_, part)| part) {
        offset = (part.as_ptr() as usize).saturating_sub(file.as_ptr() as usize) + rest.min(part.len());
        match rest.checked_sub(part.len()) {
            Some(more) => rest = more,
            None => break,
        }
    }
    Error::Malformed { offset: offset as u64, what: Malformation::Stream(fault) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_found_in_the_part_that_holds_them() {
        let file: Vec<u8> = (0..20).collect();
        let parts = [&file[2..6], &file[10..10], &file[12..15]];
        let place = |offset| match malformed_stream(
            &file,
            &parts,
            calotype_rans::Error::Malformed { offset, fault: calotype_rans::Fault::Surplus },
        ) {
            Error::Malformed { offset, .. } => offset,
            other => panic!("{other}"),
        };
        assert_eq!([0, 3, 4, 6, 7].map(place), [2, 5, 12, 14, 15]);
        assert_eq!(joined(&parts), [&file[2..6], &file[12..15]].concat());
        assert!(matches!(joined(&parts[..2]), Cow::Borrowed(_)));
    }
}

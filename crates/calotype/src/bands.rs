//! From a file to pixels in bands of rows: tiles become latents when their row comes, and go when nothing sees them any more.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use calotype_engine::{Map, Rect, TileSymbols, assemble, crop, pixels_of};
use calotype_format::{File, Held, TileRef};
use calotype_model::QualityTables;
use rayon::prelude::*;

use crate::coarse;
use crate::codec::Codec;
use crate::engine::{Latents, Lost, Running, Scales};
use crate::error::{Error, Malformation, Usage, in_order};
use crate::fold::{Unfolding, coded_region};
use crate::inside::TileInside;
use crate::picture::{Region, make_grey};
use crate::symbol_cache::{CachedTile, Stream, SymbolCache};

/// Some whole rows of a picture or region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Band {
    /// Number of rows.
    pub height: u32,
    /// 8-bit RGB, rows without padding.
    pub rgb: Vec<u8>,
}

/// The bands of a region from the top, without gaps; ends after the first error.
pub struct Bands<'a> {
    tiles: Tiles<'a>,
    /// The region of what is coded.
    region: Region,
    /// A folded picture is decoded as a whole, and comes in one band.
    unfolding: Option<Unfolding>,
    /// The latents of the region's pixels.
    wanted: Rect,
    /// Columns of tiles that are needed.
    columns: Range<usize>,
    /// Rows of tiles that are needed and not yet decoded.
    rows: Range<usize>,
    /// Tiles that are decoded and still needed.
    held: Vec<(Rect, Latents)>,
    /// The row of latents where the next band begins.
    next: usize,
}

/// The tiles of a file, with what it takes to decode them.
pub(crate) struct Tiles<'a> {
    pub codec: &'a Codec,
    pub engine: Running<'a>,
    pub quality: QualityTables,
    pub bytes: &'a [u8],
    pub file: &'a File<'a>,
    /// Symbols of the file's tiles that were decoded before, and to be kept for the next time.
    pub kept: Option<&'a SymbolCache>,
}

/// A tile of a file.
struct Tile<'a> {
    place: Rect,
    streams: &'a TileRef<'a>,
    kept: Option<&'a CachedTile>,
}

/// What a tile holds.
struct Decoded {
    symbols: TileSymbols,
    v_hat: Map<i16>,
}

/// Why there is no band.
enum Stop {
    Lost,
    Error(Error),
}

impl From<Lost> for Stop {
    fn from(_: Lost) -> Stop {
        Stop::Lost
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Stop {
        Stop::Error(error)
    }
}

impl<'a> Bands<'a> {
    pub(crate) fn new(tiles: Tiles<'a>, region: Region) -> Bands<'a> {
        let header = &tiles.file.header;
        let unfolding = Unfolding::of(header, region);
        let region = if unfolding.is_some() { coded_region(header) } else { region };
        let wanted = latents_of(region);
        let needed = wanted.widened(tiles.engine.halo(), tiles.picture());
        let side = tiles.side();
        let columns = needed.x / side..needed.right().div_ceil(side);
        let rows = needed.y / side..needed.bottom().div_ceil(side);
        Bands { tiles, region, unfolding, wanted, columns, rows, held: Vec::new(), next: wanted.y }
    }

    /// The same, going on with the symbols that are kept, and keeping new ones.
    pub(crate) fn keeping(mut self, kept: Option<&'a SymbolCache>) -> Bands<'a> {
        self.tiles.kept = kept;
        self
    }

    /// The same on the CPU, whatever the choice.
    pub(crate) fn on_cpu(mut self) -> Bands<'a> {
        self.tiles.engine = self.tiles.codec.engines.on_cpu();
        self
    }

    /// Begins again where the next band begins, on the CPU: the GPU has failed, and with it the latents have gone.
    fn restart(&mut self) {
        self.tiles.engine = self.tiles.engine.on_cpu();
        self.held.clear();
        self.rows.start = self.next.saturating_sub(self.tiles.engine.halo()) / self.tiles.side();
    }

    /// Pixels of the tiles that are held at a time, at most.
    pub(crate) fn held_px(&self) -> u64 {
        let side = self.tiles.side();
        // The hyper-latents are of whole squares of 64 x 64 pixels.
        let Rect { height: rows, width: columns, .. } = self.tiles.picture().padded();
        // The first rows together; after them the last of those before, whose end g_s still sees, and the next ones.
        let (band, all) = (self.rows_in_band(), self.rows.len());
        let later = if all > band { 1 + band.min(all - band) } else { 0 };
        let height = (band.min(all).max(later) * side).min(rows);
        let width = (self.columns.len() * side).min(columns);
        256 * (width as u64) * (height as u64)
    }

    /// The latents that pixels are made of.
    pub(crate) fn latents(&self) -> Rect {
        self.wanted
    }

    fn rows_in_band(&self) -> usize {
        let log2 = self.tiles.file.header.tile_log2;
        self.tiles.codec.rows_in_band((self.columns.len() as u64) << log2, log2)
    }

    /// Decodes rows of tiles until some rows of latents have all that g_s sees around them.
    fn ready(&mut self) -> Result<usize, Stop> {
        let (halo, rows) = (self.tiles.engine.halo(), self.rows_in_band());
        loop {
            let end = (self.rows.start + rows).min(self.rows.end);
            self.held.extend(self.tiles.latents(self.rows.start..end, self.columns.clone())?);
            self.rows.start = end;
            if self.rows.is_empty() {
                return Ok(self.wanted.bottom());
            }
            let ready = (end * self.tiles.side()).saturating_sub(halo).min(self.wanted.bottom());
            if ready > self.next {
                return Ok(ready);
            }
        }
    }

    /// A band of 8-bit RGB.
    fn band(&mut self) -> Result<(u32, Vec<u8>), Error> {
        let (height, mut rgb) = self.samples(|tiles, held, rect| tiles.engine.pixels(&tiles.quality, held, rect, tiles.size()))?;
        if self.tiles.file.header.grey {
            make_grey(&mut rgb);
        }
        Ok((height, rgb))
    }

    /// The next band before the last rounding, its height and its RGB in Q4; for tiles on the CPU.
    pub(crate) fn next_q4(&mut self) -> Option<Result<(u32, Vec<i16>), Error>> {
        self.next_by(|bands| bands.samples(|tiles, held, rect| tiles.engine.pixels_q4(&tiles.quality, held, rect, tiles.size())))
    }

    /// What `band` makes, until the end of the region or an error.
    fn next_by<T>(&mut self, band: impl FnOnce(&mut Self) -> Result<T, Error>) -> Option<Result<T, Error>> {
        if self.next >= self.wanted.bottom() {
            return None;
        }
        let band = band(self);
        if band.is_err() {
            self.next = self.wanted.bottom();
        }
        Some(band)
    }

    /// The number of rows of the next band, and what `develop` makes of their latents.
    fn samples<S: Copy>(
        &mut self,
        develop: impl Fn(&Tiles<'_>, &[(Rect, &Latents)], Rect) -> Result<Vec<S>, Lost>,
    ) -> Result<(u32, Vec<S>), Error> {
        let Some(unfolding) = self.unfolding else { return self.coded_samples(&develop) };
        let mut coded = Vec::with_capacity(3 * self.region.width as usize * self.region.height as usize);
        while self.next < self.wanted.bottom() {
            coded.extend(self.coded_samples(&develop)?.1);
        }
        Ok((unfolding.region().height, unfolding.unfold(&coded, 3)))
    }

    /// As [`Bands::samples`], of what is coded.
    fn coded_samples<S: Copy>(
        &mut self,
        develop: &impl Fn(&Tiles<'_>, &[(Rect, &Latents)], Rect) -> Result<Vec<S>, Lost>,
    ) -> Result<(u32, Vec<S>), Error> {
        loop {
            match self.try_samples(develop) {
                Ok(samples) => return Ok(samples),
                Err(Stop::Error(error)) => return Err(error),
                Err(Stop::Lost) => self.restart(),
            }
        }
    }

    fn try_samples<S: Copy>(
        &mut self,
        develop: impl Fn(&Tiles<'_>, &[(Rect, &Latents)], Rect) -> Result<Vec<S>, Lost>,
    ) -> Result<(u32, Vec<S>), Stop> {
        let (rect, rgb) = self.developed(develop)?;
        let (width, height) = pixels_of(rect, self.tiles.size());
        let [left, right] = [self.region.x, self.region.x + self.region.width].map(|x| x as usize - 16 * rect.x);
        let [top, bottom] =
            [self.region.y, self.region.y + self.region.height].map(|y| (y as usize).saturating_sub(16 * rect.y).min(height));
        Ok(((bottom - top) as u32, crop(rgb, width, top..bottom, left..right)))
    }

    /// The latents of the next band, and what `develop` makes of them.
    fn developed<T>(&mut self, develop: impl Fn(&Tiles<'_>, &[(Rect, &Latents)], Rect) -> Result<T, Lost>) -> Result<(Rect, T), Stop> {
        let ready = self.ready()?;
        let rect = Rect { y: self.next, height: ready - self.next, ..self.wanted };
        let tiles: Vec<(Rect, &Latents)> = self.held.iter().map(|(place, latents)| (*place, latents)).collect();
        let made = develop(&self.tiles, &tiles, rect)?;
        let halo = self.tiles.engine.halo();
        self.held.retain(|(place, _)| place.bottom() + halo > ready);
        self.next = ready;
        Ok((rect, made))
    }

    /// What they cover.
    pub fn region(&self) -> Region {
        self.unfolding.map_or(self.region, |unfolding| unfolding.region())
    }

    /// The next band as pieces on the GPU, of whole latents: they cover the region or more. `None` where the CPU has the pixels, as it does of grey
    /// and of folded pictures and after a GPU has failed, and at the end: [`Iterator::next`] goes on there.
    ///
    /// # Errors
    /// As for [`Decoder::bands`](crate::Decoder::bands).
    #[cfg(feature = "gpu")]
    pub fn next_pieces(&mut self) -> Result<Option<Vec<calotype_gpu::Piece>>, Error> {
        if self.tiles.file.header.grey || self.unfolding.is_some() || !self.tiles.engine.is_gpu() || self.next >= self.wanted.bottom() {
            return Ok(None);
        }
        match self.developed(|tiles, held, rect| tiles.engine.pieces(&tiles.quality, held, rect, tiles.size())) {
            Ok((_, pieces)) => Ok(Some(pieces)),
            Err(Stop::Lost) => {
                self.restart();
                Ok(None)
            }
            Err(Stop::Error(error)) => {
                self.next = self.wanted.bottom();
                Err(error)
            }
        }
    }
}

impl Iterator for Bands<'_> {
    type Item = Result<Band, Error>;

    fn next(&mut self) -> Option<Result<Band, Error>> {
        self.next_by(|bands| bands.band().map(|(height, rgb)| Band { height, rgb }))
    }
}

/// The latents that a region's pixels come from.
pub(crate) fn latents_of(region: Region) -> Rect {
    let [y, x] = [region.y, region.x].map(|pixel| pixel as usize / 16);
    let [bottom, right] = [region.y + region.height, region.x + region.width].map(|pixel| pixel.div_ceil(16) as usize);
    Rect { y, x, height: bottom - y, width: right - x }
}

impl Tiles<'_> {
    /// (width, height) of what is coded in pixels.
    fn size(&self) -> (usize, usize) {
        let (width, height) = self.file.header.coded_extent();
        (width as usize, height as usize)
    }

    /// The latents of what is coded.
    pub fn picture(&self) -> Rect {
        let (width, height) = self.size();
        Rect::of_picture(width, height)
    }

    /// The side of a tile in latents.
    fn side(&self) -> usize {
        1 << (self.file.header.tile_log2 - 4)
    }

    /// v_hat of some tiles: docs/MODEL.md sections 5.1 to 5.3.
    fn latents(&self, rows: Range<usize>, columns: Range<usize>) -> Result<Vec<(Rect, Latents)>, Stop> {
        let (engine, quality) = (self.engine, &self.quality);
        let tiles: Vec<Tile<'_>> = rows.flat_map(|y| columns.clone().map(move |x| (y, x))).map(|position| self.tile(position)).collect();
        let z: Vec<Vec<i16>> = in_order(tiles.par_iter().map(|tile| self.z(tile)))?;
        let sized: Vec<_> = tiles.iter().zip(&z).map(|(tile, z)| (tile.place.size(), &z[..])).collect();
        let scales = engine.hyper(quality, &sized)?;
        let y = |(scales, tile): (Scales, &Tile<'_>)| {
            let symbols = self.y(scales.index(), tile)?;
            Ok((scales, symbols))
        };
        let symbols = in_order(scales.into_par_iter().zip(&tiles).map(y))?;
        Ok(tiles.iter().map(|tile| tile.place).zip(engine.latents(quality, symbols)?).collect())
    }

    /// What the tiles hold and cost, on the CPU.
    pub fn inside(&self) -> Result<Vec<TileInside>, Error> {
        let columns = self.file.header.tile_columns() as usize;
        let inside = |index: usize| {
            let tile = self.tile((index / columns, index % columns));
            let Decoded { symbols: TileSymbols { z, y, scale_index }, v_hat } = self.decoded(&tile)?;
            Ok(TileInside::new(self.codec, tile.place, (&z, &self.quality.scale_index_z), (&y, &scale_index), v_hat))
        };
        in_order((0..self.file.tiles.len()).into_par_iter().map(inside))
    }

    /// The first channels of all latents, from the first parts of the y streams, on the CPU.
    pub fn first_channels(&self, count: usize) -> Result<Map<i16>, Error> {
        let (columns, picture) = (self.file.header.tile_columns() as usize, self.picture());
        let first = |index: usize| {
            let whole = self.tile((index / columns, index % columns));
            let (place, streams) = (whole.place, coarse::first_parts(whole.streams));
            let v_hat = self.decoded(&Tile { place, streams: &streams, kept: None })?.v_hat;
            let data = v_hat.data.chunks_exact(v_hat.channels).flat_map(|position| &position[..count]).copied().collect();
            Ok((place, Map { channels: count, data, ..v_hat }))
        };
        let maps: Vec<(Rect, Map<i16>)> = in_order((0..self.file.tiles.len()).into_par_iter().map(first))?;
        let maps: Vec<(Rect, &Map<i16>)> = maps.iter().map(|(place, map)| (*place, map)).collect();
        Ok(assemble(&maps, picture).into_owned())
    }

    /// A tile by itself, on the CPU.
    fn decoded(&self, tile: &Tile<'_>) -> Result<Decoded, Error> {
        let cpu = self.codec.cpu();
        let z = self.z(tile)?;
        let hyper = cpu.hyper(&self.quality, &z, tile.place.size());
        let y = self.y(&hyper.scale_index, tile)?;
        let v_hat = cpu.means(&self.quality, &hyper, &y);
        Ok(Decoded { symbols: TileSymbols { z, y, scale_index: hyper.scale_index }, v_hat })
    }

    fn tile(&self, (y, x): (usize, usize)) -> Tile<'_> {
        let (side, picture) = (self.side(), self.picture());
        let (top, left) = (y * side, x * side);
        let place = Rect { y: top, x: left, height: side.min(picture.height - top), width: side.min(picture.width - left) };
        let number = y * self.file.header.tile_columns() as usize + x;
        Tile { place, streams: &self.file.tiles[number], kept: self.kept.map(|kept| kept.tile(number)) }
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
                let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
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

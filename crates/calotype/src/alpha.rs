//! Alpha in files: a stream for each tile (docs/FORMAT.md section 3.1).

use std::ops::Range;

use calotype_format::{Header, Region, Section, SectionRef};
use calotype_plane::Size;
use rayon::prelude::*;

use crate::error::{Error, Malformation, Usage, in_order};
use crate::fold::{Unfolding, coded_region};
use crate::metadata::Metadata;

/// All sections of a file whose tiles have these alpha streams, if any.
pub fn sections(alpha: Option<&[Vec<u8>]>, metadata: &Metadata) -> Result<Vec<Section>, Error> {
    let alpha = alpha.map(calotype_format::alpha_section).transpose()?;
    if let Some([_, _, matrix, range]) = metadata.cicp.filter(|cicp| cicp[2..] != [0, 1]) {
        return Err(Usage::Cicp { matrix, range }.into());
    }
    Ok(alpha.into_iter().chain(metadata.sections()).collect())
}

/// The streams of some tiles, of the samples of the picture from row `top` on.
pub fn streams(samples: &[u16], top: u32, tiles: &[Region], header: &Header) -> Vec<Vec<u8>> {
    let width = header.coded_extent().0 as usize;
    let stream = |rect: &Region| {
        let size = size_of(rect, header);
        let rows = samples.chunks_exact(width).skip((rect.y - top) as usize).take(size.height);
        let tile: Vec<u16> = rows.flat_map(|row| &row[rect.x as usize..][..size.width]).copied().collect();
        calotype_plane::encode(&tile, size).expect("samples of the depth, as many as the tile has")
    };
    tiles.par_iter().map(stream).collect()
}

/// The samples of a region, row by row of tiles.
pub struct AlphaRows<'a> {
    header: Header,
    section: SectionRef<'a>,
    /// The region of what is coded.
    region: Region,
    unfolding: Option<Unfolding>,
    /// The region's tiles that have not been decoded, row by row, each with its stream.
    tiles: std::vec::IntoIter<Vec<(Region, &'a [u8])>>,
    /// Samples that have not been taken.
    waiting: Vec<u16>,
}

impl<'a> AlphaRows<'a> {
    /// # Errors
    /// [`Error::Malformed`].
    pub fn new(section: SectionRef<'a>, header: &Header, region: Region) -> Result<AlphaRows<'a>, Error> {
        let unfolding = Unfolding::of(header, region);
        let region = if unfolding.is_some() { coded_region(header) } else { region };
        let rects: Vec<Region> = header.tiles().collect();
        let streams = calotype_format::alpha_streams(section, rects.len())?;
        let tiles: Vec<(Region, &[u8])> = rects.into_iter().zip(streams).collect();
        let touches = |(rect, _): &&(Region, &[u8])| !columns(rect, region).is_empty() && !rows(rect, region).is_empty();
        let rows = tiles.chunks(header.tile_columns() as usize).map(|row| row.iter().filter(touches).copied().collect::<Vec<_>>());
        let tiles: Vec<_> = rows.filter(|row| !row.is_empty()).collect();
        Ok(AlphaRows { header: *header, section, region, unfolding, tiles: tiles.into_iter(), waiting: Vec::new() })
    }

    /// The samples of the region's next rows; of all of them where the picture is folded.
    ///
    /// # Errors
    /// [`Error::Malformed`].
    pub fn take(&mut self, rows: u32) -> Result<Vec<u16>, Error> {
        match self.unfolding {
            None => self.next(rows),
            Some(unfolding) => Ok(unfolding.unfold(&self.next(self.region.height)?, 1)),
        }
    }

    /// The samples of the next rows of what is coded.
    fn next(&mut self, rows: u32) -> Result<Vec<u16>, Error> {
        let count = rows as usize * self.region.width as usize;
        while self.waiting.len() < count
            && let Some(tiles) = self.tiles.next()
        {
            self.decode(&tiles)?;
        }
        let later = self.waiting.split_off(count.min(self.waiting.len()));
        Ok(std::mem::replace(&mut self.waiting, later))
    }

    /// Decodes the next row of tiles, if no samples are waiting.
    ///
    /// # Errors
    /// [`Error::Malformed`].
    pub fn decode_ahead(&mut self) -> Result<(), Error> {
        match self.waiting.is_empty().then(|| self.tiles.next()).flatten() {
            Some(tiles) => self.decode(&tiles),
            None => Ok(()),
        }
    }

    /// A row of tiles.
    fn decode(&mut self, tiles: &[(Region, &[u8])]) -> Result<(), Error> {
        let decode = |(rect, stream): &(Region, &[u8])| {
            calotype_plane::decode(stream, size_of(rect, &self.header)).map_err(|error| malformed(self.section, stream, error))
        };
        let decoded: Vec<Vec<u16>> = in_order(tiles.par_iter().map(decode))?;
        let rows = tiles.first().map_or(0..0, |(rect, _)| rows(rect, self.region));
        for y in rows {
            for ((rect, _), samples) in tiles.iter().zip(&decoded) {
                let row = &samples[(y - rect.y) as usize * rect.width as usize..][..rect.width as usize];
                let columns = columns(rect, self.region);
                self.waiting.extend(&row[(columns.start - rect.x) as usize..(columns.end - rect.x) as usize]);
            }
        }
        Ok(())
    }
}

fn size_of(rect: &Region, header: &Header) -> Size {
    Size { width: rect.width as usize, height: rect.height as usize, depth: header.depth }
}

/// The columns of a tile that are in the region.
fn columns(rect: &Region, region: Region) -> Range<u32> {
    rect.x.max(region.x)..(rect.x + rect.width).min(region.x + region.width)
}

/// The rows of a tile that are in the region.
fn rows(rect: &Region, region: Region) -> Range<u32> {
    rect.y.max(region.y)..(rect.y + rect.height).min(region.y + region.height)
}

/// Names the byte of the file: `stream` is a part of the section.
fn malformed(section: SectionRef<'_>, stream: &[u8], error: calotype_plane::Error) -> Error {
    let begin = section.offset + (stream.as_ptr() as usize).saturating_sub(section.bytes.as_ptr() as usize);
    Error::Malformed { offset: begin as u64, what: Malformation::Alpha(error) }
}

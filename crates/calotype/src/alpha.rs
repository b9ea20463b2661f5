//! Alpha in files: a stream for each tile (docs/FORMAT.md section 3.1).

use std::sync::Mutex;

use calotype_format::{Header, Section, SectionRef, TileRect};
use calotype_plane::Size;
use rayon::prelude::*;

use crate::error::{Error, Malformation};
use crate::metadata::Metadata;
use crate::picture::Picture;

/// All sections of a picture's file.
pub fn sections(picture: &Picture, metadata: &Metadata, header: &Header) -> Result<Vec<Section>, Error> {
    let alpha = picture.alpha().map(|samples| section(&samples, header)).transpose()?;
    Ok(alpha.into_iter().chain(metadata.sections()).collect())
}

/// The section for `samples`, `[height][width]`, of the header's depth.
fn section(samples: &[u16], header: &Header) -> Result<Section, Error> {
    let rects: Vec<TileRect> = header.tiles().collect();
    let stream = |rect: &TileRect| {
        let size = size_of(rect, header);
        let tile = rows(rect, header.width as usize).flat_map(|row| &samples[row..row + size.width]).copied().collect::<Vec<u16>>();
        calotype_plane::encode(&tile, size).expect("samples of the depth, as many as the tile has")
    };
    let streams: Vec<Vec<u8>> = rects.par_iter().map(stream).collect();
    Ok(calotype_format::alpha_section(&streams)?)
}

/// The samples of a section, `[height][width]`.
///
/// # Errors
/// [`Error::Malformed`].
pub fn samples(section: SectionRef<'_>, header: &Header) -> Result<Vec<u16>, Error> {
    let rects: Vec<TileRect> = header.tiles().collect();
    let streams = calotype_format::alpha_streams(section, rects.len())?;
    let whole = Mutex::new(vec![0; header.width as usize * header.height as usize]);
    rects.par_iter().zip(streams).try_for_each(|(rect, stream)| {
        let size = size_of(rect, header);
        let tile = calotype_plane::decode(stream, size).map_err(|error| malformed(section, stream, error))?;
        let mut whole = whole.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        for (row, samples) in rows(rect, header.width as usize).zip(tile.chunks_exact(size.width)) {
            whole[row..row + size.width].copy_from_slice(samples);
        }
        Ok::<(), Error>(())
    })?;
    Ok(whole.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner()))
}

fn size_of(rect: &TileRect, header: &Header) -> Size {
    Size { width: rect.width as usize, height: rect.height as usize, depth: header.depth }
}

/// Where the tile's rows begin among the samples of a picture `width` wide.
fn rows(rect: &TileRect, width: usize) -> impl Iterator<Item = usize> + use<> {
    let (x, y) = (rect.x as usize, rect.y as usize);
    (y..y + rect.height as usize).map(move |row| row * width + x)
}

/// Names the byte of the file: `stream` is a part of the section.
fn malformed(section: SectionRef<'_>, stream: &[u8], error: calotype_plane::Error) -> Error {
    let begin = section.offset + (stream.as_ptr() as usize).saturating_sub(section.bytes.as_ptr() as usize);
    Error::Malformed { offset: begin as u64, what: Malformation::Alpha(error) }
}

//! From pixels to a file.

use std::ops::Range;

use calotype_engine::{EncodeTables, PixelRows, Quantiser, Rect, TileSymbols, padded, padded_area};
use calotype_format::{Fold, Header, Misuse, Region, TileStreams};
use calotype_model::HYPER;
use calotype_rans::{Scales, Tables};
use rayon::prelude::*;

use crate::alpha;
use crate::codec::Codec;
use crate::engine::Encoder;
use crate::entropy::cross_entropy_bits;
use crate::error::{Error, Usage, in_order};
use crate::fold::folded;
use crate::memory::{self, DEFAULT_MAX_MEMORY};
use crate::metadata::Metadata;
use crate::picture::{Channels, Picture, RgbImage, Samples, Shape};
use crate::quality::Quality;
use crate::region::latents_of;

/// Tiles of 1024x1024 pixels.
pub const DEFAULT_TILE_LOG2: u8 = 10;

/// The [`EncodeOptions::dead_zone`] that needs the fewest bits at equal PSNR on validation crops (docs/DECISIONS.md, rounding).
pub const DEFAULT_DEAD_ZONE: u8 = 4;

/// How to encode.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EncodeOptions {
    /// How good the picture is to be.
    pub quality: Quality,
    /// Tile side: `2^tile_log2` pixels, 6 to 16.
    pub tile_log2: u8,
    /// Whether to compute [`Encoded::cross_entropy_bits`], which takes time.
    pub statistics: bool,
    /// What a bit is worth when a symbol is rounded, in 1/256 of a symbol: 0 rounds to the nearest, more sends more symbols to 0.
    pub dead_zone: u8,
    /// Pictures that need more bytes are refused before the bytes are allocated: the rows of tiles that are encoded together, with sides padded to
    /// multiples of 64, and [`EncodeOptions::held_memory`]. Does not count the file, nor the model and what each thread takes (8 MB).
    pub max_memory: u64,
    /// Bytes that the caller holds meanwhile and wants to be counted, such as the picture.
    pub held_memory: u64,
}

impl Default for EncodeOptions {
    fn default() -> EncodeOptions {
        EncodeOptions {
            quality: Quality::default(),
            tile_log2: DEFAULT_TILE_LOG2,
            statistics: false,
            dead_zone: DEFAULT_DEAD_ZONE,
            max_memory: DEFAULT_MAX_MEMORY,
            held_memory: 0,
        }
    }
}

/// An encoded picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Encoded {
    /// The `.calo` file.
    pub bytes: Vec<u8>,
    /// Shannon's bound for the coded symbols under the model's tables; only with [`EncodeOptions::statistics`].
    pub cross_entropy_bits: Option<f64>,
}

/// What all tiles of a picture share.
pub(crate) struct Job<'a> {
    pub codec: &'a Codec,
    header: Header,
    pub tables: EncodeTables,
    /// How many more rows than those of its tiles g_a wants to see on both sides, a multiple of 64.
    halo: u32,
    pub statistics: bool,
}

/// What has been coded.
#[derive(Default)]
struct Coded {
    streams: Vec<TileStreams>,
    /// The alpha streams of the tiles.
    alpha: Vec<Vec<u8>>,
    cross_entropy_bits: f64,
}

impl Codec {
    /// Encodes a picture. The bytes depend on nothing but the model, the picture and the options.
    ///
    /// # Errors
    /// [`Error::Usage`] for a tile side out of range, or if the codec has no encoder part.
    pub fn encode(&self, image: &RgbImage<'_>, options: &EncodeOptions) -> Result<Encoded, Error> {
        let shape = Shape { width: image.width(), height: image.height(), channels: Channels::Rgb, depth: 8 };
        let mut rest = image.rgb();
        self.encode_rows(shape, &Metadata::default(), options, |rows| {
            let (now, later) = rest.split_at(3 * rows as usize * shape.width as usize);
            rest = later;
            Picture::new(shape.width, rows, shape.channels, Samples::U8(now.to_vec()))
        })
    }

    /// Encodes a picture of any kind with its metadata. Colour is coded with 8 bits, whatever the depth; alpha is exact; colours under
    /// full transparency change.
    ///
    /// # Errors
    /// As [`Codec::encode`], and [`Error::Usage`] for a section of 4 GiB or more.
    pub fn encode_picture(&self, picture: &Picture, metadata: &Metadata, options: &EncodeOptions) -> Result<Encoded, Error> {
        let mut top = 0;
        self.encode_rows(picture.shape(), metadata, options, |rows| {
            top += rows;
            picture.rows(top - rows..top)
        })
    }

    /// As [`Codec::encode_picture`], of a picture that comes in rows from the top: each time as many as `pull` is asked for, as a picture of
    /// their own. Holds few rows of tiles at a time.
    ///
    /// # Errors
    /// Those of `pull`, and as [`Codec::encode_picture`]; also [`Error::Usage`] if a side is 0 or rows are not what they should be, and
    /// [`Error::Memory`], [`Error::NoMemory`].
    pub fn encode_rows<E: From<Error>>(
        &self,
        shape: Shape,
        metadata: &Metadata,
        options: &EncodeOptions,
        mut pull: impl FnMut(u32) -> Result<Picture, E>,
    ) -> Result<Encoded, E> {
        let header = self.header(shape, options)?;
        let Some(fold) = header.fold() else { return self.encode_coded(header, shape, metadata, options, pull) };
        let (width, height) = fold.extent();
        // The picture is held as it comes, and folded.
        let held_memory = options.held_memory.saturating_add(memory::of_folding(shape));
        let options = EncodeOptions { held_memory, ..*options };
        let (mut picture, mut top) = (None, 0);
        self.encode_coded(header, Shape { width, height, ..shape }, metadata, &options, |rows| {
            let picture = match &mut picture {
                Some(picture) => picture,
                None => picture.insert(folded(&checked(pull(shape.height)?, shape)?, fold)),
            };
            top += rows;
            Ok(picture.rows(top - rows..top)?)
        })
    }

    /// The file of a header and of what is coded: a picture of this shape, whose rows come from the top.
    fn encode_coded<E: From<Error>>(
        &self,
        header: Header,
        shape: Shape,
        metadata: &Metadata,
        options: &EncodeOptions,
        mut pull: impl FnMut(u32) -> Result<Picture, E>,
    ) -> Result<Encoded, E> {
        let job = self.job(&header, options)?;
        check_memory(memory::of_encoding(job.held_px(), padded(shape.width), shape), options)?;
        let mut encoder = self.engines.encoder(job.tables.clone());
        let mut rows = RowWindow::new(shape);
        let mut coded = Coded::default();
        for tiles in tile_bands(self, &header) {
            let Some((first, last)) = tiles.first().zip(tiles.last()) else { continue };
            rows.move_to(first.y.saturating_sub(job.halo)..(last.y + last.height).saturating_add(job.halo), &mut pull)?;
            job.code(&mut encoder, rows.pixels(), &tiles, &mut coded)?;
            if shape.channels.has_alpha() {
                coded.alpha.extend(alpha::streams(&rows.alpha, rows.rows.start, &tiles, &header));
            }
        }
        let alpha = shape.channels.has_alpha().then_some(&coded.alpha[..]);
        let bytes = calotype_format::write(&header, &alpha::sections(alpha, metadata)?, &coded.streams).map_err(Error::from)?;
        Ok(Encoded { bytes, cross_entropy_bits: options.statistics.then_some(coded.cross_entropy_bits) })
    }

    /// The header of a picture of any kind.
    pub(crate) fn header(&self, shape: Shape, options: &EncodeOptions) -> Result<Header, Error> {
        let Shape { width, height, channels, depth } = shape;
        if !(6..=16).contains(&options.tile_log2) {
            return Err(Usage::Container(Misuse::TileLog2(options.tile_log2)).into());
        }
        if !self.holds_hyper_latents(options.tile_log2) {
            return Err(Usage::Tile(options.tile_log2).into());
        }
        if width == 0 || height == 0 {
            return Err(Usage::Container(Misuse::Empty { width, height }).into());
        }
        let decoder = self.model.decoder();
        Ok(Header {
            development: !decoder.config.released,
            grey: channels.is_grey(),
            folded: Fold::of(width, height).is_some(),
            depth,
            width,
            height,
            model_id: decoder.id,
            fineness: self.fineness(options.quality)?,
            tile_log2: options.tile_log2,
        })
    }

    pub(crate) fn job(&self, header: &Header, options: &EncodeOptions) -> Result<Job<'_>, Error> {
        let encoder = self.model.encoder().ok_or(Usage::NoEncoder)?;
        let tables = EncodeTables {
            quality: self.model.decoder().quality(header.fineness),
            gain_z: encoder.gain_z(header.fineness),
            quantiser: quantiser(&self.tables, options.dead_zone),
        };
        let halo = encoder.g_a.halo().next_multiple_of(HYPER * encoder.config.stride) as u32;
        Ok(Job { codec: self, header: *header, tables, halo, statistics: options.statistics })
    }
}

impl Job<'_> {
    /// Pixels of the rows that are held at a time, at most.
    fn held_px(&self) -> u64 {
        let (width, height) = self.header.coded_extent();
        let rows = (self.codec.rows_in_band(width.into(), self.header.tile_log2) as u64) << self.header.tile_log2;
        (rows + 2 * u64::from(self.halo)).min(padded(height)).saturating_mul(padded(width))
    }

    /// docs/MODEL.md section 6 for tiles whose pixels are at hand.
    fn code(&self, encoder: &mut Encoder<'_>, pixels: PixelRows<'_>, tiles: &[Region], coded: &mut Coded) -> Result<(), Error> {
        let places: Vec<Rect> = tiles.iter().map(|&tile| latents_of(tile, self.codec.stride())).collect();
        let symbols = encoder.symbols(pixels, &places);
        let streams: Vec<TileStreams> = in_order(symbols.par_iter().map(|tile| self.write(tile)))?;
        coded.streams.extend(streams);
        if self.statistics {
            coded.cross_entropy_bits += symbols.iter().map(|tile| self.cross_entropy_bits(tile)).sum::<f64>();
        }
        Ok(())
    }

    pub fn write(&self, tile: &TileSymbols) -> Result<TileStreams, Error> {
        let tables = &self.codec.tables;
        let (z, y) = rayon::join(
            || calotype_rans::encode(&tile.z, Scales::in_order(&self.z_index(tile), 0), tables),
            || calotype_rans::encode_parts(&tile.y, self.codec.y_scales(&tile.scale_index), tables),
        );
        Ok(TileStreams { z: z.map_err(Usage::Stream)?, y: y.map_err(Usage::Stream)? })
    }

    /// What the tile's symbols take under the model's tables, in 1/256 bit, without coding them.
    pub fn cost_q8(&self, tile: &TileSymbols) -> u64 {
        let (tables, skip_below) = (&self.codec.tables, self.codec.model.decoder().config.skip_below);
        let cost = |(&symbol, &index): (&i16, &u8)| u64::from(tables.cost(index, symbol));
        let z: u64 = tile.z.iter().zip(&self.z_index(tile)).map(cost).sum();
        let y = tile.y.iter().zip(&tile.scale_index).filter(|(_, index)| **index >= skip_below);
        z + y.map(cost).sum::<u64>()
    }

    pub fn cross_entropy_bits(&self, tile: &TileSymbols) -> f64 {
        let (tables, skip_below) = (&self.codec.tables, self.codec.model.decoder().config.skip_below);
        cross_entropy_bits(&tile.z, &self.z_index(tile), 0, tables) + cross_entropy_bits(&tile.y, &tile.scale_index, skip_below, tables)
    }

    fn z_index(&self, tile: &TileSymbols) -> Vec<u8> {
        self.tables.quality.scale_index_z.iter().copied().cycle().take(tile.z.len()).collect()
    }
}

/// Pixels of a picture as the network sees it: thin ones are folded, sides are multiples of 64. What
/// [`DecodeOptions::max_pixels`](crate::DecodeOptions::max_pixels) counts.
pub fn padded_pixels(width: u32, height: u32) -> u64 {
    padded_area(Fold::of(width, height).map_or((width, height), |fold| fold.extent()))
}

/// Refuses to take more memory than the options allow.
pub(crate) fn check_memory(bytes: u64, options: &EncodeOptions) -> Result<(), Error> {
    memory::check(bytes, options.held_memory, options.max_memory)
}

/// The rows of a picture that are at hand while it passes by.
struct RowWindow {
    shape: Shape,
    rows: Range<u32>,
    rgb: Vec<u8>,
    /// Empty where the picture has none.
    alpha: Vec<u16>,
}

impl RowWindow {
    fn new(shape: Shape) -> RowWindow {
        RowWindow { shape, rows: 0..0, rgb: Vec::new(), alpha: Vec::new() }
    }

    /// Lets go of the rows above `rows` and pulls what is missing of them, as far as they are in the picture. All ranges begin and end at
    /// multiples of 64, or with the picture.
    fn move_to<E: From<Error>>(&mut self, rows: Range<u32>, pull: &mut impl FnMut(u32) -> Result<Picture, E>) -> Result<(), E> {
        let gone = (rows.start - self.rows.start) as usize * self.shape.width as usize;
        self.rgb.drain(..3 * gone);
        self.alpha.drain(..gone.min(self.alpha.len()));
        let (end, height) = (rows.end.min(self.shape.height), rows.end.min(self.shape.height) - self.rows.end);
        self.rows = rows.start..end;
        if height > 0 {
            let next = pull(height)?;
            let next = checked(next, Shape { height, ..self.shape })?;
            self.rgb.extend_from_slice(&next.opaque_rgb8());
            self.alpha.extend(next.alpha().into_iter().flatten());
        }
        Ok(())
    }

    fn pixels(&self) -> PixelRows<'_> {
        let (width, height) = (self.shape.width as usize, self.shape.height as usize);
        PixelRows { width, height, top: self.rows.start as usize, rgb: &self.rgb }
    }
}

/// Rows that were pulled, if they are what was asked for.
fn checked(rows: Picture, asked: Shape) -> Result<Picture, Error> {
    let Shape { width, height, channels, .. } = rows.shape();
    let other = Usage::PictureSize { width, height, channels: channels.count(), samples: rows.samples().len() };
    if rows.shape() == asked { Ok(rows) } else { Err(other.into()) }
}

/// The tiles of a picture in bands of whole rows of tiles.
fn tile_bands(codec: &Codec, header: &Header) -> impl Iterator<Item = Vec<Region>> + use<> {
    let mut tiles = header.tiles();
    let length = header.tile_columns() as usize * codec.rows_in_band(header.coded_extent().0.into(), header.tile_log2);
    std::iter::from_fn(move || Some(tiles.by_ref().take(length).collect())).take_while(|band: &Vec<Region>| !band.is_empty())
}

/// Rounding up from 0 to 1 must pay for the bits between them: `1/2 + dead_zone / 256 * bits` is where both choices cost the same.
fn quantiser(tables: &Tables, dead_zone: u8) -> Quantiser {
    let threshold = |scale: usize| {
        let scale = scale.min(tables.len() - 1) as u8;
        let bits_q8 = tables.cost(scale, 1).saturating_sub(tables.cost(scale, 0));
        (32 + ((bits_q8 * u32::from(dead_zone)) >> 10)).min(64) as u8
    };
    Quantiser::with_thresholds(std::array::from_fn(threshold))
}

//! From pixels to a file.

use std::borrow::Cow;

use calotype_cpu::{Map, TileSize};
use calotype_format::{Header, Misuse, TileRect, TileStreams};
use calotype_model::{QualityTables, Quantiser};
use calotype_rans::Tables;
use rayon::prelude::*;

use crate::codec::Codec;
use crate::engine::Running;
use crate::entropy::cross_entropy_bits;
use crate::error::{Error, Usage};
use crate::picture::RgbImage;
use crate::quality::Quality;

/// Tiles of 1024x1024 pixels.
pub const DEFAULT_TILE_LOG2: u8 = 10;

/// The [`EncodeOptions::dead_zone`] that needs the fewest bits at equal PSNR on validation crops (docs/DECISIONS.md, rounding).
pub const DEFAULT_DEAD_ZONE: u8 = 4;

/// How to encode.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EncodeOptions {
    /// How finely.
    pub quality: Quality,
    /// Tile side: `2^tile_log2` pixels, 6 to 16.
    pub tile_log2: u8,
    /// Whether to compute [`Encoded::cross_entropy_bits`], which takes time.
    pub statistics: bool,
    /// What a bit is worth when a symbol is rounded, in 1/256 of a symbol: 0 rounds to the nearest, more sends more symbols to 0.
    pub dead_zone: u8,
}

impl Default for EncodeOptions {
    fn default() -> EncodeOptions {
        EncodeOptions { quality: Quality::default(), tile_log2: DEFAULT_TILE_LOG2, statistics: false, dead_zone: DEFAULT_DEAD_ZONE }
    }
}

/// An encoded picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Encoded {
    /// The `.calo` file.
    pub bytes: Vec<u8>,
    /// Shannon's bound for the coded symbols, under float64 Gaussians at the table's sigma; only with [`EncodeOptions::statistics`].
    pub cross_entropy_bits: Option<f64>,
}

/// The symbols of one tile and the scales under which they are coded.
struct TileSymbols {
    z: Vec<i16>,
    z_index: Vec<u8>,
    y: Vec<i16>,
    y_index: Vec<u8>,
}

/// What all tiles of a picture share.
struct Job<'a> {
    codec: &'a Codec,
    engine: Running<'a>,
    quality: QualityTables,
    gain_z: Vec<i16>,
    quantiser: Quantiser,
    v: Map<i16>,
}

impl Codec {
    /// Encodes a picture. The bytes depend on nothing but the model, the picture and the options.
    ///
    /// # Errors
    /// [`Error::Usage`] for a tile side out of range, or if the codec has no encoder part.
    pub fn encode(&self, image: &RgbImage<'_>, options: &EncodeOptions) -> Result<Encoded, Error> {
        let header = self.header(image, options)?;
        let job = self.job(image, options)?;
        let rects: Vec<TileRect> = header.tiles().collect();
        let tiles: Vec<TileSymbols> = rects.par_iter().map(|rect| job.symbols(rect)).collect();
        let streams: Vec<TileStreams> = tiles.par_iter().map(|tile| job.write(tile)).collect::<Result<_, _>>()?;
        let cross_entropy_bits = options.statistics.then(|| tiles.iter().map(|tile| job.cross_entropy_bits(tile)).sum());
        Ok(Encoded { bytes: calotype_format::write(&header, &[], &streams)?, cross_entropy_bits })
    }

    fn header(&self, image: &RgbImage<'_>, options: &EncodeOptions) -> Result<Header, Error> {
        if !(6..=16).contains(&options.tile_log2) {
            return Err(Usage::Container(Misuse::TileLog2(options.tile_log2)).into());
        }
        let decoder = self.model.decoder();
        Ok(Header {
            development: !decoder.config.released,
            width: image.width(),
            height: image.height(),
            model_id: decoder.id,
            quality: options.quality.steps(),
            tile_log2: options.tile_log2,
        })
    }

    fn job(&self, image: &RgbImage<'_>, options: &EncodeOptions) -> Result<Job<'_>, Error> {
        let encoder = self.model.encoder().ok_or(Usage::NoEncoder)?;
        let engine = self.engines.for_picture(u64::from(image.width()) * u64::from(image.height()));
        let v = engine.analyse(image.rgb(), image.width() as usize, image.height() as usize);
        let quality = options.quality.steps();
        let (gain_z, quality) = (encoder.gain_z(quality), self.model.decoder().quality(quality));
        Ok(Job { codec: self, engine, quality, gain_z, quantiser: quantiser(&self.tables, options.dead_zone), v })
    }
}

impl Job<'_> {
    /// docs/MODEL.md section 6 for one tile.
    fn symbols(&self, rect: &TileRect) -> TileSymbols {
        let engine = self.engine;
        let size = tile_size(rect);
        let origin = (rect.y as usize / 16, rect.x as usize / 16);
        let (zh, zw) = size.hyper();
        let padded = crop(&self.v, origin, (4 * zh, 4 * zw));
        let z = engine.hyper_analyse(&self.gain_z, &padded);
        let hyper = engine.hyper(&self.quality, &z, size);
        let (y, _) = engine.code(&self.quality, &hyper, &padded, &self.quantiser);
        let z_index = self.quality.scale_index_z.repeat(zh * zw);
        TileSymbols { z, z_index, y, y_index: hyper.scale_index }
    }

    fn write(&self, tile: &TileSymbols) -> Result<TileStreams, Error> {
        let tables = &self.codec.tables;
        let (z, y) = rayon::join(
            || calotype_rans::encode(&tile.z, &tile.z_index, 0, tables),
            || calotype_rans::encode(&tile.y, &tile.y_index, self.skip_below(), tables),
        );
        Ok(TileStreams { z: z.map_err(Usage::Stream)?, y: y.map_err(Usage::Stream)? })
    }

    fn cross_entropy_bits(&self, tile: &TileSymbols) -> f64 {
        let scales = self.codec.tables.len();
        cross_entropy_bits(&tile.z, &tile.z_index, 0, scales) + cross_entropy_bits(&tile.y, &tile.y_index, self.skip_below(), scales)
    }

    fn skip_below(&self) -> u8 {
        self.codec.model.decoder().config.skip_below
    }
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

/// Latents of a tile of pixels (docs/MODEL.md section 4).
pub(crate) fn tile_size(rect: &TileRect) -> TileSize {
    TileSize { lh: rect.height.div_ceil(16) as usize, lw: rect.width.div_ceil(16) as usize }
}

/// The part of a map, without a copy where it is the whole.
fn crop<'a>(map: &'a Map<i16>, origin: (usize, usize), size: (usize, usize)) -> Cow<'a, Map<i16>> {
    if size == (map.height, map.width) { Cow::Borrowed(map) } else { Cow::Owned(map.crop(origin, size)) }
}

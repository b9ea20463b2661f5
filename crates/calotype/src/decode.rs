//! From a file to pixels.

use std::sync::Mutex;

use calotype_cpu::Map;
use calotype_format::{File, TileRect, TileRef};
use calotype_model::QualityTables;
use rayon::prelude::*;

use crate::codec::Codec;
use crate::encode::tile_size;
use crate::engine::Running;
use crate::error::{Error, Malformation, Unsupported, Usage};
use crate::models::ModelId;
use crate::picture::Image;
use crate::quality::Quality;

/// One gigapixel.
pub const DEFAULT_MAX_PIXELS: u64 = 1_000_000_000;

/// What a decoder accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecodeOptions {
    /// Larger pictures are refused before anything is allocated for them.
    pub max_pixels: u64,
}

impl Default for DecodeOptions {
    fn default() -> DecodeOptions {
        DecodeOptions { max_pixels: DEFAULT_MAX_PIXELS }
    }
}

/// What a file says about itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Info {
    /// Pixels in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// How finely it was quantised.
    pub quality: Quality,
    /// The model that wrote it.
    pub model_id: ModelId,
    /// Whether that model was never released, so that the file need not decode with later versions.
    pub development: bool,
    /// Tile side: `2^tile_log2` pixels.
    pub tile_log2: u8,
    /// Number of tiles.
    pub tiles: usize,
    /// Length of the file.
    pub bytes: usize,
}

impl Info {
    /// The file's bits per pixel.
    pub fn bits_per_pixel(&self) -> f64 {
        self.bytes as f64 * 8.0 / (f64::from(self.width) * f64::from(self.height))
    }
}

/// A file whose container has been read, checksums included, and whose pixels have not.
pub struct Decoder<'a> {
    bytes: &'a [u8],
    file: File<'a>,
}

/// What all tiles of a picture share.
struct Job<'a> {
    codec: &'a Codec,
    engine: Running<'a>,
    quality: QualityTables,
}

impl<'a> Decoder<'a> {
    /// Reads the container: header, sections, index, checksums (docs/FORMAT.md sections 1 to 4).
    ///
    /// # Errors
    /// [`Error::Malformed`], [`Error::Unsupported`], [`Error::Limits`].
    pub fn new(bytes: &'a [u8], options: &DecodeOptions) -> Result<Decoder<'a>, Error> {
        let file = File::parse(bytes, options.max_pixels)?;
        Ok(Decoder { bytes, file })
    }

    /// What the header says.
    pub fn info(&self) -> Info {
        let header = &self.file.header;
        Info {
            width: header.width,
            height: header.height,
            quality: Quality::from_steps(header.quality).unwrap_or(Quality::HIGHEST),
            model_id: ModelId(header.model_id),
            development: header.development,
            tile_log2: header.tile_log2,
            tiles: self.file.tiles.len(),
            bytes: self.bytes.len(),
        }
    }

    /// Decodes the pixels; the same ones on every engine.
    ///
    /// # Errors
    /// [`Error::Unsupported`] if `codec` has another model, [`Error::Malformed`] if a stream is damaged.
    pub fn decode(&self, codec: &Codec) -> Result<Image, Error> {
        let header = &self.file.header;
        let (wanted, loaded) = (ModelId(header.model_id), codec.model_id());
        if wanted != loaded {
            return Err(Unsupported::Model { wanted, loaded }.into());
        }
        let engine = codec.engines.for_picture(u64::from(header.width) * u64::from(header.height));
        let job = Job { codec, engine, quality: codec.model.decoder().quality(header.quality) };
        let v_hat = self.latents(&job)?;
        let rgb = engine.synthesise(&job.quality, &v_hat, header.width as usize, header.height as usize);
        Ok(Image { width: header.width, height: header.height, rgb })
    }

    /// v_hat of the whole picture, `[ceil(height / 16), ceil(width / 16), M]`.
    fn latents(&self, job: &Job<'_>) -> Result<Map<i16>, Error> {
        let header = &self.file.header;
        let rects: Vec<TileRect> = header.tiles().collect();
        if let ([rect], [streams]) = (&rects[..], &self.file.tiles[..]) {
            return job.tile(self.bytes, streams, rect);
        }
        let (height, width) = (header.height.div_ceil(16) as usize, header.width.div_ceil(16) as usize);
        let whole = Mutex::new(Map::zeros(height, width, job.codec.model.decoder().config.m));
        rects.par_iter().zip(&self.file.tiles).try_for_each(|(rect, streams)| {
            let tile = job.tile(self.bytes, streams, rect)?;
            let mut whole = whole.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            place(&mut whole, &tile, (rect.y as usize / 16, rect.x as usize / 16));
            Ok::<(), Error>(())
        })?;
        Ok(whole.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner()))
    }
}

impl Job<'_> {
    /// v_hat of one tile: docs/MODEL.md sections 5.1 to 5.3.
    fn tile(&self, file: &[u8], streams: &TileRef<'_>, rect: &TileRect) -> Result<Map<i16>, Error> {
        let size = tile_size(rect);
        let (zh, zw) = size.hyper();
        let z = self.symbols(file, streams.z, &self.quality.scale_index_z.repeat(zh * zw), 0)?;
        let hyper = self.engine.hyper(&self.quality, &z, size);
        let y = self.symbols(file, streams.y, &hyper.scale_index, self.codec.model.decoder().config.skip_below)?;
        Ok(self.engine.means(&self.quality, &hyper, &y))
    }

    fn symbols(&self, file: &[u8], stream: &[u8], scale_index: &[u8], skip_below: u8) -> Result<Vec<i16>, Error> {
        let mut symbols = vec![0; scale_index.len()];
        calotype_rans::decode(stream, scale_index, skip_below, &self.codec.tables, &mut symbols)
            .map_err(|error| malformed_stream(file, stream, error))?;
        Ok(symbols)
    }
}

/// Names the byte of the file: `stream` is a part of `file`.
fn malformed_stream(file: &[u8], stream: &[u8], error: calotype_rans::Error) -> Error {
    let begin = (stream.as_ptr() as usize).saturating_sub(file.as_ptr() as usize);
    match error {
        calotype_rans::Error::Malformed { offset, fault } => {
            Error::Malformed { offset: (begin + offset) as u64, what: Malformation::Stream(fault) }
        }
        other => Usage::Stream(other).into(),
    }
}

/// Copies `tile` into `whole` at (row, column).
fn place(whole: &mut Map<i16>, tile: &Map<i16>, (y0, x0): (usize, usize)) {
    let row_length = tile.width * tile.channels;
    for (y, row) in tile.data.chunks_exact(row_length).enumerate() {
        let begin = ((y0 + y) * whole.width + x0) * whole.channels;
        whole.data[begin..begin + row_length].copy_from_slice(row);
    }
}

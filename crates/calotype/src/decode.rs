//! From a file to pixels.

use calotype_engine::padded_area;
use calotype_format::layout::{HEADER_TILE_LOG2, section};
use calotype_format::{Fault, File, Header, Region};

use crate::alpha::AlphaRows;
use crate::bands::{Bands, needed_tiles};
use crate::coarse;
use crate::codec::Codec;
use crate::error::{Error, Malformation, Unsupported};
use crate::fold;
use crate::inside::Inside;
use crate::memory::{self, DEFAULT_MAX_MEMORY};
use crate::metadata::Metadata;
use crate::model_id::ModelId;
use crate::models;
use crate::picture::{Channels, Image, Picture, Samples, Shape, make_grey};
use crate::picture_bands::PictureBands;
use crate::quality::Quality;
use crate::region::inside;
use crate::shrink::scaled;
use crate::symbol_cache::SymbolCache;
use crate::tile::Tiles;

/// One gigapixel.
pub const DEFAULT_MAX_PIXELS: u64 = 1_000_000_000;

/// Bytes for each pixel of what [`Inside`] holds: M latents of 2 bytes for 256 pixels, once for the tiles and once for the picture.
const BYTES_PER_INSIDE_PX: u64 = 8;

/// What a decoder accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecodeOptions {
    /// Larger pictures are refused before anything is allocated for them; sides count as multiples of 64.
    pub max_pixels: u64,
    /// Pictures that need more bytes are refused before the bytes are allocated: the rows of tiles that are decoded together, and the pixels where
    /// they are wanted all at once. Does not count the file, nor the model (50 MB) and what each thread takes (8 MB).
    pub max_memory: u64,
}

impl Default for DecodeOptions {
    fn default() -> DecodeOptions {
        DecodeOptions { max_pixels: DEFAULT_MAX_PIXELS, max_memory: DEFAULT_MAX_MEMORY }
    }
}

/// What a file says about itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Info {
    /// Pixels in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// How finely it was quantised: docs/MODEL.md section 3. [`Info::quality`] says it in points.
    pub fineness: u16,
    /// The model that wrote it.
    pub model_id: ModelId,
    /// Whether that model was never released, so that the file need not decode with later versions.
    pub development: bool,
    /// Tile side: `2^tile_log2` pixels.
    pub tile_log2: u8,
    /// Whether the picture has one channel of colour.
    pub grey: bool,
    /// Whether it has alpha.
    pub alpha: bool,
    /// Bits of a sample, 8 or 16.
    pub depth: u8,
    /// Whether the picture is thin and was folded to be coded (docs/FORMAT.md section 2.1).
    pub folded: bool,
    /// Number of tiles.
    pub tiles: usize,
    /// Length of the file.
    pub bytes: usize,
}

impl Info {
    /// How good the picture is, if its model is in this program.
    ///
    /// # Errors
    /// [`Error::Engine`] if this program was built with a damaged one.
    pub fn quality(&self) -> Result<Option<Quality>, Error> {
        let scale = models::scale_of(self.model_id)?;
        Ok(scale.map(|scale| Quality::of(&scale, self.fineness)))
    }

    /// The file's bits per pixel.
    pub fn bits_per_pixel(&self) -> f64 {
        self.bytes as f64 * 8.0 / (f64::from(self.width) * f64::from(self.height))
    }
}

/// A file whose container has been read, checksums included, and whose pixels have not.
pub struct Decoder<'a> {
    bytes: &'a [u8],
    file: File<'a>,
    max_memory: u64,
    kept: Option<&'a SymbolCache>,
    /// What was passed over, and at which bytes.
    faults: Vec<(u64, Fault)>,
    damage: Damage,
}

/// What becomes of a damaged tile that a region needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Damage {
    /// The region is refused.
    Refused,
    /// It is flat.
    Flat,
}

fn malformed((offset, fault): (u64, Fault)) -> Error {
    Error::Malformed { offset, what: Malformation::Container(fault) }
}

/// A region as 8-bit RGB.
fn plain(region: Region) -> Shape {
    Shape { width: region.width, height: region.height, channels: Channels::Rgb, depth: 8 }
}

impl<'a> Decoder<'a> {
    /// Reads the container: header, sections, index, checksums (docs/FORMAT.md sections 1 to 4).
    ///
    /// # Errors
    /// [`Error::Malformed`], [`Error::Unsupported`], [`Error::Limits`].
    pub fn new(bytes: &'a [u8], options: &DecodeOptions) -> Result<Decoder<'a>, Error> {
        Decoder::of(bytes, File::parse(bytes, options.max_pixels)?, Vec::new(), options)
    }

    /// As [`Decoder::new`], for parts of the picture: a damaged tile is an error only of a region that needs it.
    ///
    /// # Errors
    /// As [`Decoder::new`], but for damaged tiles; [`Decoder::bands`] and the like tell of them.
    pub fn for_regions(bytes: &'a [u8], options: &DecodeOptions) -> Result<Decoder<'a>, Error> {
        let (file, faults) = File::parse_damaged(bytes, options.max_pixels)?;
        let other = faults.iter().find(|(_, fault)| !matches!(fault, Fault::TileCrc { .. })).copied();
        let missing = || (bytes.len() as u64, Fault::Truncated { needed: file.length });
        match other.or_else(|| (file.length > bytes.len() as u64).then(missing)) {
            Some(fault) => Err(malformed(fault)),
            None => Decoder::of(bytes, file, faults, options),
        }
    }

    /// As [`Decoder::new`], of the first bytes of a file, at least those before the streams. Pictures of it are coarse, then fine: symbols that
    /// have not come count as 0 (docs/FORMAT.md section 4, prefixes).
    ///
    /// # Errors
    /// As [`Decoder::new`].
    pub fn partial(bytes: &'a [u8], options: &DecodeOptions) -> Result<Decoder<'a>, Error> {
        Decoder::of(bytes, File::parse_prefix(bytes, options.max_pixels)?, Vec::new(), options)
    }

    /// As [`Decoder::partial`], of a damaged file: tiles whose checksum does not fit are flat, other sections left out: [`Decoder::damaged_tiles`],
    /// [`Decoder::damaged_sections`]. Bytes after its end are passed over.
    ///
    /// # Errors
    /// As [`Decoder::partial`], if header or index are damaged.
    pub fn salvage(bytes: &'a [u8], options: &DecodeOptions) -> Result<Decoder<'a>, Error> {
        let (file, faults) = File::parse_damaged(bytes, options.max_pixels)?;
        Ok(Decoder { damage: Damage::Flat, ..Decoder::of(bytes, file, faults, options)? })
    }

    /// Pictures count as what the network makes of them.
    fn of(bytes: &'a [u8], file: File<'a>, faults: Vec<(u64, Fault)>, options: &DecodeOptions) -> Result<Decoder<'a>, Error> {
        let (Header { width, height, .. }, max_pixels) = (file.header, options.max_pixels);
        if padded_area(file.header.coded_extent()) > max_pixels {
            return Err(Error::Limits { width, height, max_pixels });
        }
        Ok(Decoder { bytes, file, max_memory: options.max_memory, kept: None, faults, damage: Damage::Refused })
    }

    /// Where the tiles lie that [`Decoder::salvage`] or [`Decoder::for_regions`] found damaged; in a folded picture a tile lies in several places.
    pub fn damaged_tiles(&self) -> Vec<Region> {
        self.places(self.damaged())
    }

    /// Those of [`Decoder::damaged_tiles`] that the pixels of a region are made of: beside its own, those that `codec` sees around it.
    ///
    /// # Errors
    /// As [`Decoder::bands`], but for damage.
    pub fn damaged_tiles_of(&self, codec: &Codec, region: Region) -> Result<Vec<Region>, Error> {
        let needs = needed_tiles(&self.tiles(codec)?, self.check_region(region)?);
        Ok(self.places(self.damaged().filter(|(tile, _)| needs(*tile))))
    }

    /// The damaged tiles, and what is wrong where.
    fn damaged(&self) -> impl Iterator<Item = (usize, (u64, Fault))> {
        let tile =
            |&(offset, fault): &(u64, Fault)| if let Fault::TileCrc { tile, .. } = fault { Some((tile, (offset, fault))) } else { None };
        self.faults.iter().filter_map(tile)
    }

    /// Where tiles lie in the picture.
    fn places(&self, damage: impl Iterator<Item = (usize, (u64, Fault))>) -> Vec<Region> {
        let tiles: Vec<_> = self.file.header.tiles().collect();
        damage.filter_map(|(tile, _)| tiles.get(tile)).flat_map(|tile| fold::regions(&self.file.header, tile)).collect()
    }

    /// Refuses what needs a damaged tile, unless damage is to be seen.
    fn check_tiles(&self, needs: impl Fn(usize) -> bool) -> Result<(), Error> {
        match self.damaged().find(|(tile, _)| self.damage == Damage::Refused && needs(*tile)) {
            Some((_, fault)) => Err(malformed(fault)),
            None => Ok(()),
        }
    }

    /// How many sections [`Decoder::salvage`] found damaged: alpha or metadata.
    pub fn damaged_sections(&self) -> usize {
        self.faults.iter().filter(|(_, fault)| matches!(fault, Fault::SectionCrc { .. })).count()
    }

    /// Whether [`Decoder::salvage`] found bytes after the end.
    pub fn has_trailing_bytes(&self) -> bool {
        self.faults.iter().any(|(_, fault)| matches!(fault, Fault::TrailingBytes { .. }))
    }

    /// The same, going on with what has been decoded of the file before.
    pub(crate) fn keeping(self, kept: &'a SymbolCache) -> Decoder<'a> {
        Decoder { kept: Some(kept), ..self }
    }

    /// An empty store for [`Decoder::keeping`].
    pub(crate) fn new_cache(&self) -> SymbolCache {
        SymbolCache::new(&self.file.header)
    }

    /// Bytes that the file has after those that are here.
    pub fn missing_bytes(&self) -> u64 {
        self.file.length.saturating_sub(self.bytes.len() as u64)
    }

    /// What the header says.
    pub fn info(&self) -> Info {
        let header = &self.file.header;
        Info {
            width: header.width,
            height: header.height,
            fineness: header.fineness,
            model_id: ModelId(header.model_id),
            development: header.development,
            tile_log2: header.tile_log2,
            grey: header.grey,
            alpha: self.file.section(section::ALPHA).is_some(),
            depth: header.depth,
            folded: header.folded,
            tiles: self.file.tiles.len(),
            bytes: self.file.length as usize,
        }
    }

    /// What else the file holds.
    ///
    /// # Errors
    /// [`Error::Malformed`] if a section's length does not fit.
    pub fn metadata(&self) -> Result<Metadata, Error> {
        Metadata::of(&self.file)
    }

    /// Decodes the whole picture with the channels and the depth that the file says; the same samples on every engine.
    ///
    /// # Errors
    /// As [`Decoder::decode`].
    pub fn picture(&self, codec: &Codec) -> Result<Picture, Error> {
        self.picture_region(codec, self.whole())
    }

    /// As [`Decoder::picture`], of a region: the samples that it has in the whole picture.
    ///
    /// # Errors
    /// As [`Decoder::decode_region`].
    pub fn picture_region(&self, codec: &Codec, region: Region) -> Result<Picture, Error> {
        Picture::stacked(self.picture_bands_beside(codec, region, memory::of_picture(self.shape(region)))?)
    }

    /// As [`Decoder::picture_region`], in bands of rows from the top; holds few rows of tiles at a time.
    ///
    /// # Errors
    /// As [`Decoder::bands`]. A damaged stream of alpha or of colour ends the bands with its error.
    pub fn picture_bands<'c>(&'c self, codec: &'c Codec, region: Region) -> Result<PictureBands<'c>, Error> {
        self.picture_bands_beside(codec, region, 0)
    }

    fn picture_bands_beside<'c>(&'c self, codec: &'c Codec, region: Region, beside: u64) -> Result<PictureBands<'c>, Error> {
        let shape = self.shape(region);
        let bands = self.bands_within(codec, region, shape, beside)?;
        let bands = if shape.depth == 8 { bands.on_any_engine() } else { bands };
        let alpha = self.file.section(section::ALPHA).map(|section| AlphaRows::new(section, &self.file.header, region)).transpose()?;
        Ok(PictureBands::new(bands, alpha, shape))
    }

    /// Decodes the colours as 8-bit RGB, without alpha; the same ones on every engine.
    ///
    /// # Errors
    /// [`Error::Unsupported`] if `codec` has another model, [`Error::Malformed`] if a stream is damaged.
    pub fn decode(&self, codec: &Codec) -> Result<Image, Error> {
        self.decode_region(codec, self.whole())
    }

    /// Decodes the pixels of a region: those that it has in the whole picture. Takes the time of the tiles that it touches.
    ///
    /// # Errors
    /// As [`Decoder::decode`], and [`Usage::Region`](crate::Usage::Region) if the region is empty or not inside the picture.
    pub fn decode_region(&self, codec: &Codec, region: Region) -> Result<Image, Error> {
        let mut rgb = Vec::new();
        let shape = plain(region);
        for band in self.bands_within(codec, region, shape, 3 * shape.pixels())?.on_any_engine() {
            let band = band?;
            if rgb.is_empty() {
                rgb = band.rgb;
                rgb.reserve_exact(3 * region.width as usize * (region.height - band.height) as usize);
            } else {
                rgb.extend(band.rgb);
            }
        }
        Ok(Image { width: region.width, height: region.height, rgb })
    }

    /// The whole picture coarsely, and soon: a pixel for each latent, 1/16 of the sides with a stride of 16, from the first sections of the file alone. Each pixel is about the mean
    /// of those that it stands for; it is for the eye, not for measurements. Runs on the CPU.
    ///
    /// # Errors
    /// As [`Decoder::decode`].
    pub fn coarse(&self, codec: &Codec) -> Result<Image, Error> {
        if self.file.header.folded {
            return self.coarse_by_means(codec);
        }
        self.check_tiles(|_| true)?;
        let mut image = coarse::picture(&self.tiles(codec)?)?;
        if self.file.header.grey {
            make_grey(&mut image.rgb);
        }
        Ok(image)
    }

    /// A latent of a folded picture stands for pixels that lie far apart, so all are decoded: it is thin, and they are few.
    fn coarse_by_means(&self, codec: &Codec) -> Result<Image, Error> {
        let Image { width, height, rgb } = self.decode(codec)?;
        let small = scaled(std::iter::once(Picture::new(width, height, Channels::Rgb, Samples::U8(rgb))), codec.stride() as u32);
        let small = Picture::stacked(small)?;
        Ok(Image { width: small.width(), height: small.height(), rgb: small.rgb8().into_owned() })
    }

    /// Looks inside: the latents of the whole picture and what each position costs; of a folded one as it is coded, folded.
    /// Runs on the CPU.
    ///
    /// # Errors
    /// As [`Decoder::decode`].
    pub fn inside(&self, codec: &Codec) -> Result<Inside, Error> {
        let shape = plain(self.whole());
        self.bands_within(codec, self.whole(), shape, BYTES_PER_INSIDE_PX * shape.pixels())?;
        Inside::of(&self.tiles(codec)?)
    }

    /// Decodes a region in bands of rows from the top; holds few rows of tiles at a time. A folded picture comes in one band.
    ///
    /// # Errors
    /// As [`Decoder::decode_region`]; damaged streams are found while it goes on.
    pub fn bands<'c>(&'c self, codec: &'c Codec, region: Region) -> Result<Bands<'c>, Error> {
        Ok(self.bands_within(codec, region, plain(region), 0)?.on_any_engine())
    }

    /// A region with the channels and the depth that the file says.
    fn shape(&self, region: Region) -> Shape {
        let Header { grey, depth, .. } = self.file.header;
        let channels = Channels::of(grey, self.file.section(section::ALPHA).is_some());
        Shape { width: region.width, height: region.height, channels, depth }
    }

    /// The bands of a region of this kind on the CPU, or an error if they, and `beside` bytes more, need more memory than is allowed.
    fn bands_within<'c>(&'c self, codec: &'c Codec, region: Region, shape: Shape, beside: u64) -> Result<Bands<'c>, Error> {
        self.check_region(region)?;
        let tiles = self.tiles(codec)?;
        self.check_tiles(needed_tiles(&tiles, region))?;
        let bands = Bands::new(tiles, region);
        let folding = if self.file.header.folded { memory::of_folding(self.shape(self.whole())) } else { 0 };
        let needed = memory::of_decoding(bands.held_px(), bands.pixels_of_latents(), shape).saturating_add(beside).saturating_add(folding);
        let limit = self.max_memory;
        memory::check(needed, 0, limit)?;
        // Work is kept where there is room for it.
        let cache_bytes = SymbolCache::bytes(&self.file.header, &codec.model.decoder().config);
        Ok(bands.keeping(self.kept.filter(|_| needed.saturating_add(cache_bytes) <= limit)))
    }

    fn tiles<'c>(&'c self, codec: &'c Codec) -> Result<Tiles<'c>, Error> {
        let (wanted, loaded) = (ModelId(self.file.header.model_id), codec.model_id());
        if wanted != loaded {
            return Err(Unsupported::Model { wanted, loaded }.into());
        }
        let Header { tile_log2, fineness, .. } = self.file.header;
        if !codec.holds_hyper_latents(tile_log2) {
            return Err(Error::Malformed { offset: HEADER_TILE_LOG2.offset as u64, what: Malformation::Tile(tile_log2) });
        }
        let quality = codec.model.decoder().quality(fineness);
        Ok(Tiles { codec, quality, bytes: self.bytes, file: &self.file, kept: None })
    }

    /// The region, if the picture has it.
    ///
    /// # Errors
    /// [`Usage::Region`](crate::Usage::Region) if it is empty or not inside the picture.
    pub fn check_region(&self, region: Region) -> Result<Region, Error> {
        inside(region, self.whole())
    }

    /// The whole picture as a region.
    pub fn whole(&self) -> Region {
        Region { x: 0, y: 0, width: self.file.header.width, height: self.file.header.height }
    }
}

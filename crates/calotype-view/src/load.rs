//! From a file to a picture in view: facts first, then pixels as they come.

use std::path::Path;
use std::sync::Arc;

use calotype::{Band, Bands, Codec, Decoder, Image, Info, Region};
use image::metadata::Orientation;
use image::{DynamicImage, RgbImage};

use crate::files::is_calo;
use crate::host::Shared;
use crate::picture::{Patch, Picture};

/// Smaller pictures come at once as they are.
const COARSE_FROM_PX: u64 = 1 << 20;
/// Squares that shine through where a picture is transparent.
const SQUARE_PX: u32 = 8;
const SQUARES: [u16; 2] = [102, 153];

/// What is known of a file before its pixels.
#[derive(Clone, Debug, PartialEq)]
pub struct Facts {
    /// Pixels in a row, as it is shown.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Length of the file.
    pub bytes: u64,
    /// What a `.calo` file says of itself; `None` for other pictures.
    pub calo: Option<Info>,
    /// What else there is to say, one line each.
    pub notes: Vec<String>,
}

/// What the loader tells of a file.
#[derive(Clone, Debug)]
pub enum Loaded {
    /// It is a picture.
    Facts(Facts),
    /// Some of its pixels.
    Patch(Arc<Patch>),
    /// That was all.
    Complete,
    /// It cannot be shown, in plain words.
    Failed(String),
}

/// Loads one file.
pub struct Loader<'a> {
    /// Host and codec.
    pub shared: &'a Shared,
    /// Whether to go on.
    pub wanted: &'a dyn Fn() -> bool,
    /// Takes what is told.
    pub tell: &'a dyn Fn(&Path, Loaded),
}

impl Loader<'_> {
    /// Tells of the file until it is complete, failed, or no longer wanted.
    pub fn load(&self, path: &Path) {
        match self.try_load(path) {
            Ok(()) if (self.wanted)() => (self.tell)(path, Loaded::Complete),
            Ok(()) => {}
            Err(words) => (self.tell)(path, Loaded::Failed(words)),
        }
    }

    fn try_load(&self, path: &Path) -> Result<(), String> {
        let bytes = self.shared.read(path)?;
        if is_calo(path, &bytes) { self.calo(path, &bytes) } else { self.other(path, &bytes) }
    }

    fn other(&self, path: &Path, bytes: &[u8]) -> Result<(), String> {
        let (picture, metadata) = self.shared.host.read_picture(path, bytes)?;
        let image = seen(&picture);
        let mut facts = Facts { width: image.width, height: image.height, bytes: bytes.len() as u64, calo: None, notes: Vec::new() };
        facts.notes.extend(colour_note(&metadata));
        (self.tell)(path, Loaded::Facts(facts));
        self.patches(path, &image);
        Ok(())
    }

    fn calo(&self, path: &Path, bytes: &[u8]) -> Result<(), String> {
        let explain = |error: calotype::Error| self.shared.host.explain(path, &error);
        let decoder = Decoder::new(bytes, &self.shared.host.limits()).map_err(explain)?;
        let (info, metadata) = (decoder.info(), decoder.metadata().map_err(explain)?);
        let turn = metadata.exif.as_deref().and_then(Orientation::from_exif_chunk).unwrap_or(Orientation::NoTransforms);
        let mut facts = Facts { width: info.width, height: info.height, bytes: info.bytes as u64, calo: Some(info), notes: Vec::new() };
        facts.notes.extend(colour_note(&metadata));
        let codec = self.shared.codec()?;
        if turn == Orientation::NoTransforms && !info.alpha && info.depth == 8 {
            (self.tell)(path, Loaded::Facts(facts.clone()));
            if u64::from(info.width) * u64::from(info.height) >= COARSE_FROM_PX {
                let coarse = decoder.coarse(codec).map_err(explain)?;
                let patch = Patch::new(decoder.whole(), coarse, 16);
                (self.tell)(path, Loaded::Patch(Arc::new(patch)));
            }
            return self.bands(path, &facts, decoder.bands(codec, decoder.whole()).map_err(explain)?);
        }
        let image = turned(whole(&decoder, codec).map_err(explain)?, turn);
        (facts.width, facts.height) = (image.width, image.height);
        if turn != Orientation::NoTransforms {
            facts.notes.push("turned as its Exif asks for".to_owned());
        }
        (self.tell)(path, Loaded::Facts(facts));
        self.patches(path, &image);
        Ok(())
    }

    fn bands(&self, path: &Path, facts: &Facts, bands: Bands<'_>) -> Result<(), String> {
        let picture = Picture::empty(facts.width, facts.height);
        let mut top = 0;
        for band in bands {
            let band: Band = band.map_err(|error| self.shared.host.explain(path, &error))?;
            if !(self.wanted)() {
                return Ok(());
            }
            let height = band.height;
            (self.tell)(path, Loaded::Patch(Arc::new(picture.patch_of(band, top))));
            top += height;
        }
        Ok(())
    }

    fn patches(&self, path: &Path, image: &Image) {
        for patch in Picture::of(image).patches {
            (self.tell)(path, Loaded::Patch(patch));
        }
    }
}

/// Pixels are shown as if they were sRGB.
fn colour_note(metadata: &calotype::Metadata) -> Option<String> {
    let other = metadata.cicp.is_some() || metadata.icc.is_some();
    other.then(|| "its colour profile is kept, but not applied to the screen".to_owned())
}

fn whole(decoder: &Decoder<'_>, codec: &Codec) -> Result<Image, calotype::Error> {
    decoder.picture(codec).map(|picture| seen(&picture))
}

/// 8-bit RGB, on squares where it is transparent.
pub fn seen(picture: &calotype::Picture) -> Image {
    let (width, height) = (picture.width(), picture.height());
    let mut rgb = picture.rgb8().into_owned();
    if let Some(alpha) = picture.alpha() {
        let most = if picture.depth() == 8 { 255 } else { 65535 };
        for (place, (pixel, alpha)) in rgb.as_chunks_mut::<3>().0.iter_mut().zip(alpha).enumerate() {
            let (x, y) = (place as u32 % width, place as u32 / width);
            let square = u32::from(SQUARES[((x / SQUARE_PX + y / SQUARE_PX) % 2) as usize]);
            let alpha = u32::from(alpha);
            *pixel = pixel.map(|sample| ((u32::from(sample) * alpha + square * (most - alpha) + most / 2) / most) as u8);
        }
    }
    Image { width, height, rgb }
}

fn turned(image: Image, turn: Orientation) -> Image {
    let Image { width, height, rgb } = image;
    let Some(pixels) = RgbImage::from_raw(width, height, rgb) else { return Image { width: 0, height: 0, rgb: Vec::new() } };
    let mut pixels = DynamicImage::ImageRgb8(pixels);
    pixels.apply_orientation(turn);
    Image { width: pixels.width(), height: pixels.height(), rgb: pixels.into_rgb8().into_raw() }
}

/// The part of a picture that is in view, as a region.
pub fn region_of([left, top, right, bottom]: [u32; 4]) -> Option<Region> {
    (left < right && top < bottom).then(|| Region { x: left, y: top, width: right - left, height: bottom - top })
}

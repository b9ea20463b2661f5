//! From a file to a picture in view: facts first, then pixels as they come.

use std::path::Path;
use std::sync::Arc;

use calotype::gpu::Piece;
use calotype::{Bands, Decoder, Image, Info, PictureBands, Region};
use image::metadata::Orientation;
use image::{DynamicImage, RgbImage};

use crate::error::Error;
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
    /// It cannot be shown.
    Failed(Error),
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
            Err(error) => (self.tell)(path, Loaded::Failed(error)),
        }
    }

    fn try_load(&self, path: &Path) -> Result<(), Error> {
        let bytes = self.shared.read(path)?;
        if is_calo(path, &bytes) { self.calo(path, &bytes) } else { self.other(path, &bytes) }
    }

    fn other(&self, path: &Path, bytes: &[u8]) -> Result<(), Error> {
        let (picture, metadata) = self.shared.host.read_picture(path, bytes)?;
        let image = seen(&picture, 0);
        let mut facts = Facts { width: image.width, height: image.height, bytes: bytes.len() as u64, calo: None, notes: Vec::new() };
        facts.notes.extend(colour_note(&metadata));
        (self.tell)(path, Loaded::Facts(facts));
        self.patches(path, &image);
        Ok(())
    }

    fn calo(&self, path: &Path, bytes: &[u8]) -> Result<(), Error> {
        let explain = |error: calotype::Error| self.shared.explained(path, &error);
        let decoder = Decoder::new(bytes, &self.shared.host.limits()).map_err(explain)?;
        let (facts, turn) = facts_of(&decoder).map_err(explain)?;
        let codec = self.shared.codec()?;
        (self.tell)(path, Loaded::Facts(facts.clone()));
        let whole = Region { x: 0, y: 0, width: facts.width, height: facts.height };
        if u64::from(whole.width) * u64::from(whole.height) >= COARSE_FROM_PX {
            let coarse = turned(decoder.coarse(codec).map_err(explain)?, turn);
            (self.tell)(path, Loaded::Patch(Arc::new(Patch::new(whole, coarse, codec.model().stride as u32))));
        }
        if self.shared.is_on_device() && is_plain(&decoder, turn) {
            let bands = decoder.bands(codec, whole).map_err(explain)?;
            if self.on_device(path, bands).map_err(explain)? {
                return Ok(());
            }
        }
        let bands = seen_bands(decoder.picture_bands(codec, decoder.whole()).map_err(explain)?);
        if turn == Orientation::NoTransforms {
            return self.rows(path, whole, bands).map_err(explain);
        }
        let Region { width, height, .. } = decoder.whole();
        let rows = bands.map(|band| band.map(|band| band.rgb)).collect::<Result<Vec<_>, _>>().map_err(explain)?;
        self.patches(path, &turned(Image { width, height, rgb: rows.concat() }, turn));
        Ok(())
    }

    fn rows(&self, path: &Path, whole: Region, bands: impl Iterator<Item = Result<Image, calotype::Error>>) -> Result<(), calotype::Error> {
        let mut top = 0;
        for band in bands {
            let band = band?;
            if !(self.wanted)() {
                return Ok(());
            }
            let region = Region { y: top, height: band.height, ..whole };
            top += band.height;
            (self.tell)(path, Loaded::Patch(Arc::new(Patch::new(region, band, 1))));
        }
        Ok(())
    }

    /// Develops where the window draws; false if the codec no longer works there: patches of the CPU will cover what has come.
    fn on_device(&self, path: &Path, mut bands: Bands<'_>) -> Result<bool, calotype::Error> {
        let mut rows = 0;
        while (self.wanted)() {
            let Some(pieces) = bands.next_pieces()? else { break };
            let patches = pieces.iter().map(|piece| Arc::new(Patch::on_device(piece))).collect::<Vec<_>>();
            let pieces: Vec<(Piece, Arc<Patch>)> = pieces.into_iter().zip(patches).collect();
            for (_, patch) in &pieces {
                rows = patch.region.y + patch.region.height;
                (self.tell)(path, Loaded::Patch(Arc::clone(patch)));
            }
            if !self.read_back(&pieces) {
                return Ok(false);
            }
        }
        Ok(!(self.wanted)() || rows == bands.region().height)
    }

    /// Brings the bytes of what is drawn on the device, for all that is not drawing; whether the device still answers.
    fn read_back(&self, pieces: &[(Piece, Arc<Patch>)]) -> bool {
        let gpu = self.shared.codec().ok().and_then(|codec| codec.gpu());
        pieces.iter().all(|(piece, patch)| gpu.and_then(|gpu| gpu.read(piece).ok()).map(|rgb| patch.know(rgb)).is_some())
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

/// What a file says of itself, and how it is to be turned.
fn facts_of(decoder: &Decoder<'_>) -> Result<(Facts, Orientation), calotype::Error> {
    let (info, metadata) = (decoder.info(), decoder.metadata()?);
    let turn = metadata.exif.as_deref().and_then(Orientation::from_exif_chunk).unwrap_or(Orientation::NoTransforms);
    let mut notes: Vec<String> = colour_note(&metadata).into_iter().collect();
    if turn != Orientation::NoTransforms {
        notes.push("turned as its Exif asks for".to_owned());
    }
    let (width, height) = if turns_sides(turn) { (info.height, info.width) } else { (info.width, info.height) };
    Ok((Facts { width, height, bytes: info.bytes as u64, calo: Some(info), notes }, turn))
}

fn turns_sides(turn: Orientation) -> bool {
    matches!(turn, Orientation::Rotate90 | Orientation::Rotate270 | Orientation::Rotate90FlipH | Orientation::Rotate270FlipH)
}

/// Whether its pixels are shown as they are decoded.
fn is_plain(decoder: &Decoder<'_>, turn: Orientation) -> bool {
    let info = decoder.info();
    turn == Orientation::NoTransforms && !info.alpha && info.depth == 8
}

/// Bands as they are seen.
fn seen_bands(bands: PictureBands<'_>) -> impl Iterator<Item = Result<Image, calotype::Error>> {
    let mut top = 0;
    bands.map(move |band| {
        let image = seen(&band?, top);
        top += image.height;
        Ok(image)
    })
}

/// 8-bit RGB, on squares where it is transparent; the first row is row `top` of the picture.
pub fn seen(picture: &calotype::Picture, top: u32) -> Image {
    let (width, height) = (picture.width(), picture.height());
    let mut rgb = picture.rgb8().into_owned();
    if let Some(alpha) = picture.alpha() {
        let most = if picture.depth() == 8 { 255 } else { 65535 };
        for (place, (pixel, alpha)) in rgb.as_chunks_mut::<3>().0.iter_mut().zip(alpha).enumerate() {
            let (x, y) = (place as u32 % width, top + place as u32 / width);
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

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use calotype::{Channels, EncodeOptions, EngineChoice, Metadata, Samples};

    use super::*;
    use crate::documents::{Document, Documents};
    use crate::host::tests::Program;
    use crate::studio::{Coded, Done, Studio, Task};

    /// More than a band, and more than a megapixel.
    const SIZE: [u32; 2] = [1100, 1040];

    fn picture(channels: Channels, depth: u8) -> calotype::Picture {
        let count = SIZE[0] as usize * SIZE[1] as usize * channels.count();
        let sample = |i: usize| (i / 37 % 256) as u8;
        let samples = match depth {
            8 => Samples::U8((0..count).map(sample).collect()),
            _ => Samples::U16((0..count).map(|i| 257 * u16::from(sample(i))).collect()),
        };
        calotype::Picture::new(SIZE[0], SIZE[1], channels, samples).unwrap()
    }

    /// Exif that says nothing but an orientation.
    fn turned_by(orientation: u8) -> Metadata {
        let exif = [&b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0"[..], &[orientation, 0, 0, 0], &[0; 4]].concat();
        Metadata { exif: Some(exif), ..Metadata::default() }
    }

    /// Coded folded, shown as it is; nothing inside has a place to be shown at.
    #[test]
    fn thin_pictures_are_shown() {
        let (folder, shared) = (tempfile::tempdir().unwrap(), Shared::new(Arc::new(Program), Some(EngineChoice::Cpu(None))));
        let (path, codec) = (folder.path().join("a.calo"), shared.codec().unwrap());
        let samples = Samples::U8((0..150_000 * 7).map(|i| (i / 37 % 256) as u8).collect());
        let picture = calotype::Picture::new(150_000, 7, Channels::Grey, samples).unwrap();
        let encoded = codec.encode_picture(&picture, &Metadata::default(), &EncodeOptions::default()).unwrap();
        std::fs::write(&path, &encoded.bytes).unwrap();
        let document = loaded(&shared, &path);
        assert!(document.error.is_none() && document.complete);
        let truth = Decoder::new(&encoded.bytes, &shared.host.limits()).unwrap().picture(codec).unwrap();
        let shown = document.picture.unwrap();
        assert!((shown.width, shown.height) == (150_000, 7) && shown.rgb() == *truth.rgb8());
        let inside = Studio::new(&shared).work(&Task::Inside(Coded::File(path)));
        assert!(matches!(inside, Done::Inside(_, Err(Error::Folded))));
    }

    fn loaded(shared: &Shared, path: &Path) -> Document {
        let documents = RefCell::new(Documents::new(1 << 30));
        let tell = |path: &Path, loaded: Loaded| documents.borrow_mut().take(path, loaded);
        Loader { shared, wanted: &|| true, tell: &tell }.load(path);
        documents.into_inner().get(path).cloned().unwrap()
    }

    #[test]
    fn every_kind_of_file_is_shown_as_it_is_decoded() {
        let (folder, shared) = (tempfile::tempdir().unwrap(), Shared::new(Arc::new(Program), Some(EngineChoice::Cpu(None))));
        let (path, codec) = (folder.path().join("a.calo"), shared.codec().unwrap());
        let kinds =
            [(Channels::Rgb, 8, 1), (Channels::Rgba, 8, 6), (Channels::GreyAlpha, 8, 1), (Channels::Rgb, 16, 1), (Channels::Grey, 8, 3)];
        for (channels, depth, orientation) in kinds {
            let encoded = codec.encode_picture(&picture(channels, depth), &turned_by(orientation), &EncodeOptions::default()).unwrap();
            std::fs::write(&path, &encoded.bytes).unwrap();
            let document = loaded(&shared, &path);
            assert!(document.error.is_none() && document.complete);
            let decoded = Decoder::new(&encoded.bytes, &shared.host.limits()).unwrap().picture(codec).unwrap();
            let truth = turned(seen(&decoded, 0), Orientation::from_exif(orientation).unwrap());
            let (shown, facts) = (document.picture.unwrap(), document.facts.unwrap());
            assert_eq!([shown.width, shown.height, facts.width, facts.height], [truth.width, truth.height, truth.width, truth.height]);
            assert!(shown.rgb() == truth.rgb, "{channels:?}, {depth} bits, orientation {orientation}");
            assert!(shown.patches.len() > 2, "coarse first, then bands");
        }
    }
}

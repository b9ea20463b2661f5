//! Parts of pictures side by side: ours next to other codecs at the same number of bytes.

use std::fs;
use std::path::Path;

use calotype::{Codec, DecodeOptions, Decoder, EncodeOptions, Quality};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::command_codec::{CommandCodec, Desk, RoundTrip};
use crate::error::Error;
use crate::picture::Picture;
use crate::plan::Plan;
use crate::point::{OURS, Point};

/// Bits per pixel at which pictures are looked at; the window is chosen at the second.
const TARGETS_BPP: [f64; 3] = [0.15, 0.3, 0.6];
/// Side of the window.
const SIDE_PX: u32 = 256;
/// Windows begin at multiples of this, or end where the picture ends.
const GRID_PX: u32 = 32;

/// One window of one picture at one rate.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Crop {
    /// The picture's name.
    pub picture: String,
    /// The rate that was aimed at.
    pub target_bpp: f64,
    /// What is shown of it.
    pub window: Window,
    /// The original's window, a PNG in the folder of crops.
    pub original: String,
    /// The codecs, ours first.
    pub cells: Vec<Cell>,
}

/// Where our codec and the original differ most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// From the left.
    pub x: u32,
    /// From the top.
    pub y: u32,
    /// Columns.
    pub width: u32,
    /// Rows.
    pub height: u32,
}

/// One codec's picture.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Cell {
    /// The codec's label.
    pub codec: String,
    /// Its window, a PNG in the folder of crops.
    pub image: String,
    /// Measured on the whole picture.
    #[serde(flatten)]
    pub point: Point,
}

/// A whole decoded picture and its point.
struct Shown {
    codec: String,
    point: Point,
    rgb: Vec<u8>,
}

/// Draws crops of `count` pictures, spread evenly over those of the plan, into `folder`.
///
/// # Errors
/// As [`crate::measure`]; [`Error::Io`] where the folder cannot be written.
pub fn crops(codec: &Codec, plan: &Plan<'_>, folder: &Path, count: usize) -> Result<Vec<Crop>, Error> {
    fs::create_dir_all(folder).map_err(Error::io(folder, "create"))?;
    let count = count.min(plan.files.len());
    let places = (0..count).map(|number| number * plan.files.len() / count);
    let of_picture = |place: usize| {
        let picture = plan.read(&plan.files[place])?;
        (plan.hooks.progress)(&crate::Progress { done: 0, of: 0, what: &format!("crops of {}", picture.name) });
        crops_of(codec, plan, folder, &picture)
    };
    let crops: Vec<Vec<Crop>> = places.map(of_picture).collect::<Result<_, _>>()?;
    Ok(crops.concat())
}

fn crops_of(codec: &Codec, plan: &Plan<'_>, folder: &Path, picture: &Picture) -> Result<Vec<Crop>, Error> {
    let peers: Vec<&CommandCodec> = plan.peers.iter().filter(|peer| !peer.fine.is_empty()).collect();
    let settings: Vec<String> = peers.iter().map(|peer| format!("{} {}", peer.version, peer.settings())).collect();
    let key = format!(
        "crops 1|{}|{} {}|{}|{}",
        picture.fingerprint(),
        crate::VERSION,
        codec.model_id(),
        plan.options.dead_zone,
        settings.join("|")
    );
    let drawn = |crop: &Crop| crop.cells.iter().map(|cell| &cell.image).chain([&crop.original]).all(|name| folder.join(name).is_file());
    if let Some(known) = plan.journal.get::<Vec<Crop>>(&key).filter(|crops| crops.iter().all(drawn)) {
        return Ok(known);
    }
    let ours = TARGETS_BPP.map(|target| ours_at(codec, &plan.options, picture, target));
    let ours: Vec<Shown> = ours.into_iter().collect::<Result<_, _>>()?;
    let window = worst_window(picture, &ours[1].rgb);
    let desk = Desk::new(picture, &peers)?;
    let draw = |(target, ours)| Artist { picture, folder, window, target }.draw(&desk, &peers, ours);
    let crops: Vec<Crop> = TARGETS_BPP.into_iter().zip(ours).map(draw).collect::<Result<_, _>>()?;
    plan.journal.put(&key, &crops)?;
    Ok(crops)
}

/// Our picture of the rate nearest to `target_bpp`.
fn ours_at(codec: &Codec, options: &EncodeOptions, picture: &Picture, target_bpp: f64) -> Result<Shown, Error> {
    let encode = |fineness: usize| {
        let quality = codec.quality_of(u16::try_from(fineness).unwrap_or(u16::MAX))?;
        Ok((quality, picture.encode(codec, &EncodeOptions { quality, ..*options })?.bytes))
    };
    let target = target_bytes(picture, target_bpp);
    let count = usize::from(codec.fineness(Quality::HIGHEST)?) + 1;
    let (quality, bytes) = nearest(count, target, |(_, bytes)| bytes.len() as u64, encode)?;
    let rgb = Decoder::new(&bytes, &DecodeOptions::default())?.decode(codec)?.rgb;
    let point = Point::of(picture, quality.points(), bytes.len() as u64, &rgb);
    Ok(Shown { codec: OURS.to_string(), point, rgb })
}

fn target_bytes(picture: &Picture, bpp: f64) -> u64 {
    (bpp * picture.pixels() / 8.0).round() as u64
}

/// A peer's picture of the size nearest to `target` bytes.
fn peer_at(desk: &Desk<'_>, picture: &Picture, peer: &CommandCodec, target: u64) -> Result<Shown, Error> {
    let (quality, result) = nearest_setting(desk, peer, &peer.fine, target, 1)?;
    let point = Point::of(picture, quality, result.bytes, &result.rgb);
    Ok(Shown { codec: peer.label.clone(), point, rgb: result.rgb })
}

/// What a peer makes of a picture at the size nearest to `target` bytes, and its setting: one of those that lie close together, or of the whole
/// numbers from 1 to 100 where it has none.
///
/// # Errors
/// [`Error::Io`]; [`Error::Tool`] if a tool fails.
pub fn peer_at_size(picture: &Picture, peer: &CommandCodec, target: u64) -> Result<(f64, RoundTrip), Error> {
    let whole: Vec<f64> = (1..=100).map(f64::from).collect();
    let settings = if peer.fine.is_empty() { &whole } else { &peer.fine };
    nearest_setting(&Desk::new(picture, &[peer])?, peer, settings, target, rayon::current_num_threads())
}

fn nearest_setting(desk: &Desk<'_>, peer: &CommandCodec, settings: &[f64], target: u64, threads: usize) -> Result<(f64, RoundTrip), Error> {
    let encode = |place: usize| Ok((settings[place], desk.round_trip(peer, settings[place], threads)?));
    nearest(settings.len(), target, |(_, result)| result.bytes, encode)
}

/// Of `count` results whose sizes rise with their number, one whose size is nearest to `target`, by bisection.
fn nearest<T>(count: usize, target: u64, size: impl Fn(&T) -> u64, make: impl Fn(usize) -> Result<T, Error>) -> Result<T, Error> {
    let (mut low, mut high) = (0, count - 1);
    let mut best = make(low)?;
    while low < high {
        let middle = (low + high).div_ceil(2);
        let made = make(middle)?;
        if size(&made) > target {
            high = middle - 1;
        } else {
            low = middle;
        }
        if size(&made).abs_diff(target) <= size(&best).abs_diff(target) {
            best = made;
        }
    }
    Ok(best)
}

/// The window with the largest sum of squared differences.
fn worst_window(picture: &Picture, decoded: &[u8]) -> Window {
    let (width, height) = (SIDE_PX.min(picture.width), SIDE_PX.min(picture.height));
    let starts = |room: u32| (0..room.div_ceil(GRID_PX)).map(|place| place * GRID_PX).chain([room]);
    let windows = starts(picture.height - height).flat_map(|y| starts(picture.width - width).map(move |x| Window { x, y, width, height }));
    let first = Window { x: 0, y: 0, width, height };
    windows.max_by_key(|window| (square_error(picture, decoded, *window), std::cmp::Reverse((window.y, window.x)))).unwrap_or(first)
}

fn square_error(picture: &Picture, decoded: &[u8], window: Window) -> u64 {
    let pairs = rows(&picture.rgb, picture.width, window).zip(rows(decoded, picture.width, window));
    pairs.flat_map(|(a, b)| a.iter().zip(b)).map(|(a, b)| u64::from(a.abs_diff(*b)).pow(2)).sum()
}

fn rows(rgb: &[u8], columns: u32, window: Window) -> impl Iterator<Item = &[u8]> {
    let row = move |y: u32| {
        let start = (y as usize * columns as usize + window.x as usize) * 3;
        &rgb[start..start + window.width as usize * 3]
    };
    (window.y..window.y + window.height).map(row)
}

/// Draws the windows of one picture at one rate.
struct Artist<'a> {
    picture: &'a Picture,
    folder: &'a Path,
    window: Window,
    target: f64,
}

impl Artist<'_> {
    fn draw(&self, desk: &Desk<'_>, peers: &[&CommandCodec], ours: Shown) -> Result<Crop, Error> {
        let bytes = ours.point.bytes;
        let others: Vec<Shown> = peers.par_iter().map(|peer| peer_at(desk, self.picture, peer, bytes)).collect::<Result<_, _>>()?;
        let cells = std::iter::once(ours).chain(others).map(|shown| self.cell(shown)).collect::<Result<_, _>>()?;
        let original = self.png("original", &self.picture.rgb)?;
        Ok(Crop { picture: self.picture.name.clone(), target_bpp: self.target, window: self.window, original, cells })
    }

    fn cell(&self, shown: Shown) -> Result<Cell, Error> {
        let image = self.png(&format!("{}.{}", self.target, shown.codec), &shown.rgb)?;
        Ok(Cell { codec: shown.codec, image, point: shown.point })
    }

    /// Writes the window of a picture and says its name.
    fn png(&self, what: &str, rgb: &[u8]) -> Result<String, Error> {
        let name = format!("{}.{what}.png", self.picture.name);
        let path = self.folder.join(&name);
        let window: Vec<u8> = rows(rgb, self.picture.width, self.window).flatten().copied().collect();
        let saved = image::save_buffer(&path, &window, self.window.width, self.window.height, image::ExtendedColorType::Rgb8);
        saved.map_err(|error| Error::io(path, "write")(std::io::Error::other(error)))?;
        Ok(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_size_is_found() {
        let sizes = [10, 20, 40, 80, 160];
        for (target, expected) in [(0, 10), (10, 10), (29, 20), (31, 40), (45, 40), (79, 80), (121, 160), (999, 160)] {
            let found = nearest(sizes.len(), target, |size| *size, |place| Ok(sizes[place])).unwrap();
            assert_eq!(found, expected, "{target}");
        }
    }

    #[test]
    fn the_window_lies_where_the_error_is() {
        let (width, height) = (400, 300);
        let picture = Picture { name: "x".to_string(), width, height, rgb: vec![100; (width * height * 3) as usize], whole: None };
        let mut decoded = picture.rgb.clone();
        decoded[((290 * width + 399) * 3) as usize] = 0;
        let window = worst_window(&picture, &decoded);
        assert_eq!(window, Window { x: 144, y: 44, width: 256, height: 256 });
    }
}

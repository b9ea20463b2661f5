//! One image at every quality: encode, decode, compare.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use calotype::{Codec, DecodeOptions, Decoder, EncodeOptions, Encoded, Image, Quality, RgbImage};
use image::ImageFormat;
use serde::Serialize;

use crate::eval::ms_ssim::ms_ssim;
use crate::eval::psnr::psnr_db;
use crate::failure::Failure;
use crate::output::{self, Existing};
use crate::read_image::Picture;
use crate::write_image::{Pixels, write_image};

/// An image and what was measured on it.
#[derive(Clone, Debug, Serialize)]
pub struct Measured {
    /// Its file name without folders.
    pub file: String,
    /// Pixels in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// One per quality, ascending.
    pub points: Vec<Point>,
}

/// One file's measurements.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Point {
    /// 0 to 100.
    pub quality: f64,
    /// Length of the whole `.calo` file.
    pub bytes: usize,
    /// Bits per pixel.
    pub bpp: f64,
    /// Over all samples of all channels.
    pub psnr_db: f64,
    /// Mean over the RGB channels; none for small pictures.
    pub ms_ssim: Option<f64>,
    /// Shannon's bound of the coded symbols.
    pub cross_entropy_bits: f64,
    /// Encoding in memory, without the cross entropy.
    pub encode_ms: f64,
    /// Decoding in memory.
    pub decode_ms: f64,
}

/// What is measured, and what is kept of it.
pub struct Plan {
    /// Ascending.
    pub qualities: Vec<f64>,
    /// Options but for the quality.
    pub options: EncodeOptions,
    /// `--keep`
    pub keep: Option<Keep>,
}

/// Where `--keep` puts files.
pub struct Keep {
    folder: PathBuf,
    existing: Existing,
}

impl Keep {
    /// Creates the folder.
    ///
    /// # Errors
    /// Io; usage if a file is there already and may not be replaced.
    pub fn new(folder: &Path, existing: Existing, files: &[PathBuf], qualities: &[f64]) -> Result<Keep, Failure> {
        fs::create_dir_all(folder).map_err(|error| Failure::io(folder, "create", error))?;
        let keep = Keep { folder: folder.to_path_buf(), existing };
        for file in files {
            for quality in qualities {
                keep.paths(&file_name(file), *quality).iter().try_for_each(|path| output::check(path, existing))?;
            }
        }
        Ok(keep)
    }

    /// `NAME.qQ.calo` and `NAME.qQ.png`.
    fn paths(&self, name: &str, quality: f64) -> [PathBuf; 2] {
        ["calo", "png"].map(|ending| self.folder.join(format!("{name}.q{quality}.{ending}")))
    }

    fn write(&self, name: &str, quality: f64, encoded: &Encoded, decoded: &Image) -> Result<(), Failure> {
        let [calo, png] = self.paths(name, quality);
        output::write(&calo, &[&encoded.bytes], self.existing)?;
        let pixels = Pixels { width: decoded.width, height: decoded.height, rgb: &decoded.rgb };
        write_image(&png, ImageFormat::Png, &pixels, self.existing)
    }
}

fn file_name(path: &Path) -> String {
    path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}

/// Encodes and decodes `picture` at each quality.
///
/// # Errors
/// Those of the codec, and of writing what is kept.
pub fn measure(codec: &Codec, path: &Path, picture: &Picture, plan: &Plan) -> Result<Measured, Failure> {
    let file = file_name(path);
    let mut points = Vec::with_capacity(plan.qualities.len());
    for quality in &plan.qualities {
        let (point, encoded, decoded) = point(codec, picture, *quality, &plan.options).map_err(|error| Failure::codec(path, &error))?;
        if let Some(keep) = &plan.keep {
            keep.write(&file, *quality, &encoded, &decoded)?;
        }
        points.push(point);
    }
    Ok(Measured { file, width: picture.width, height: picture.height, points })
}

fn point(codec: &Codec, picture: &Picture, quality: f64, options: &EncodeOptions) -> Result<(Point, Encoded, Image), calotype::Error> {
    let image = RgbImage::new(picture.width, picture.height, &picture.rgb)?;
    let options = EncodeOptions { quality: Quality::from_percent(quality)?, ..*options };
    let (encoded, encode_ms) = timed(|| codec.encode(&image, &options))?;
    let (decoded, decode_ms) = timed(|| Decoder::new(&encoded.bytes, &DecodeOptions::default())?.decode(codec))?;
    let counted = codec.encode(&image, &EncodeOptions { statistics: true, ..options })?;
    let bytes = encoded.bytes.len();
    let point = Point {
        quality,
        bytes,
        bpp: bytes as f64 * 8.0 / (f64::from(picture.width) * f64::from(picture.height)),
        psnr_db: psnr_db(&picture.rgb, &decoded.rgb),
        ms_ssim: ms_ssim(&picture.rgb, &decoded.rgb, picture.width as usize),
        cross_entropy_bits: counted.cross_entropy_bits.unwrap_or(0.0),
        encode_ms,
        decode_ms,
    };
    Ok((point, encoded, decoded))
}

fn timed<T, E>(task: impl FnOnce() -> Result<T, E>) -> Result<(T, f64), E> {
    let begin = Instant::now();
    task().map(|value| (value, begin.elapsed().as_secs_f64() * 1e3))
}

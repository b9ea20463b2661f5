//! What is measured on one picture.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ms_ssim::ms_ssim;
use crate::picture::Picture;
use crate::psnr::{seen_psnr_db, with_hidden_of};
use crate::ssimulacra2::ssimulacra2;

/// What our codec is called beside others.
pub const OURS: &str = "calotype";

/// Means over the images at one quality.
#[derive(Clone, Debug, Serialize)]
pub struct Mean {
    /// The codec's own setting.
    pub quality: f64,
    /// Mean of the images' bits per pixel.
    pub bpp: f64,
    /// Mean of the images' PSNR.
    pub psnr_db: f64,
    /// Mean over the images; none if one is too small.
    pub ms_ssim: Option<f64>,
    /// Mean over the images.
    pub ssimulacra2: Option<f64>,
    /// Mean time in memory, of our codec alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encode_ms: Option<f64>,
    /// Mean time in memory, of our codec alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decode_ms: Option<f64>,
}

/// A picture and what was measured on it.
#[derive(Clone, Debug, Serialize)]
pub struct Measured {
    /// Its file name without folders.
    pub file: String,
    /// Pixels in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Ours, one per quality, ascending.
    pub points: Vec<Point>,
    /// Those of the other codecs by their labels.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub peers: BTreeMap<String, Vec<Point>>,
}

/// One file's rate and distortion.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// The codec's own setting.
    pub quality: f64,
    /// Length of the whole file.
    pub bytes: u64,
    /// Bits per pixel.
    pub bpp: f64,
    /// Over all samples of all channels.
    pub psnr_db: f64,
    /// Mean over the RGB channels; none for small pictures.
    pub ms_ssim: Option<f64>,
    /// Score.
    pub ssimulacra2: Option<f64>,
    /// What only our codec tells.
    #[serde(flatten)]
    pub ours: Option<Ours>,
}

/// What is known of a `.calo` file besides.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ours {
    /// Shannon's bound of the coded symbols.
    pub cross_entropy_bits: f64,
    /// Encoding in memory, without the cross entropy.
    pub encode_ms: f64,
    /// Decoding in memory.
    pub decode_ms: f64,
}

impl Point {
    /// Compares `decoded` (8-bit RGB of the picture's size) with the picture; what is fully transparent has no error.
    pub fn of(picture: &Picture, quality: f64, bytes: u64, decoded: &[u8]) -> Point {
        let (width, alpha) = (picture.width as usize, picture.alpha());
        let psnr_db = seen_psnr_db(&picture.rgb, decoded, alpha.as_deref());
        let decoded = &with_hidden_of(decoded, &picture.rgb, alpha.as_deref());
        Point {
            quality,
            bytes,
            bpp: picture.bpp(bytes),
            psnr_db,
            ms_ssim: ms_ssim(&picture.rgb, decoded, width),
            ssimulacra2: ssimulacra2(&picture.rgb, decoded, width),
            ours: None,
        }
    }
}

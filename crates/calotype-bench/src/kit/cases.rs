//! The pictures of a kit, and where its files lie.

use std::path::{Path, PathBuf};

use calotype::{DEFAULT_TILE_LOG2, EncodeOptions, Quality};

use crate::error::Error;

/// One picture at one quality, cut into tiles of one size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Case {
    /// Pixels in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Points.
    pub quality: u8,
    /// Tiles have sides of 2^this pixels.
    pub tile_log2: u8,
}

/// How many of the cases to take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Share {
    /// Every one.
    All,
    /// One small picture, for adapters that are software.
    One,
}

const QUALITIES: [u8; 3] = [5, 50, 95];
/// Width, height and tile: the smallest, odd, prime, of several tiles, and the default tile.
const PICTURES: [(u32, u32, u8); 6] =
    [(97, 61, DEFAULT_TILE_LOG2), (1, 1, DEFAULT_TILE_LOG2), (33, 17, 6), (131, 71, 6), (300, 200, 7), (640, 480, DEFAULT_TILE_LOG2)];

impl Case {
    /// The cases of a kit, or the first of them.
    pub fn of(share: Share) -> Vec<Case> {
        let all =
            PICTURES.iter().flat_map(|&(width, height, tile_log2)| QUALITIES.map(|quality| Case { width, height, quality, tile_log2 }));
        match share {
            Share::All => all.collect(),
            Share::One => all.take(1).collect(),
        }
    }

    /// As its files are called.
    pub fn name(&self) -> String {
        format!("{}-q{}-tile{}", self.picture_name(), self.quality, 1_u32 << self.tile_log2)
    }

    fn picture_name(&self) -> String {
        format!("{}x{}", self.width, self.height)
    }

    /// The picture to encode.
    pub fn picture(&self, kit: &Path) -> PathBuf {
        kit.join("pictures").join(self.picture_name()).with_extension("ppm")
    }

    /// The .calo file that must come of it.
    pub fn expected_file(&self, kit: &Path) -> PathBuf {
        kit.join("expected").join(self.name() + ".calo")
    }

    /// The picture that must come of this file.
    pub fn expected_picture(&self, kit: &Path) -> PathBuf {
        kit.join("expected").join(self.name() + ".ppm")
    }

    /// How to encode it.
    ///
    /// # Errors
    /// [`Error::Engine`] for a quality that does not exist.
    pub fn options(&self) -> Result<EncodeOptions, Error> {
        let quality = Quality::new(f64::from(self.quality))?;
        Ok(EncodeOptions { quality, tile_log2: self.tile_log2, ..EncodeOptions::default() })
    }
}

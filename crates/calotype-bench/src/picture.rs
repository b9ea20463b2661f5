//! Pictures to measure on.

use calotype::{Codec, EncodeOptions, Encoded, Error, Metadata, RgbImage};
use sha2::{Digest, Sha256};

/// A picture and its name.
#[derive(Clone, Debug)]
pub struct Picture {
    /// File name without folders.
    pub name: String,
    /// Pixels in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// 8-bit RGB, `width * height * 3` bytes in rows from the top.
    pub rgb: Vec<u8>,
    /// What our codec encodes, where that is more than RGB: channels, depth and metadata as they were read.
    pub whole: Option<(calotype::Picture, Metadata)>,
}

impl Picture {
    /// Width times height.
    pub fn pixels(&self) -> f64 {
        f64::from(self.width) * f64::from(self.height)
    }

    /// Bits per pixel of a file of `bytes`.
    pub fn bpp(&self, bytes: u64) -> f64 {
        bytes as f64 * 8.0 / self.pixels()
    }

    /// As a PPM file.
    pub(crate) fn ppm(&self) -> Vec<u8> {
        let mut bytes = format!("P6\n{} {}\n255\n", self.width, self.height).into_bytes();
        bytes.extend(&self.rgb);
        bytes
    }

    /// The file that `calotype encode` makes of it.
    ///
    /// # Errors
    /// As [`Codec::encode_picture`].
    pub(crate) fn encode(&self, codec: &Codec, options: &EncodeOptions) -> Result<Encoded, Error> {
        match &self.whole {
            Some((whole, metadata)) => codec.encode_picture(whole, metadata, options),
            None => codec.encode(&RgbImage::new(self.width, self.height, &self.rgb)?, options),
        }
    }

    /// The samples of alpha, if there are any.
    pub fn alpha(&self) -> Option<Vec<u16>> {
        self.whole.as_ref().and_then(|(picture, _)| picture.alpha())
    }

    /// 16 hexadecimal digits of SHA-256 over size, pixels and what else is encoded: what tells measurements of one picture from those of another.
    pub(crate) fn fingerprint(&self) -> String {
        let mut digest =
            Sha256::new().chain_update(self.width.to_le_bytes()).chain_update(self.height.to_le_bytes()).chain_update(&self.rgb);
        if let Some((picture, metadata)) = &self.whole {
            digest.update(format!("{:?} {:?} {metadata:?}", picture.shape(), picture.alpha()));
        }
        digest.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
    }
}

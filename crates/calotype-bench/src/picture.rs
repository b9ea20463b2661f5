//! Pictures to measure on.

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

    /// 16 hexadecimal digits of SHA-256 over size and pixels: what tells measurements of one picture from those of another.
    pub(crate) fn fingerprint(&self) -> String {
        let digest = Sha256::new().chain_update(self.width.to_le_bytes()).chain_update(self.height.to_le_bytes()).chain_update(&self.rgb);
        digest.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
    }
}

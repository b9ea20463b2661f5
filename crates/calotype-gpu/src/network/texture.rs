//! Pixels that stay on the device: a texture to draw them with, and their bytes in case they are asked for.

use calotype_engine::Rect;
use calotype_shaders as shaders;

use super::pieces::Window;
use crate::Error;
use crate::commands::Commands;
use crate::pool::Buffer;

/// Rows of a texture are copied with a pitch of a multiple of so many texels: 256 bytes.
const PITCH: usize = 64;
/// Smaller copies end where a side would be smaller.
const LEAST_SIDE: u32 = 64;

/// A rectangle of developed pixels on the device.
pub struct Piece {
    /// The pixels of its latents, those beyond the picture too.
    pub place: Rect,
    /// Its pixels inside the picture, opaque RGBA of 8 bits in the sRGB curve. Mip levels are means of 2 x 2.
    pub texture: wgpu::Texture,
    /// RGB of whole latents, row by row.
    pub(crate) rgb: Buffer,
}

impl Piece {
    /// Records what makes a piece of the RGB bytes of some latents.
    pub(super) fn record(commands: &mut Commands<'_>, rgb: Buffer, latents: Rect, window: &Window) -> Result<Piece, Error> {
        let Rect { height, width, .. } = latents.pixels((window.width, window.height), window.stride);
        let place = window.pixels(latents);
        let texture = commands.gpu.texture([width as u32, height as u32], levels(width.min(height) as u32));
        let mut pitch = place.width.next_multiple_of(PITCH);
        let mut texels = commands.take(4 * pitch * place.height)?;
        commands.elements(&shaders::TEXELS, place.height * place.width / 4, &[place.width / 4, pitch / 4], &[&rgb, &texels]);
        commands.fill(&texture, 0, &texels, pitch);
        for level in 1..texture.mip_level_count() {
            let [width, height] = [width, height].map(|side| side >> level);
            let half_pitch = width.next_multiple_of(PITCH);
            let halved = commands.take(4 * half_pitch * height)?;
            commands.elements(&shaders::HALVE, width * height, &[width, pitch, half_pitch], &[&texels, &halved]);
            commands.fill(&texture, level, &halved, half_pitch);
            (texels, pitch) = (halved, half_pitch);
        }
        Ok(Piece { place, texture, rgb })
    }

    /// Pixels in a row, and rows, inside the picture.
    pub fn size(&self) -> [u32; 2] {
        [self.texture.width(), self.texture.height()]
    }

    /// The bytes of the picture among those of whole latents.
    pub(crate) fn cropped(&self, rgb: &[u8]) -> Vec<u8> {
        let [width, height] = self.size().map(|side| side as usize);
        rgb.chunks_exact(3 * self.place.width).take(height).flat_map(|row| &row[..3 * width]).copied().collect()
    }

    /// Bytes of whole latents.
    pub(crate) fn bytes(&self) -> usize {
        3 * self.place.height * self.place.width
    }
}

/// How many mip levels a texture has whose smaller side is `side`.
fn levels(side: u32) -> u32 {
    1 + (side / LEAST_SIDE).max(1).ilog2()
}

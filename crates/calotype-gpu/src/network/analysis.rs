//! g_a: pixels to v, in pieces (docs/MODEL.md section 6).

use calotype_model::{Encoder, Map};
use calotype_shaders as shaders;
use calotype_shaders::place;

use super::EncoderWeights;
use super::pieces::{Rect, halo, pieces, side};
use super::synthesis::BLOCK;
use crate::Error;
use crate::commands::Commands;
use crate::gpu::Gpu;
use crate::layers::{Emit, Field, Size};
use crate::packed::to_halves;

/// A picture as rows of RGB bytes.
#[derive(Clone, Copy)]
struct Picture<'a> {
    rgb: &'a [u8],
    width: usize,
    height: usize,
}

impl EncoderWeights {
    /// The pixels of a picture to v of the padded picture, in pieces of `piece` latents a side.
    pub fn analyse(
        &self,
        (gpu, piece): (&Gpu, usize),
        encoder: &Encoder,
        rgb: &[u8],
        (width, height): (usize, usize),
    ) -> Result<Map<i16>, Error> {
        assert_eq!(rgb.len(), width * height * 3, "bytes of the picture");
        let picture = Picture { rgb, width, height };
        let halo = halo(self.g_a.blocks.len());
        let mut v: Map<i16> = Map::zeros(4 * height.div_ceil(64), 4 * width.div_ceil(64), encoder.config.m);
        for inner in pieces(v.height, v.width, side(piece, &encoder.config, halo, gpu.largest_binding())) {
            let outer = inner.widened(halo, v.height, v.width);
            let latents = self.analyse_piece(gpu, encoder, picture, (inner, outer))?;
            for (y, row) in latents.chunks_exact(inner.width * v.channels).enumerate() {
                let begin = ((inner.y + y) * v.width + inner.x) * v.channels;
                v.data[begin..begin + row.len()].copy_from_slice(row);
            }
        }
        Ok(v)
    }

    /// The pixels of `outer` to the latents of `inner`.
    fn analyse_piece(&self, gpu: &Gpu, encoder: &Encoder, picture: Picture<'_>, (inner, outer): (Rect, Rect)) -> Result<Vec<i16>, Error> {
        let mut commands = Commands::new(gpu)?;
        let config = &encoder.config;
        let size = Size::new(outer.height, outer.width).times(2);
        let pixels = commands.upload(&picture.padded(outer))?;
        let values = commands.take(2 * BLOCK * size.positions())?;
        commands.elements(&shaders::INPUT, size.positions() * BLOCK / 4, &[size.width], &[&pixels, &values]);
        let latents = Size::new(inner.height, inner.width);
        let folded = commands.take(8 * config.c * latents.positions())?;
        // The last block crops the halo away; without blocks there is none.
        let origin = (2 * (inner.y - outer.y), 2 * (inner.x - outer.x));
        let unshuffled = Emit { place: place::UNSHUFFLE, origin, ..Emit::same(latents, Some(&folded), None) };
        if self.g_a.blocks.is_empty() {
            commands.wide(&self.g_a.first, (size, &values), &unshuffled)?;
        } else {
            let field = Field::new(&mut commands, size, config.c, 2)?;
            let whole = field.fill();
            commands.wide(&self.g_a.first, (size, &values), &field.fill())?;
            for (i, block) in self.g_a.blocks.iter().enumerate() {
                let last = i + 1 == self.g_a.blocks.len();
                field.block(&mut commands, block, if last { &unshuffled } else { &whole })?;
            }
        }
        let count = latents.positions() * config.m;
        let v = commands.take(2 * count)?;
        commands.wide(&self.g_a.last, (latents, &folded), &Emit::same(latents, Some(&v), None))?;
        commands.download(&v, 2 * count);
        let [v] = commands.run()?.try_into().expect("one download");
        Ok(to_halves(&v, count))
    }
}

impl Picture<'_> {
    /// The pixels of a rectangle of latents, replicated to the right and downwards.
    fn padded(&self, rect: Rect) -> Vec<u8> {
        let (left, columns) = (16 * rect.x, 16 * rect.width);
        let inside = columns.min(self.width.saturating_sub(left));
        let mut bytes = Vec::with_capacity(columns * 16 * rect.height * 3);
        for y in 16 * rect.y..16 * (rect.y + rect.height) {
            let row = &self.rgb[y.min(self.height - 1) * self.width * 3..][..self.width * 3];
            bytes.extend(row.get(left * 3..(left + inside) * 3).unwrap_or(&[]));
            let last = &row[row.len() - 3..];
            (inside..columns).for_each(|_| bytes.extend(last));
        }
        bytes
    }
}

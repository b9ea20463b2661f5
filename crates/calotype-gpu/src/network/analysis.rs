//! g_a: pixels to v, in pieces (docs/MODEL.md section 6).

use calotype_engine::measure::Phase;
use calotype_engine::{PixelRows, Rect};
use calotype_shaders as shaders;

use super::EncoderWeights;
use super::pieces::{pieces, side};
use super::synthesis::BLOCK;
use crate::Error;
use crate::commands::Commands;
use crate::layers::{Emit, Field, Size};
use crate::pool::Buffer;

/// v of a padded tile, and where the tile is.
struct Target<'a> {
    place: Rect,
    v: &'a Buffer,
}

impl EncoderWeights {
    /// How many latents around a place g_a sees.
    fn halo(&self) -> usize {
        self.g_a.halo.div_ceil(self.config.stride)
    }

    /// The pixels around a tile to v `[4zh, 4zw, M]`, where `place` is the padded tile; in pieces of `piece` latents a side.
    pub fn analysis(&self, commands: &mut Commands<'_>, pixels: PixelRows<'_>, place: Rect, piece: usize) -> Result<Buffer, Error> {
        let (halo, stride) = (self.halo(), self.config.stride);
        let picture = Rect::of_picture((pixels.width, pixels.height), stride).padded();
        commands.phase = Phase::Analysis;
        let v = commands.take(2 * place.height * place.width * self.config.m)?;
        for (i, inner) in pieces(place, side(piece, self.g_a.bytes_per_latent, halo, commands.gpu.largest_binding())).enumerate() {
            if i > 0 {
                commands.flush()?;
            }
            let outer = inner.widened(halo, picture);
            let rgb = commands.upload(&padded(pixels, outer, stride))?;
            self.analyse_piece(commands, &rgb, inner, outer, Target { place, v: &v })?;
        }
        Ok(v)
    }

    /// The pixels of `outer` to the latents of `inner`.
    fn analyse_piece(&self, commands: &mut Commands<'_>, rgb: &Buffer, inner: Rect, outer: Rect, target: Target<'_>) -> Result<(), Error> {
        let (first, last) = (&self.g_a.first, &self.g_a.last);
        let fold = last.unshuffle;
        let size = Size::new(outer.height, outer.width).times(fold);
        let values = commands.take(2 * BLOCK * size.positions())?;
        commands.elements(&shaders::INPUT, size.positions() * BLOCK / 4, &[size.width], &[rgb, &values]);
        let latents = Size::new(inner.height, inner.width);
        let folded = commands.take(2 * last.pointwise.inputs * latents.positions())?;
        // What comes last before the unshuffle crops the halo away; without blocks there is none.
        let origin = ((fold * (inner.y - outer.y)) as isize, (fold * (inner.x - outer.x)) as isize);
        let unshuffled = Emit { unshuffle: fold, origin, ..Emit::same(latents, Some(&folded), None) };
        match first.blocks.split_last() {
            None => commands.wide(&first.pointwise, size, &values, &unshuffled)?,
            Some((end, blocks)) => {
                let field = Field::new(commands, size, first.channels, first.expansion())?;
                commands.wide(&first.pointwise, size, &values, &field.fill())?;
                blocks.iter().try_for_each(|block| field.block(commands, block, &field.fill()))?;
                field.block(commands, end, &unshuffled)?;
            }
        }
        let origin = (target.place.y as isize - inner.y as isize, target.place.x as isize - inner.x as isize);
        let tile = Size::new(target.place.height, target.place.width);
        commands.wide(&last.pointwise, latents, &folded, &Emit { origin, ..Emit::same(tile, Some(target.v), None) })
    }
}

/// The pixels of a rectangle of latents, replicated to the right and downwards.
fn padded(pixels: PixelRows<'_>, rect: Rect, stride: usize) -> Vec<u8> {
    let (left, columns) = (stride * rect.x, stride * rect.width);
    let inside = columns.min(pixels.width.saturating_sub(left));
    let mut bytes = Vec::with_capacity(columns * stride * rect.height * 3);
    for y in stride * rect.y..stride * rect.bottom() {
        let row = pixels.row(y);
        bytes.extend(row.get(left * 3..(left + inside) * 3).unwrap_or(&[]));
        let last = &row[row.len() - 3..];
        (inside..columns).for_each(|_| bytes.extend(last));
    }
    bytes
}

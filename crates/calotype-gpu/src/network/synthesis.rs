//! g_s: v_hat to pixels, in pieces (docs/MODEL.md section 5.4).

use calotype_engine::measure::Phase;
use calotype_engine::{Placed, Rect};
use calotype_shaders as shaders;

use super::AtQuality;
use super::pieces::{Window, pieces, side};
use super::texture::Piece;
use crate::Error;
use crate::commands::{Commands, Submitted};
use crate::gpu::Gpu;
use crate::layers::{Emit, Field, Part, Size};
use crate::pool::Buffer;

/// Values of a position at 1/8: 8x8 pixels of three channels.
pub(super) const BLOCK: usize = 192;

impl AtQuality {
    /// v_hat of tiles to pixels. The next piece is on its way while the last one comes back.
    pub(crate) async fn synthesise(&self, gpu: &Gpu, tiles: &[Placed<'_, Buffer>], window: &Window) -> Result<Vec<u8>, Error> {
        let (g_s, halo) = (&self.weights.g_s, self.weights.g_s.halo);
        let picture = Rect::of_picture((window.width, window.height), window.stride);
        let mut image = Pasting::new(window);
        let mut last: Option<(Rect, Submitted<'_>)> = None;
        for inner in pieces(window.wanted, side(window.piece, g_s.bytes_per_latent, halo, gpu.largest_binding())) {
            let mut commands = Commands::new(gpu)?;
            let pixels = self.piece(&mut commands, tiles, inner, inner.widened(halo, picture))?;
            let Rect { height, width, .. } = window.pixels(inner);
            commands.download(&pixels, 3 * height * width);
            let next = (inner, commands.submit()?);
            if let Some((inner, submitted)) = last.replace(next) {
                let [pixels] = submitted.wait().await?;
                image.paste(&pixels, inner);
            }
        }
        if let Some((inner, submitted)) = last {
            let [pixels] = submitted.wait().await?;
            image.paste(&pixels, inner);
        }
        Ok(image.rgb)
    }

    /// v_hat of tiles to pieces, which stay on the device.
    pub(crate) async fn pieces(&self, gpu: &Gpu, tiles: &[Placed<'_, Buffer>], window: &Window) -> Result<Vec<Piece>, Error> {
        let (g_s, halo) = (&self.weights.g_s, self.weights.g_s.halo);
        let picture = Rect::of_picture((window.width, window.height), window.stride);
        let piece = |inner: Rect| {
            let mut commands = Commands::new(gpu)?;
            let pixels = self.piece(&mut commands, tiles, inner, inner.widened(halo, picture))?;
            let piece = Piece::record(&mut commands, pixels, inner, window)?;
            Ok((piece, commands.submit()?))
        };
        let submitted = pieces(window.wanted, side(window.piece, g_s.bytes_per_latent, halo, gpu.largest_binding())).map(piece);
        let submitted = submitted.collect::<Result<Vec<_>, Error>>()?;
        let mut pieces = Vec::with_capacity(submitted.len());
        for (piece, submitted) in submitted {
            submitted.all().await?;
            pieces.push(piece);
        }
        Ok(pieces)
    }

    /// The latents of `outer` to the pixels of `inner`.
    fn piece(&self, commands: &mut Commands<'_>, tiles: &[Placed<'_, Buffer>], inner: Rect, outer: Rect) -> Result<Buffer, Error> {
        commands.phase = Phase::Synthesis;
        let (first, last) = (&self.weights.g_s.first, &self.weights.g_s.last);
        let fold = first.shuffle;
        let v_hat = assemble(commands, tiles, outer, self.weights.config.m)?;
        let size = Size::new(outer.height, outer.width);
        let field = Field::new(commands, size.times(fold), first.channels, first.expansion())?;
        commands.wide(&self.g_s_first, size, &v_hat, &Emit { shuffle: fold, ..field.fill() })?;
        let size = Size::new(inner.height, inner.width).times(fold);
        // The last block crops the halo away; without blocks there is none.
        let origin = ((fold * (inner.y - outer.y)) as isize, (fold * (inner.x - outer.x)) as isize);
        let cropped = Emit { origin, ..Emit::same(size, Some(&field.stream), None) };
        if let Some((end, blocks)) = first.blocks.split_last() {
            blocks.iter().try_for_each(|block| field.block(commands, block, &field.fill()))?;
            field.block(commands, end, &cropped)?;
        }
        let bytes = size.positions() * BLOCK;
        let values = commands.take(2 * bytes)?;
        commands.wide(&last.pointwise, size, &field.stream, &Emit::same(size, Some(&values), None))?;
        let pixels = commands.take(bytes)?;
        commands.elements(&shaders::PIXELS, bytes / 4, &[size.width], &[&values, &pixels]);
        Ok(pixels)
    }
}

/// The latents of a rectangle, from the tiles that it touches.
pub(crate) fn assemble(commands: &mut Commands<'_>, tiles: &[Placed<'_, Buffer>], rect: Rect, channels: usize) -> Result<Buffer, Error> {
    let v_hat = commands.take(2 * rect.height * rect.width * channels)?;
    let mut positions = 0;
    for tile in tiles {
        let Some(part) = tile.place.intersection(rect) else { continue };
        positions += part.height * part.width;
        let within = |whole: Rect, buffer| Part { buffer, width: whole.width, origin: (part.y - whole.y, part.x - whole.x) };
        let size = Size::new(part.height, part.width);
        commands.copy(within(tile.place, tile.tile), within(rect, &v_hat), size, channels);
    }
    assert_eq!(positions, rect.height * rect.width, "the tiles cover the rectangle");
    Ok(v_hat)
}

/// The pixels of a window, as they come.
struct Pasting<'a> {
    window: &'a Window,
    /// Pixels in a row.
    width: usize,
    rgb: Vec<u8>,
}

impl Pasting<'_> {
    fn new(window: &Window) -> Pasting<'_> {
        let Rect { height, width, .. } = window.wanted.pixels((window.width, window.height), window.stride);
        Pasting { window, width, rgb: vec![0; width * height * 3] }
    }

    /// Copies the pixels of a rectangle, as far as they are in the picture.
    fn paste(&mut self, pixels: &[u8], rect: Rect) {
        let (whole, part) = (self.window.pixels(self.window.wanted), self.window.pixels(rect));
        let (top, left) = (part.y - whole.y, part.x - whole.x);
        let columns = part.width.min(self.width - left) * 3;
        let rows = self.rgb.chunks_exact_mut(self.width * 3).skip(top);
        for (row, pixels) in rows.zip(pixels.chunks_exact(part.width * 3)) {
            row[left * 3..][..columns].copy_from_slice(&pixels[..columns]);
        }
    }
}

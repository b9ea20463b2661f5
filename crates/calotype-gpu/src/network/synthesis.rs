//! g_s: v_hat to pixels, in pieces (docs/MODEL.md section 5.4).

use std::ops::Range;

use calotype_model::Rect;
use calotype_shaders as shaders;

use super::AtQuality;
use super::pieces::{halo, pieces, side};
use crate::Error;
use crate::commands::{Commands, Submitted};
use crate::gpu::Gpu;
use crate::layers::{Emit, Field, Part, Size};
use crate::pool::Buffer;

/// Values of a position at 1/8: 8x8 pixels of three channels.
pub(super) const BLOCK: usize = 192;

/// v_hat of a tile `[lh, lw, M]`, and where the tile is.
#[derive(Clone, Copy)]
pub(crate) struct Tile<'a> {
    pub place: Rect,
    pub v_hat: &'a Buffer,
}

/// Rows of latents whose pixels are wanted, of a picture of `width` x `height` pixels; cut into pieces of `piece` latents a side.
pub(crate) struct Window {
    pub rows: Range<usize>,
    pub width: usize,
    pub height: usize,
    pub piece: usize,
}

impl AtQuality<'_> {
    /// v_hat of tiles to pixels. The next piece is on its way while the last one comes back.
    pub fn synthesise(&self, gpu: &Gpu, tiles: &[Tile<'_>], window: &Window) -> Result<Vec<u8>, Error> {
        let (config, halo) = (&self.weights.config, halo(self.weights.g_s.blocks.len()));
        let picture = Rect::of_picture(window.width, window.height);
        let wanted = Rect { y: window.rows.start, height: window.rows.len(), ..picture };
        let mut rgb = vec![0; (window.height.min(16 * wanted.bottom()) - 16 * wanted.y) * window.width * 3];
        let mut last: Option<(Rect, Submitted<'_>)> = None;
        for inner in pieces(wanted, side(window.piece, config, halo, gpu.largest_binding())) {
            let next = (inner, self.submit_piece(gpu, tiles, inner, inner.widened(halo, picture))?);
            if let Some((inner, submitted)) = last.replace(next) {
                paste(&one(submitted)?, Rect { y: inner.y - wanted.y, ..inner }, (&mut rgb, window.width));
            }
        }
        if let Some((inner, submitted)) = last {
            paste(&one(submitted)?, Rect { y: inner.y - wanted.y, ..inner }, (&mut rgb, window.width));
        }
        Ok(rgb)
    }

    /// The latents of `outer` to the pixels of `inner`.
    fn submit_piece<'g>(&self, gpu: &'g Gpu, tiles: &[Tile<'_>], inner: Rect, outer: Rect) -> Result<Submitted<'g>, Error> {
        let mut commands = Commands::new(gpu)?;
        let (weights, config) = (self.weights, &self.weights.config);
        let v_hat = assemble(&mut commands, tiles, outer, config.m)?;
        let size = Size::new(outer.height, outer.width);
        let field = Field::new(&mut commands, size.times(2), config.c, 2)?;
        commands.wide(&self.g_s_first, (size, &v_hat), &Emit::shuffled(size, Some(&field.stream), Some(&field.codes)))?;
        let size = Size::new(inner.height, inner.width).times(2);
        // The last block crops the halo away; without blocks there is none.
        let origin = (2 * (inner.y - outer.y) as isize, 2 * (inner.x - outer.x) as isize);
        let cropped = Emit { origin, ..Emit::same(size, Some(&field.stream), None) };
        let whole = field.fill();
        for (i, block) in weights.g_s.blocks.iter().enumerate() {
            let last = i + 1 == weights.g_s.blocks.len();
            field.block(&mut commands, block, if last { &cropped } else { &whole })?;
        }
        let bytes = size.positions() * BLOCK;
        let values = commands.take(2 * bytes)?;
        commands.wide(&weights.g_s.last, (size, &field.stream), &Emit::same(size, Some(&values), None))?;
        let pixels = commands.take(bytes)?;
        commands.elements(&shaders::PIXELS, bytes / 4, &[size.width], &[&values, &pixels]);
        commands.download(&pixels, bytes);
        commands.submit()
    }
}

fn one(submitted: Submitted<'_>) -> Result<Vec<u8>, Error> {
    let [pixels] = submitted.wait()?.try_into().expect("one download");
    Ok(pixels)
}

/// The latents of a rectangle, from the tiles that it touches.
fn assemble(commands: &mut Commands<'_>, tiles: &[Tile<'_>], rect: Rect, channels: usize) -> Result<Buffer, Error> {
    let v_hat = commands.take(2 * rect.height * rect.width * channels)?;
    let mut positions = 0;
    for tile in tiles {
        let Some(part) = tile.place.intersection(rect) else { continue };
        positions += part.height * part.width;
        let within = |whole: Rect, buffer| Part { buffer, width: whole.width, origin: (part.y - whole.y, part.x - whole.x) };
        let size = Size::new(part.height, part.width);
        commands.copy(within(tile.place, tile.v_hat), within(rect, &v_hat), (size, channels));
    }
    assert_eq!(positions, rect.height * rect.width, "the tiles cover the rows and their halo");
    Ok(v_hat)
}

/// Copies the pixels of a rectangle of latents into a picture, as far as they are in it.
fn paste(pixels: &[u8], rect: Rect, (rgb, width): (&mut [u8], usize)) {
    let columns = (16 * rect.width).min(width - 16 * rect.x) * 3;
    let rows = rgb.chunks_exact_mut(width * 3).skip(16 * rect.y);
    for (row, pixels) in rows.zip(pixels.chunks_exact(16 * rect.width * 3)) {
        row[16 * rect.x * 3..][..columns].copy_from_slice(&pixels[..columns]);
    }
}

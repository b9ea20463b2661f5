//! g_s: v_hat to pixels, in pieces (docs/MODEL.md section 5.4).

use calotype_model::{Decoder, Map, QualityTables};
use calotype_shaders as shaders;

use super::DecoderWeights;
use super::pieces::{Rect, halo, pieces, side};
use crate::Error;
use crate::commands::Commands;
use crate::gpu::Gpu;
use crate::layers::{Emit, Field, Size};
use crate::packed::{Next, ends, halves};

/// Values of a position at 1/8: 8x8 pixels of three channels.
pub(super) const BLOCK: usize = 192;

impl DecoderWeights {
    /// v_hat of a whole picture to its pixels, in pieces of `piece` latents a side.
    pub fn synthesise(
        &self,
        (gpu, piece): (&Gpu, usize),
        decoder: &Decoder,
        q: &QualityTables,
        v_hat: &Map<i16>,
        (width, height): (usize, usize),
    ) -> Result<Vec<u8>, Error> {
        assert_eq!((v_hat.height, v_hat.width), (height.div_ceil(16), width.div_ceil(16)), "latents of the picture");
        let halo = halo(self.g_s.blocks.len());
        let mut rgb = vec![0; width * height * 3];
        for inner in pieces(v_hat.height, v_hat.width, side(piece, &decoder.config, halo, gpu.largest_binding())) {
            let outer = inner.widened(halo, v_hat.height, v_hat.width);
            let latents = v_hat.crop((outer.y, outer.x), (outer.height, outer.width));
            let pixels = self.synthesise_piece(gpu, decoder, q, &latents, (inner, outer))?;
            paste(&pixels, inner, (&mut rgb, width));
        }
        Ok(rgb)
    }

    /// The latents of `outer` to the pixels of `inner`.
    fn synthesise_piece(
        &self,
        gpu: &Gpu,
        decoder: &Decoder,
        q: &QualityTables,
        latents: &Map<i16>,
        (inner, outer): (Rect, Rect),
    ) -> Result<Vec<u8>, Error> {
        let mut commands = Commands::new(gpu)?;
        let size = Size::new(outer.height, outer.width);
        let v_hat = commands.upload(&halves(&latents.data))?;
        let field = Field::new(&mut commands, size.times(2), decoder.config.c, 2)?;
        let first = commands.biased(&self.g_s.first, &first_ends(decoder, q))?;
        commands.wide(&first, (size, &v_hat), &Emit::shuffled(size, Some(&field.stream), Some(&field.codes)))?;
        let size = Size::new(inner.height, inner.width).times(2);
        // The last block crops the halo away; without blocks there is none.
        let origin = (2 * (inner.y - outer.y), 2 * (inner.x - outer.x));
        let cropped = Emit { origin, ..Emit::same(size, Some(&field.stream), None) };
        let whole = field.fill();
        for (i, block) in self.g_s.blocks.iter().enumerate() {
            let last = i + 1 == self.g_s.blocks.len();
            field.block(&mut commands, block, if last { &cropped } else { &whole })?;
        }
        let bytes = size.positions() * BLOCK;
        let values = commands.take(2 * bytes)?;
        commands.wide(&self.g_s.last, (size, &field.stream), &Emit::same(size, Some(&values), None))?;
        let pixels = commands.take(bytes)?;
        commands.elements(&shaders::PIXELS, bytes / 4, &[size.width], &[&values, &pixels]);
        commands.download(&pixels, bytes);
        let [pixels] = commands.run()?.try_into().expect("one download");
        Ok(pixels)
    }
}

/// The first layer's ends with the bias at a quality, and the codes that the first block reads.
fn first_ends(decoder: &Decoder, q: &QualityTables) -> Vec<u8> {
    let g_s = &decoder.g_s;
    let addend: Vec<i32> = q.bias_dec.iter().map(|&bias| i32::from(bias)).collect();
    let read = g_s.blocks.first().map_or(&[][..], |block| &block.pw1_read);
    ends(&g_s.first.bias, &g_s.first.shift, Next { read, addend: &addend })
}

/// Copies the pixels of a rectangle of latents into a picture, as far as they are in it.
fn paste(pixels: &[u8], rect: Rect, (rgb, width): (&mut [u8], usize)) {
    let columns = (16 * rect.width).min(width - 16 * rect.x) * 3;
    let rows = rgb.chunks_exact_mut(width * 3).skip(16 * rect.y);
    for (row, pixels) in rows.zip(pixels.chunks_exact(16 * rect.width * 3)) {
        row[16 * rect.x * 3..][..columns].copy_from_slice(&pixels[..columns]);
    }
}

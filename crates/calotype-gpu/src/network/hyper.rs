//! h_s with the scale head, and h_a (docs/MODEL.md sections 5.1, 5.2 and 6), tile by tile.

use calotype_model::TileSize;
use calotype_model::measure::Phase;
use calotype_shaders as shaders;
use calotype_shaders::place;

use super::{AtQuality, EncoderWeights};
use crate::Error;
use crate::commands::Commands;
use crate::layers::{Codes, Emit, Field, Size};
use crate::pool::Buffer;

/// What the hyper synthesis says about a tile's latents, on the device.
pub(crate) struct HyperBuffers {
    pub size: TileSize,
    /// h8, with room for the codes of v_hat behind it: `[lh, lw, P + M]`.
    pub codes: Buffer,
    /// The scale indices `[lh, lw, M]`.
    pub index: Buffer,
}

impl AtQuality<'_> {
    /// z symbols to h8 and the scale indices.
    pub fn hyper(&self, commands: &mut Commands<'_>, z: &Buffer, tile: TileSize) -> Result<HyperBuffers, Error> {
        commands.phase = Phase::HyperSynthesis;
        let (weights, config) = (self.weights, &self.weights.config);
        let (zh, zw) = tile.hyper();
        let (size, latents) = (Size::new(zh, zw), Size::new(tile.lh, tile.lw));
        let z8 = commands.take(size.positions() * config.z)?;
        commands.elements(&shaders::SCALE_CODE, size.positions() * config.z / 4, &[config.z / 4], &[&self.z_gains, z, &z8]);
        let coarse = Field::new(commands, size.times(2), config.p, 1)?;
        let fine = Field::new(commands, size.times(4), config.p, 1)?;
        let input = Codes { size, stride: config.z, buffer: &z8 };
        commands.stream(&weights.first, input, &Emit::shuffled(size, Some(&coarse.stream), Some(&coarse.codes)))?;
        coarse.block(commands, &weights.block1, &Emit::same(size.times(2), None, Some(&coarse.codes)))?;
        commands.stream(&weights.mid, coarse.input(), &Emit::shuffled(size.times(2), Some(&fine.stream), Some(&fine.codes)))?;
        let stride = config.p + config.m;
        let codes = commands.take(latents.positions() * stride)?;
        fine.block(commands, &weights.block2, &Emit { codes_stride: Some(stride), ..Emit::same(latents, None, Some(&codes)) })?;
        commands.phase = Phase::Scales;
        let index = commands.take(latents.positions() * config.m)?;
        let h = Codes { size: latents, stride, buffer: &codes };
        commands.index(&weights.scale_head, h, &weights.scale_lut, &self.head_ends, &index)?;
        Ok(HyperBuffers { size: tile, codes, index })
    }
}

impl EncoderWeights {
    /// v `[4zh, 4zw, M]` of a tile to z symbols.
    pub fn hyper_analysis(&self, commands: &mut Commands<'_>, gains: &Buffer, (v, tile): (&Buffer, TileSize)) -> Result<Buffer, Error> {
        commands.phase = Phase::HyperAnalysis;
        let (m, p, z) = (self.config.m, self.config.p, self.config.z);
        let size = Size::new(tile.lh, tile.lw);
        let count = size.positions() * m;
        let codes = commands.take(count)?;
        commands.elements(&shaders::SCALE_CODE, count / 4, &[m / 4], &[&self.first_gains, v, &codes]);
        let fine = Field::new(commands, size, p, 1)?;
        let coarse = Field::new(commands, size.over(2), p, 1)?;
        commands.stream(&self.first, Codes { size, stride: m, buffer: &codes }, &fine.fill())?;
        fine.block(commands, &self.block1, &unshuffled(size, &fine.codes))?;
        let folded = Codes { size: size.over(2), stride: 4 * p, buffer: &fine.codes };
        commands.stream(&self.mid, folded, &coarse.fill())?;
        coarse.block(commands, &self.block2, &unshuffled(size.over(2), &coarse.codes))?;
        let folded = Codes { size: size.over(4), stride: 4 * p, buffer: &coarse.codes };
        let count = size.over(4).positions() * z;
        let last = commands.take(2 * count)?;
        commands.stream(&self.last, folded, &Emit::same(size.over(4), Some(&last), None))?;
        let symbols = commands.take(2 * count)?;
        commands.elements(&shaders::SCALE_SYMBOL, count / 4, &[z / 4], &[gains, &last, &symbols]);
        Ok(symbols)
    }
}

/// Codes alone, unshuffled by 2 into the buffer that held them.
fn unshuffled(size: Size, codes: &Buffer) -> Emit<'_> {
    Emit { place: place::UNSHUFFLE, ..Emit::same(size.over(2), None, Some(codes)) }
}

//! h_s with the heads of scales and widths, and h_a (docs/MODEL.md sections 5.1, 5.2 and 6), tile by tile.

use calotype_engine::TileSize;
use calotype_engine::measure::Phase;
use calotype_shaders as shaders;

use super::{AtQuality, EncoderWeights};
use crate::Error;
use crate::commands::Commands;
use crate::layers::{Codes, Emit, Size};
use crate::pool::Buffer;

/// What the hyper synthesis says about a tile's latents, on the device.
pub struct HyperBuffers {
    pub(crate) size: TileSize,
    /// h8, and behind it the codes of v_hat, of which none is set: `[lh, lw, P + M]`.
    pub(crate) codes: Buffer,
    /// The scale indices `[lh, lw, M]`, and behind them the width indices.
    pub(crate) index: Buffer,
}

impl AtQuality {
    /// z symbols to h8 and the scale indices; without hyper-latents, the scale indices of the table.
    pub(crate) fn hyper(&self, commands: &mut Commands<'_>, z: &Buffer, tile: TileSize) -> Result<HyperBuffers, Error> {
        let config = &self.weights.config;
        let latents = Size::new(tile.lh, tile.lw);
        let stride = config.p + config.m;
        let codes = commands.zeros(latents.positions() * stride)?;
        let bytes = latents.positions() * config.m;
        let (Some(weights), Some(at)) = (&self.weights.hyper, &self.hyper) else {
            let mut index = self.scale_index.repeat(latents.positions());
            index.resize(2 * bytes, 0);
            return Ok(HyperBuffers { size: tile, codes, index: commands.upload(&index)? });
        };
        commands.phase = Phase::HyperSynthesis;
        let (zh, zw) = tile.hyper();
        let size = Size::new(zh, zw);
        let z8 = commands.take(size.positions() * config.z)?;
        commands.elements(&shaders::SCALE_CODE, size.positions() * config.z / 4, &[config.z / 4], &[&at.z_gains, z, &z8]);
        let input = Codes { size, stride: config.z, buffer: &z8 };
        let h = Emit { codes_stride: Some(stride), ..Emit::same(latents, None, Some(&codes)) };
        commands.chain(&weights.h_s, input, &h)?;
        commands.phase = Phase::Scales;
        let h = Codes { size: latents, stride, buffer: &codes };
        let index = match &weights.widths {
            None => commands.zeros(2 * bytes)?,
            Some(widths) => {
                let index = commands.take(2 * bytes)?;
                commands.index(&widths.head, shaders::widths::WIDTHS, h, &widths.lut, &index)?;
                index
            }
        };
        commands.index(&at.scales, shaders::widths::SCALES, h, &weights.scale_lut, &index)?;
        Ok(HyperBuffers { size: tile, codes, index })
    }
}

impl EncoderWeights {
    /// v `[4zh, 4zw, M]` of a tile to z symbols: none without hyper-latents.
    pub fn hyper_analysis(&self, commands: &mut Commands<'_>, gains: &Buffer, v: &Buffer, tile: TileSize) -> Result<Buffer, Error> {
        let Some(h_a) = &self.h_a else { return commands.take(0) };
        commands.phase = Phase::HyperAnalysis;
        let (m, z) = (self.config.m, self.config.z);
        let size = Size::new(tile.lh, tile.lw);
        let count = size.positions() * m;
        let codes = commands.take(count)?;
        commands.elements(&shaders::SCALE_CODE, count / 4, &[m / 4], &[&h_a.gains, v, &codes]);
        let (zh, zw) = tile.hyper();
        let hyper = Size::new(zh, zw);
        let count = hyper.positions() * z;
        let last = commands.take(2 * count)?;
        commands.chain(&h_a.stages, Codes { size, stride: m, buffer: &codes }, &Emit::same(hyper, Some(&last), None))?;
        let symbols = commands.take(2 * count)?;
        commands.elements(&shaders::SCALE_SYMBOL, count / 4, &[z / 4], &[gains, &last, &symbols]);
        Ok(symbols)
    }
}

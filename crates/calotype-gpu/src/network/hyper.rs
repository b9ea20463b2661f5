//! h_s with the scale head, and h_a (docs/MODEL.md sections 5.1, 5.2 and 6), tile by tile.

use calotype_model::{Decoder, Encoder, Hyper, Map, QualityTables, TileSize};
use calotype_shaders as shaders;
use calotype_shaders::place;

use super::{DecoderWeights, EncoderWeights};
use crate::Error;
use crate::commands::Commands;
use crate::gpu::Gpu;
use crate::layers::{Codes, Emit, Field, Size};
use crate::packed::{Next, ends, gains, halves, to_halves};

impl DecoderWeights {
    /// z symbols to h8 and the scale indices.
    pub fn hyper(&self, gpu: &Gpu, decoder: &Decoder, q: &QualityTables, z: &[i16], tile: TileSize) -> Result<Hyper, Error> {
        let mut commands = Commands::new(gpu)?;
        let config = &decoder.config;
        let (zh, zw) = tile.hyper();
        let (size, latents) = (Size::new(zh, zw), Size::new(tile.lh, tile.lw));
        assert_eq!(z.len(), size.positions() * config.z, "z symbols of the tile");
        let z8 = z_codes(&mut commands, decoder, q, z)?;
        let coarse = Field::new(&mut commands, size.times(2), config.p, 1)?;
        let fine = Field::new(&mut commands, size.times(4), config.p, 1)?;
        let input = Codes { size, stride: config.z, buffer: &z8 };
        commands.stream(&self.first, input, &Emit::shuffled(size, Some(&coarse.stream), Some(&coarse.codes)))?;
        coarse.block(&mut commands, &self.block1, &Emit::same(size.times(2), None, Some(&coarse.codes)))?;
        commands.stream(&self.mid, coarse.input(), &Emit::shuffled(size.times(2), Some(&fine.stream), Some(&fine.codes)))?;
        let h8 = commands.take(latents.positions() * config.p)?;
        fine.block(&mut commands, &self.block2, &Emit::same(latents, None, Some(&h8)))?;
        let index = commands.take(latents.positions() * config.m)?;
        let head_ends = commands.upload(&scale_ends(decoder, q))?;
        let h = Codes { size: latents, stride: config.p, buffer: &h8 };
        commands.index(&self.scale_head, h, &self.scale_lut, &head_ends, &index)?;
        commands.download(&h8, latents.positions() * config.p);
        commands.download(&index, latents.positions() * config.m);
        let [h8, scale_index] = commands.run()?.try_into().expect("two downloads");
        let h8 = Map { height: tile.lh, width: tile.lw, channels: config.p, data: h8.into_iter().map(|code| code as i8).collect() };
        Ok(Hyper { h8, scale_index })
    }
}

fn z_codes(commands: &mut Commands<'_>, decoder: &Decoder, q: &QualityTables, z: &[i16]) -> Result<wgpu::Buffer, Error> {
    let gains = commands.upload(&gains(&q.gain_z_dec, &decoder.tables.gain_z_dec.shift))?;
    let symbols = commands.upload(&halves(z))?;
    let z8 = commands.take(z.len())?;
    commands.elements(&shaders::SCALE_CODE, z.len() / 4, &[decoder.config.z / 4], &[&gains, &symbols, &z8]);
    Ok(z8)
}

/// The scale head's ends with the log gains at a quality.
fn scale_ends(decoder: &Decoder, q: &QualityTables) -> Vec<u8> {
    let addend: Vec<i32> = q.log_gain_y.iter().map(|&gain| i32::from(gain) + decoder.config.scale_lut_offset).collect();
    ends(&decoder.scale_head.bias, &decoder.scale_head.shift, Next { read: &[], addend: &addend })
}

impl EncoderWeights {
    /// v of a tile to z symbols.
    pub fn hyper_analyse(&self, gpu: &Gpu, encoder: &Encoder, gain_z: &[i16], v: &Map<i16>) -> Result<Vec<i16>, Error> {
        let mut commands = Commands::new(gpu)?;
        let (m, p, z) = (encoder.config.m, encoder.config.p, encoder.config.z);
        let size = Size::new(v.height, v.width);
        assert!(v.channels == m && v.height.is_multiple_of(4) && v.width.is_multiple_of(4), "v of a padded tile");
        let stream = commands.upload(&halves(&v.data))?;
        let codes = commands.take(v.data.len())?;
        commands.elements(&shaders::SCALE_CODE, v.data.len() / 4, &[m / 4], &[&self.first_gains, &stream, &codes]);
        let fine = Field::new(&mut commands, size, p, 1)?;
        let coarse = Field::new(&mut commands, size.over(2), p, 1)?;
        commands.stream(&self.first, Codes { size, stride: m, buffer: &codes }, &fine.fill())?;
        fine.block(&mut commands, &self.block1, &unshuffled(size, &fine.codes))?;
        let folded = Codes { size: size.over(2), stride: 4 * p, buffer: &fine.codes };
        commands.stream(&self.mid, folded, &coarse.fill())?;
        coarse.block(&mut commands, &self.block2, &unshuffled(size.over(2), &coarse.codes))?;
        let folded = Codes { size: size.over(4), stride: 4 * p, buffer: &coarse.codes };
        let count = size.over(4).positions() * z;
        let last = commands.take(2 * count)?;
        commands.stream(&self.last, folded, &Emit::same(size.over(4), Some(&last), None))?;
        let gains = commands.upload(&gains(gain_z, &encoder.gain_z.shift))?;
        let symbols = commands.take(2 * count)?;
        commands.elements(&shaders::SCALE_SYMBOL, count / 4, &[z / 4], &[&gains, &last, &symbols]);
        commands.download(&symbols, 2 * count);
        let [symbols] = commands.run()?.try_into().expect("one download");
        Ok(to_halves(&symbols, count))
    }
}

/// Codes alone, unshuffled by 2 into the buffer that held them.
fn unshuffled(size: Size, codes: &wgpu::Buffer) -> Emit<'_> {
    Emit { place: place::UNSHUFFLE, ..Emit::same(size.over(2), None, Some(codes)) }
}

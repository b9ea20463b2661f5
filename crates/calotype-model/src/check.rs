//! What engines rely on: element ranges, sound tables, and the proof that no accumulator overflows (docs/MODEL.md section 7).

use std::ops::RangeInclusive;

use crate::{Block, Chain, Decoder, Depthwise, Encoder, Error, GainTable, Layer, Pointwise, Stage, Wide};

const CODE_LIMIT: i64 = 127;
const WIDE_LIMIT: i64 = 32768;
const LARGEST: i64 = i32::MAX as i64;

/// Checks all of a decoder part but its shapes and its id.
pub(crate) fn decoder(decoder: &Decoder) -> Result<(), Error> {
    decoder.chains().try_for_each(chain)?;
    read_shift("h", &decoder.h_read)?;
    read_shift("v_hat", &decoder.v_hat_read)?;
    tables(decoder)
}

/// Checks all of an encoder part but its shapes.
pub(crate) fn encoder(encoder: &Encoder) -> Result<(), Error> {
    encoder.chains().try_for_each(chain)?;
    gain("gain.z", &encoder.gain_z)
}

fn range<T: Copy + Into<i64>>(name: &str, values: &[T], range: RangeInclusive<i64>) -> Result<(), Error> {
    match values.iter().position(|&value| !range.contains(&value.into())) {
        Some(index) => Err(Error::Range { name: name.to_owned(), index, value: values[index].into(), range }),
        None => Ok(()),
    }
}

/// The largest magnitude of an accumulator with its rounding term.
fn bound<W: Copy + Into<i64>>(weights: &[W], limit: i64, bias: i32, shift: u8) -> i64 {
    let weights: i64 = weights.iter().map(|&weight| weight.into().abs()).sum();
    weights * limit + i64::from(bias).abs() + (1 << shift.max(1) >> 1)
}

/// The last steps common to all layers: shifts, and each output's bound, for weights `[N, inputs]`.
fn ends<W: Copy + Into<i64>>(name: &str, weight: &[W], limit: i64, bias: &[i32], shift: &[u8]) -> Result<(), Error> {
    range(&format!("{name}.shift"), shift, 0..=30)?;
    let inputs = weight.len() / bias.len().max(1);
    for (output, (weights, (&bias, &shift))) in weight.chunks(inputs.max(1)).zip(bias.iter().zip(shift)).enumerate() {
        let bound = bound(weights, limit, bias, shift);
        if bound > LARGEST {
            return Err(Error::Overflow { name: name.to_owned(), output, bound });
        }
    }
    Ok(())
}

fn pointwise(layer: &Pointwise) -> Result<(), Error> {
    range(&format!("{}.weight", layer.name), &layer.weight, -127..=127)?;
    ends(&layer.name, &layer.weight, CODE_LIMIT, &layer.bias, &layer.shift)
}

fn depthwise(layer: &Depthwise) -> Result<(), Error> {
    range(&format!("{}.weight", layer.name), &layer.weight, -127..=127)?;
    ends(&layer.name, &layer.weight, CODE_LIMIT, &layer.bias, &layer.shift)
}

fn wide(layer: &Wide) -> Result<(), Error> {
    range(&format!("{}.weight", layer.name), &layer.weight, -2047..=2047)?;
    ends(&layer.name, &layer.weight, WIDE_LIMIT, &layer.bias, &layer.shift)
}

fn read_shift(name: &str, shift: &[u8]) -> Result<(), Error> {
    range(&format!("{name}.read_shift"), shift, 0..=15)
}

fn block(block: &Block) -> Result<(), Error> {
    read_shift(&block.pw1.name, &block.pw1_read)?;
    pointwise(&block.pw1)?;
    depthwise(&block.dw)?;
    pointwise(&block.pw2)?;
    read_shift(&block.ffn1.name, &block.ffn1_read)?;
    pointwise(&block.ffn1)?;
    pointwise(&block.ffn2)
}

fn stage(stage: &Stage) -> Result<(), Error> {
    if let Some(read) = &stage.read {
        read_shift(stage.layer.name(), read)?;
    }
    match &stage.layer {
        Layer::Int8(layer) => pointwise(layer)?,
        Layer::Wide(layer) => wide(layer)?,
    }
    stage.blocks.iter().try_for_each(block)
}

fn chain(chain: &Chain) -> Result<(), Error> {
    chain.stages.iter().try_for_each(stage)
}

fn gain(name: &str, table: &GainTable) -> Result<(), Error> {
    range(name, &table.gain, 0..=i64::from(i16::MAX))?;
    range(&format!("{name}_shift"), &table.shift, 0..=30)
}

fn tables(decoder: &Decoder) -> Result<(), Error> {
    gain("gain.y", &decoder.tables.gain_y)?;
    gain("gain.y_dec", &decoder.tables.gain_y_dec)?;
    gain("gain.z_dec", &decoder.tables.gain_z_dec)?;
    range("width.y", &decoder.widths.y, 0..=i64::from(i16::MAX))?;
    range("width.y_dec", &decoder.widths.y_dec, 0..=i64::from(i16::MAX))?;
    range("scale_lut", &decoder.scale_lut, 0..=decoder.cdf_sizes.len() as i64 - 1)?;
    match decoder.scale_lut.windows(2).position(|pair| pair[0] > pair[1]) {
        Some(before) => Err(Error::Order { name: "scale_lut".to_owned(), index: before + 1 }),
        None => cdfs(&decoder.cdf_sizes, &decoder.cdf),
    }
}

/// Each table starts at 0, strictly ascends and stays below 2^15.
fn cdfs(sizes: &[u16], cdf: &[u16]) -> Result<(), Error> {
    range("cdf", cdf, 0..=(1 << 15) - 1)?;
    let mut start = 0;
    for &size in sizes {
        let slots = 2 * usize::from(size) + 2;
        cdf_table(start, &cdf[start..start + slots])?;
        start += slots;
    }
    Ok(())
}

fn cdf_table(start: usize, table: &[u16]) -> Result<(), Error> {
    if table[0] != 0 {
        return Err(Error::Range { name: "cdf".to_owned(), index: start, value: table[0].into(), range: 0..=0 });
    }
    match table.windows(2).position(|pair| pair[0] >= pair[1]) {
        Some(before) => Err(Error::Order { name: "cdf".to_owned(), index: start + before + 1 }),
        None => Ok(()),
    }
}

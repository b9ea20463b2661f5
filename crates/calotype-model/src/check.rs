//! What engines rely on: element ranges, sound tables, and the proof that no accumulator overflows (docs/MODEL.md section 7).

use crate::{Block, Chain, Decoder, Encoder, Error, Layer, Pointwise, Stage};

const CODE_LIMIT: i64 = 127;
const WIDE_LIMIT: i64 = 32768;
const LARGEST: i64 = i32::MAX as i64;

/// Checks all of a decoder part but its shapes and its id.
pub(crate) fn decoder(decoder: &mut Decoder) -> Result<(), Error> {
    decoder.tensors().iter().try_for_each(|tensor| tensor.check())?;
    decoder.chains().try_for_each(chain)?;
    match decoder.scale_lut.windows(2).position(|pair| pair[0] > pair[1]) {
        Some(before) => Err(Error::Order { name: "scale_lut".to_owned(), index: before + 1 }),
        None => cdfs(&decoder.cdf_sizes, &decoder.cdf),
    }
}

/// Checks all of an encoder part but its shapes.
pub(crate) fn encoder(encoder: &mut Encoder) -> Result<(), Error> {
    encoder.tensors().iter().try_for_each(|tensor| tensor.check())?;
    encoder.chains().try_for_each(chain)
}

fn chain(chain: &Chain) -> Result<(), Error> {
    chain.stages.iter().try_for_each(stage)
}

fn stage(stage: &Stage) -> Result<(), Error> {
    match &stage.layer {
        Layer::Int8(layer) => pointwise(layer, CODE_LIMIT)?,
        Layer::Wide(layer) => pointwise(layer, WIDE_LIMIT)?,
    }
    stage.blocks.iter().try_for_each(block)
}

fn block(block: &Block) -> Result<(), Error> {
    bounds(&block.dw.name, &block.dw.weight, CODE_LIMIT, &block.dw.bias, &block.dw.shift)?;
    [&block.pw1, &block.pw2, &block.ffn1, &block.ffn2].into_iter().try_for_each(|layer| pointwise(layer, CODE_LIMIT))
}

fn pointwise<W: Copy + Into<i64>>(layer: &Pointwise<W>, limit: i64) -> Result<(), Error> {
    bounds(&layer.name, &layer.weight, limit, &layer.bias, &layer.shift)
}

/// Each output's bound, for weights `[N, inputs]`.
fn bounds<W: Copy + Into<i64>>(name: &str, weight: &[W], limit: i64, bias: &[i32], shift: &[u8]) -> Result<(), Error> {
    let inputs = weight.len() / bias.len().max(1);
    for (output, (weights, (&bias, &shift))) in weight.chunks(inputs.max(1)).zip(bias.iter().zip(shift)).enumerate() {
        let bound = bound(weights, limit, bias, shift);
        if bound > LARGEST {
            return Err(Error::Overflow { name: name.to_owned(), output, bound });
        }
    }
    Ok(())
}

/// The largest magnitude of an accumulator with its rounding term.
fn bound<W: Copy + Into<i64>>(weights: &[W], limit: i64, bias: i32, shift: u8) -> i64 {
    let weights: i64 = weights.iter().map(|&weight| weight.into().abs()).sum();
    weights * limit + i64::from(bias).abs() + (1 << shift.max(1) >> 1)
}

/// Each table starts at 0, and strictly ascends.
fn cdfs(sizes: &[u16], cdf: &[u16]) -> Result<(), Error> {
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

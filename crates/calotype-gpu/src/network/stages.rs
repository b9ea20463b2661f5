//! Chains on codes whose maps fit into buffers whole.

use crate::Error;
use crate::commands::Commands;
use crate::layers::{Codes, Emit, Field};
use crate::packed::PackedStage;

impl Commands<'_> {
    /// The stages of a chain on codes, as the first one's layer reads them; the last one writes to `emit`.
    ///
    /// What is unshuffled must have passed through blocks, which write it so.
    pub fn chain(&mut self, stages: &[PackedStage], input: Codes<'_>, emit: &Emit<'_>) -> Result<(), Error> {
        let Some((stage, others)) = stages.split_first() else { return Ok(()) };
        let size = input.size.times(stage.shuffle);
        let Some((last, blocks)) = stage.blocks.split_last() else {
            assert!(others.is_empty(), "{}: a stage without blocks is the last", stage.pointwise.name);
            return self.stream(&stage.pointwise, input, &Emit { shuffle: stage.shuffle, ..*emit });
        };
        let field = Field::new(self, size, stage.channels, stage.expansion())?;
        self.stream(&stage.pointwise, input, &Emit { shuffle: stage.shuffle, ..field.fill() })?;
        blocks.iter().try_for_each(|block| field.block(self, block, &field.fill()))?;
        let Some(next) = others.first() else { return field.block(self, last, emit) };
        let folded = size.over(next.unshuffle);
        field.block(self, last, &Emit { unshuffle: next.unshuffle, ..Emit::same(folded, None, Some(&field.codes)) })?;
        self.chain(others, Codes { size: folded, stride: next.pointwise.inputs, buffer: &field.codes }, emit)
    }
}

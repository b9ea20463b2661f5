//! The means in four steps, and the encoder's choice of symbols (docs/MODEL.md sections 5.3 and 6), tile by tile.

use calotype_model::measure::Phase;
use calotype_shaders as shaders;

use super::{AtQuality, HyperBuffers};
use crate::Error;
use crate::commands::Commands;
use crate::layers::{Codes, Emit, Field, Size};
use crate::pool::Buffer;

/// What the steps of a tile share.
struct Steps<'a> {
    at: &'a AtQuality<'a>,
    hyper: &'a HyperBuffers,
    size: Size,
    v_hat: Buffer,
    mean: Buffer,
    field: Field,
}

impl AtQuality<'_> {
    /// y symbols to v_hat.
    pub fn means(&self, commands: &mut Commands<'_>, hyper: &HyperBuffers, symbols: &Buffer) -> Result<Buffer, Error> {
        let steps = Steps::new(commands, self, hyper)?;
        for step in 0..4 {
            steps.means(commands, step)?;
            let buffers = [&self.latent_tables, &steps.mean, symbols, &steps.v_hat, &hyper.codes];
            commands.elements(&shaders::RECONSTRUCT, steps.count() / 4, &steps.sizes(step), &buffers);
        }
        Ok(steps.v_hat)
    }

    /// v `[lh, lw, M]` to y symbols; `thresholds` by scale index.
    pub fn choose(&self, commands: &mut Commands<'_>, hyper: &HyperBuffers, v: &Buffer, thresholds: &Buffer) -> Result<Buffer, Error> {
        let steps = Steps::new(commands, self, hyper)?;
        let symbols = commands.take(2 * steps.count())?;
        for step in 0..4 {
            steps.means(commands, step)?;
            let buffers = [&self.latent_tables, &steps.mean, v, &hyper.index, thresholds, &symbols, &steps.v_hat, &hyper.codes];
            commands.elements(&shaders::CHOOSE, steps.count() / 4, &steps.sizes(step), &buffers);
        }
        Ok(symbols)
    }
}

impl<'a> Steps<'a> {
    fn new(commands: &mut Commands<'_>, at: &'a AtQuality<'a>, hyper: &'a HyperBuffers) -> Result<Steps<'a>, Error> {
        commands.phase = Phase::Means;
        let config = &at.weights.config;
        let size = Size::new(hyper.size.lh, hyper.size.lw);
        Ok(Steps {
            at,
            hyper,
            size,
            v_hat: commands.zeros(2 * size.positions() * config.m)?,
            mean: commands.take(2 * size.positions() * config.m)?,
            field: Field::new(commands, size, config.p, 1)?,
        })
    }

    fn count(&self) -> usize {
        self.size.positions() * self.at.weights.config.m
    }

    /// The members of `Step` after `groups`.
    fn sizes(&self, step: usize) -> [usize; 6] {
        let config = &self.at.weights.config;
        [self.size.width, config.m, step, (config.p + config.m) / 4, config.p / 4, config.skip_below.into()]
    }

    /// The means of step k for all latents, into `mean`.
    fn means(&self, commands: &mut Commands<'_>, step: usize) -> Result<(), Error> {
        let (weights, config) = (self.at.weights, &self.at.weights.config);
        let input = Codes { size: self.size, stride: config.p + config.m, buffer: &self.hyper.codes };
        let mean = Emit::same(self.size, Some(&self.mean), None);
        let Some(context) = step.checked_sub(1).map(|k| &weights.context[k]) else {
            return commands.stream(&weights.mean_head, input, &mean);
        };
        commands.stream(&context.first, input, &self.field.fill())?;
        self.field.block(commands, &context.block, &Emit::same(self.size, None, Some(&self.field.codes)))?;
        commands.stream(&context.last, self.field.input(), &mean)
    }
}

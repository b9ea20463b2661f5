//! The means step by step, and the encoder's choice of symbols (docs/MODEL.md sections 5.3 and 6), tile by tile.

use calotype_engine::measure::Phase;
use calotype_shaders::{self as shaders, Kernel};

use super::{AtQuality, Cell, HyperBuffers, Step};
use crate::Error;
use crate::commands::Commands;
use crate::layers::{Codes, Emit, Places, Size};
use crate::pool::Buffer;

/// What the steps of a tile share.
struct Steps<'a> {
    at: &'a AtQuality,
    hyper: &'a HyperBuffers,
    size: Size,
    v_hat: Buffer,
}

/// Latents that are set together, and their means.
struct Part<'a> {
    cell: &'a Cell,
    places: Places,
    mean: Buffer,
}

impl AtQuality {
    /// y symbols to v_hat.
    pub(crate) fn means(&self, commands: &mut Commands<'_>, hyper: &HyperBuffers, symbols: &Buffer) -> Result<Buffer, Error> {
        let steps = Steps::new(commands, self, hyper)?;
        steps.run(commands, &shaders::RECONSTRUCT, &[&hyper.index, symbols, &steps.v_hat, &hyper.codes])?;
        Ok(steps.v_hat)
    }

    /// v `[lh, lw, M]` to y symbols; `thresholds` by scale index.
    pub(crate) fn choose(
        &self,
        commands: &mut Commands<'_>,
        hyper: &HyperBuffers,
        v: &Buffer,
        thresholds: &Buffer,
    ) -> Result<Buffer, Error> {
        let steps = Steps::new(commands, self, hyper)?;
        let symbols = commands.take(2 * steps.size.positions() * self.weights.config.m)?;
        steps.run(commands, &shaders::CHOOSE, &[&hyper.index, v, thresholds, &symbols, &steps.v_hat, &hyper.codes])?;
        Ok(symbols)
    }
}

impl Cell {
    /// The groups of four channels that hold its own.
    fn groups4(&self) -> usize {
        self.channels.end.div_ceil(4) - self.channels.start / 4
    }
}

impl<'a> Steps<'a> {
    fn new(commands: &mut Commands<'_>, at: &'a AtQuality, hyper: &'a HyperBuffers) -> Result<Steps<'a>, Error> {
        commands.phase = Phase::Means;
        let size = Size::new(hyper.size.lh, hyper.size.lw);
        Ok(Steps { at, hyper, size, v_hat: commands.zeros(2 * size.positions() * at.weights.config.m)? })
    }

    /// All steps: the means of a step's latents, then `kernel`, which sets them; `buffers` are what it binds behind tables and means.
    fn run(&self, commands: &mut Commands<'_>, kernel: &'static Kernel, buffers: &[&Buffer]) -> Result<(), Error> {
        for step in &self.at.weights.steps {
            let parts = self.parts(commands, step)?;
            for Part { cell, places, mean } in &parts {
                let groups = places.size.positions() * cell.groups4();
                let bound = [&[&self.at.latent_tables, mean], buffers].concat();
                commands.elements(kernel, groups, &self.sizes(cell, *places), &bound);
            }
        }
        Ok(())
    }

    /// The members of the kernels' `Cell` after `groups`.
    fn sizes(&self, cell: &Cell, places: Places) -> [usize; 12] {
        let config = &self.at.weights.config;
        let Places { apart, top, left, size } = places;
        let ([first, end], stride4) = ([cell.channels.start, cell.channels.end], (config.p + config.m) / 4);
        let [offset4, skip_below, latents4] = [config.p / 4, config.skip_below.into(), self.size.positions() * config.m / 4];
        [self.size.width, config.m / 4, first, end, size.width, apart, top, left, stride4, offset4, skip_below, latents4]
    }

    /// A step's latents with their means, at each place of the schedule's pattern by itself.
    fn parts<'s>(&self, commands: &mut Commands<'_>, step: &'s Step) -> Result<Vec<Part<'s>>, Error> {
        let seen = self.seen(commands, step)?;
        let input = Codes { size: self.size, stride: seen.1, buffer: &seen.0 };
        let period = self.at.weights.period;
        let mut parts = Vec::new();
        for (cell, place) in step.cells.iter().flat_map(|cell| (0..period * period).map(move |place| (cell, place))) {
            let places = Places::new(self.size, period, (place / period, place % period));
            if cell.phases >> place & 1 == 1 && places.size.positions() > 0 {
                let bytes = 8 * places.size.positions() * cell.groups4();
                let mean = match &cell.last {
                    Some(last) => commands.take(bytes).and_then(|mean| commands.cell(last, input, places, &mean).map(|()| mean))?,
                    None => commands.zeros(bytes)?,
                };
                parts.push(Part { cell, places, mean });
            }
        }
        Ok(parts)
    }

    /// The codes that a step's last layer reads, with their stride.
    fn seen(&self, commands: &mut Commands<'_>, step: &Step) -> Result<(Buffer, usize), Error> {
        let config = &self.at.weights.config;
        let stride = config.p + config.m;
        let Some(last) = step.stages.last() else { return Ok((self.hyper.codes.clone(), stride)) };
        let seen = commands.take(self.size.positions() * last.channels)?;
        let input = Codes { size: self.size, stride, buffer: &self.hyper.codes };
        commands.chain(&step.stages, input, &Emit::same(self.size, None, Some(&seen)))?;
        Ok((seen, last.channels))
    }
}

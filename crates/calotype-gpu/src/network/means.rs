//! The means in four steps, and the encoder's choice of symbols (docs/MODEL.md sections 5.3 and 6), tile by tile.

use calotype_model::{Decoder, Hyper, Map, QualityTables, Quantiser};
use calotype_shaders as shaders;

use super::DecoderWeights;
use crate::Error;
use crate::commands::Commands;
use crate::gpu::Gpu;
use crate::layers::{Codes, Emit, Field, Size};
use crate::packed::{columns, halves, to_halves, widened, words};

/// What the steps of a tile share.
struct Latents<'a> {
    weights: &'a DecoderWeights,
    decoder: &'a Decoder,
    size: Size,
    /// h, then the codes of v_hat: `[lh, lw, P + M]`.
    codes: wgpu::Buffer,
    v_hat: wgpu::Buffer,
    mean: wgpu::Buffer,
    tables: wgpu::Buffer,
    field: Field,
}

impl DecoderWeights {
    /// y symbols to v_hat.
    pub fn means(&self, gpu: &Gpu, decoder: &Decoder, q: &QualityTables, hyper: &Hyper, symbols: &[i16]) -> Result<Map<i16>, Error> {
        let mut commands = Commands::new(gpu)?;
        let latents = Latents::new(&mut commands, (self, decoder), q, hyper)?;
        assert_eq!(symbols.len(), latents.count(), "y symbols of the tile");
        let symbols = commands.upload(&halves(symbols))?;
        for step in 0..4 {
            latents.step_means(&mut commands, step)?;
            let buffers = [&latents.tables, &latents.mean, &symbols, &latents.v_hat, &latents.codes];
            commands.elements(&shaders::RECONSTRUCT, latents.count() / 4, &latents.sizes(step), &buffers);
        }
        commands.download(&latents.v_hat, 2 * latents.count());
        let [v_hat] = commands.run()?.try_into().expect("one download");
        Ok(latents.map(&v_hat))
    }

    /// v to y symbols, and the v_hat that they decode to.
    pub fn code(
        &self,
        gpu: &Gpu,
        decoder: &Decoder,
        q: &QualityTables,
        (hyper, v, quantiser): (&Hyper, &Map<i16>, &Quantiser),
    ) -> Result<(Vec<i16>, Map<i16>), Error> {
        let mut commands = Commands::new(gpu)?;
        let latents = Latents::new(&mut commands, (self, decoder), q, hyper)?;
        let v = commands.upload(&halves(&v.crop((0, 0), (hyper.h8.height, hyper.h8.width)).data))?;
        let index = commands.upload(&hyper.scale_index)?;
        let thresholds =
            commands.upload(&words(&std::array::from_fn::<_, 256, _>(|index| i32::from(quantiser.threshold_q6(index as u8)))))?;
        let symbols = commands.zeros(2 * latents.count())?;
        for step in 0..4 {
            latents.step_means(&mut commands, step)?;
            let buffers = [&latents.tables, &latents.mean, &v, &index, &thresholds, &symbols, &latents.v_hat, &latents.codes];
            commands.elements(&shaders::CHOOSE, latents.count() / 4, &latents.sizes(step), &buffers);
        }
        commands.download(&symbols, 2 * latents.count());
        commands.download(&latents.v_hat, 2 * latents.count());
        let [symbols, v_hat] = commands.run()?.try_into().expect("two downloads");
        Ok((to_halves(&symbols, latents.count()), latents.map(&v_hat)))
    }
}

impl<'a> Latents<'a> {
    fn new(
        commands: &mut Commands<'_>,
        (weights, decoder): (&'a DecoderWeights, &'a Decoder),
        q: &QualityTables,
        hyper: &Hyper,
    ) -> Result<Latents<'a>, Error> {
        let (m, p) = (decoder.config.m, decoder.config.p);
        let size = Size::new(hyper.h8.height, hyper.h8.width);
        // Codes of v_hat = 0 are 0.
        let mut codes = vec![0; size.positions() * (p + m)];
        for (position, h) in codes.chunks_exact_mut(p + m).zip(hyper.h8.data.chunks_exact(p)) {
            position.iter_mut().zip(h).for_each(|(code, &h)| *code = h as u8);
        }
        Ok(Latents {
            weights,
            decoder,
            size,
            codes: commands.upload(&codes)?,
            v_hat: commands.zeros(2 * size.positions() * m)?,
            mean: commands.take(2 * size.positions() * m)?,
            tables: commands.upload(&latent_tables(decoder, q))?,
            field: Field::new(commands, size, p, 1)?,
        })
    }

    fn count(&self) -> usize {
        self.size.positions() * self.decoder.config.m
    }

    /// The members of `Step` after `groups`.
    fn sizes(&self, step: usize) -> [usize; 6] {
        let config = &self.decoder.config;
        [self.size.width, config.m, step, (config.p + config.m) / 4, config.p / 4, config.skip_below.into()]
    }

    /// The means of step k for all latents, into `mean`.
    fn step_means(&self, commands: &mut Commands<'_>, step: usize) -> Result<(), Error> {
        let config = &self.decoder.config;
        let input = Codes { size: self.size, stride: config.p + config.m, buffer: &self.codes };
        let mean = Emit::same(self.size, Some(&self.mean), None);
        let Some(context) = step.checked_sub(1).map(|k| &self.weights.context[k]) else {
            return commands.stream(&self.weights.mean_head, input, &mean);
        };
        commands.stream(&context.first, input, &self.field.fill())?;
        self.field.block(commands, &context.block, &Emit::same(self.size, None, Some(&self.field.codes)))?;
        commands.stream(&context.last, self.field.input(), &mean)
    }

    fn map(&self, v_hat: &[u8]) -> Map<i16> {
        let (Size { height, width }, channels) = (self.size, self.decoder.config.m);
        Map { height, width, channels, data: to_halves(v_hat, self.count()) }
    }
}

/// `tables [M / 4][5]` of shaders/parts/latents.wgsl as bytes.
fn latent_tables(decoder: &Decoder, q: &QualityTables) -> Vec<u8> {
    let wide = |gain: &[i16]| gain.iter().map(|&gain| i32::from(gain)).collect::<Vec<i32>>();
    columns(&[
        &wide(&q.gain_y),
        &widened(&decoder.tables.gain_y.shift),
        &wide(&q.gain_y_dec),
        &widened(&decoder.tables.gain_y_dec.shift),
        &widened(&decoder.v_hat_read),
    ])
}

//! How fast an adapter is: at most, and on the layers of a model.

use std::time::{Duration, Instant};

use calotype_engine::measure::{Ceilings, LayerKind, LayerSpeed};
use calotype_shaders as shaders;
use calotype_shaders::Kernel;

use crate::Error;
use crate::commands::{Call, Commands};
use crate::gpu::Gpu;
use crate::layers::{Codes, Emit, Size};
use crate::packed::{PackedDepthwise, PackedPointwise};

/// How long one sample shall take.
const SAMPLE: Duration = Duration::from_millis(10);
/// Samples of a measurement, of which the fastest counts: others were disturbed.
const SAMPLES: usize = 3;
/// Bytes of each buffer of the copy.
const COPY_BYTES: usize = 64 << 20;
/// Invocations and rounds of the arithmetic kernels.
const INVOCATIONS: usize = 1 << 16;
const ROUNDS: usize = 64;
/// Chains of an invocation.
const CHAINS: usize = 16;

/// A layer to time.
pub(crate) enum Layer<'a> {
    Int8(&'a PackedPointwise),
    Wide(&'a PackedPointwise),
    Depthwise(&'a PackedDepthwise),
}

impl Layer<'_> {
    /// Its key in the model file.
    fn name(&self) -> &str {
        match self {
            Layer::Int8(layer) | Layer::Wide(layer) => &layer.name,
            Layer::Depthwise(layer) => &layer.name,
        }
    }

    /// What it does, K, N, and the products at a position.
    fn shape(&self) -> (LayerKind, usize, usize, usize) {
        match self {
            Layer::Int8(layer) => (LayerKind::Int8, layer.inputs, layer.outputs, layer.inputs * layer.outputs),
            Layer::Wide(layer) => (LayerKind::Wide, layer.inputs, layer.outputs, layer.inputs * layer.outputs),
            Layer::Depthwise(layer) => (LayerKind::Depthwise, layer.channels, layer.channels, 9 * layer.channels),
        }
    }
}

/// The shortest time of what is recorded, which is repeated to fill samples of some milliseconds.
pub(crate) fn fastest(gpu: &Gpu, record: impl Fn(&mut Commands<'_>) -> Result<(), Error>) -> Result<Duration, Error> {
    let sample = |repeats: u32| {
        let mut commands = Commands::new(gpu)?;
        (0..repeats).try_for_each(|_| record(&mut commands))?;
        // Compiles; only what follows is timed.
        commands.prepare();
        let begin = Instant::now();
        commands.run()?;
        Ok::<Duration, Error>(begin.elapsed())
    };
    let mut repeats = 1;
    while sample(repeats)? < SAMPLE && repeats < 1 << 12 {
        repeats *= 2;
    }
    let samples = (0..SAMPLES).map(|_| sample(repeats)).collect::<Result<Vec<_>, Error>>()?;
    Ok(samples.into_iter().min().unwrap_or_default() / repeats)
}

/// What the device does at most.
pub(crate) fn ceilings(gpu: &Gpu) -> Result<Ceilings, Error> {
    let (input, output) = (gpu.take(COPY_BYTES as u64)?, gpu.take(COPY_BYTES as u64)?);
    let arithmetic = |kernel: &'static Kernel, operations: usize| {
        let time = fastest(gpu, |commands| {
            let workgroups = [(INVOCATIONS / 64) as u32, 1];
            let (sizes, work) = ([INVOCATIONS as u32, ROUNDS as u32], (INVOCATIONS * ROUNDS * CHAINS * operations / 2) as u64);
            commands.dispatch(Call { kernel, tile: 0, overrides: &[], sizes: &sizes, buffers: &[&output], workgroups, work });
            Ok(())
        })?;
        Ok::<f64, Error>(giga_per_second(INVOCATIONS * ROUNDS * CHAINS * operations, time))
    };
    let copy = fastest(gpu, |commands| {
        commands.elements(&shaders::PEAK_COPY, COPY_BYTES / 16, &[], &[&input, &output]);
        Ok(())
    })?;
    Ok(Ceilings {
        int8_gop_per_s: arithmetic(&shaders::PEAK_DOT, 8)?,
        int16_gop_per_s: arithmetic(&shaders::PEAK_MULTIPLY, 2)?,
        copy_gb_per_s: giga_per_second(2 * COPY_BYTES, copy),
    })
}

/// How fast layers of different shapes are, on maps of `side` x `side` positions; the first of each shape.
pub(crate) fn layer_speeds(gpu: &Gpu, layers: &[Layer<'_>], side: usize) -> Result<Vec<LayerSpeed>, Error> {
    let first = |i: &usize| layers[..*i].iter().all(|earlier| earlier.shape() != layers[*i].shape());
    (0..layers.len()).filter(first).map(|i| layer_speed(gpu, &layers[i], side)).collect()
}

fn layer_speed(gpu: &Gpu, layer: &Layer<'_>, side: usize) -> Result<LayerSpeed, Error> {
    let (size, (kind, inputs, outputs, products)) = (Size::new(side, side), layer.shape());
    let element = if kind == LayerKind::Wide { 2 } else { 1 };
    let [input, output] = [inputs, outputs].map(|channels| element * channels * size.positions());
    let (from, to) = (gpu.take(input as u64)?, gpu.take(output as u64)?);
    let time = fastest(gpu, |commands| match layer {
        Layer::Int8(layer) => commands.code(layer, 1, Codes { size, stride: inputs, buffer: &from }, &to),
        Layer::Wide(layer) => commands.wide(layer, size, &from, &Emit::same(size, Some(&to), None)),
        Layer::Depthwise(layer) => {
            commands.depthwise(layer, size, &from, &to);
            Ok(())
        }
    })?;
    Ok(LayerSpeed {
        layer: layer.name().to_owned(),
        kind,
        inputs,
        outputs,
        positions: size.positions(),
        gop_per_s: giga_per_second(2 * products * size.positions(), time),
        gb_per_s: giga_per_second(input + output, time),
    })
}

/// 10^9 of what is counted per second.
fn giga_per_second(count: usize, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64().max(1e-9) / 1e9
}

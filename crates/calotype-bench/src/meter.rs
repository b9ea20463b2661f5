//! What the engine of a codec says of its own speed.

use std::time::Duration;

use calotype::cpu::{Ceilings, LayerKind, LayerSpeed, Phase, PhaseTimes};
use calotype::{Codec, cpu, gpu};
use serde::{Deserialize, Serialize};

use crate::error::Error;

/// Time of a part of the work.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PhaseTime {
    /// As docs/MODEL.md names it.
    pub phase: String,
    /// Milliseconds: of all threads together on the CPU, of the device on a GPU, of the host for transfers.
    pub ms: f64,
}

/// What a device does at most.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Ceiling {
    /// Of what.
    pub name: String,
    /// How much.
    pub value: f64,
    /// `GOP/s` or `GB/s`.
    pub unit: String,
}

/// What a kernel does at one of the network's shapes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct KernelSpeed {
    /// A layer of this shape.
    pub layer: String,
    /// What it does.
    pub kind: String,
    /// Channels.
    pub inputs: usize,
    /// Channels.
    pub outputs: usize,
    /// 10^9 operations per second; a multiplication with its addition counts as two.
    pub gop_per_s: f64,
    /// 10^9 bytes of maps per second.
    pub gb_per_s: f64,
    /// Share of the ceiling of its arithmetic: 1 is all.
    pub of_gop_ceiling: f64,
    /// Share of what a copy in main memory moves; maps in a cache can be faster.
    pub of_gb_ceiling: f64,
}

/// The engine that runs a codec's network.
#[derive(Clone, Copy)]
pub(crate) enum Meter<'a> {
    /// Its times are those of all cores together, its speeds those of one.
    Cpu(&'a cpu::Engine),
    /// Its times are the device's, its speeds those of the whole device.
    Gpu(&'a gpu::Engine),
}

impl<'a> Meter<'a> {
    pub fn of(codec: &'a Codec) -> Meter<'a> {
        codec.gpu().map_or(Meter::Cpu(codec.cpu()), Meter::Gpu)
    }

    /// What it counted since the last call; a GPU counts from the first call on.
    pub fn take_times(self) -> PhaseTimes {
        match self {
            Meter::Cpu(engine) => engine.graph().take_times(),
            Meter::Gpu(engine) => engine.take_times(),
        }
    }

    /// Means over runs that took `times`, and the rest of the time that there was: all threads' on the CPU, the wall clock's on a GPU.
    pub fn phases(self, times: &[Duration]) -> Vec<PhaseTime> {
        let (counted, wall) = (self.take_times(), times.iter().sum::<Duration>());
        let (had, rest) = match self {
            Meter::Cpu(_) => (wall * rayon::current_num_threads() as u32, "rANS, file, waiting"),
            Meter::Gpu(_) => (wall, "rANS, file, gaps"),
        };
        let one = |phase: &str, total: Duration| PhaseTime {
            phase: phase.to_string(),
            ms: total.as_secs_f64() * 1e3 / times.len().max(1) as f64,
        };
        let known = Phase::ALL.iter().map(|phase| one(phase.name(), counted[*phase])).filter(|phase| phase.ms > 0.0);
        // Without any phase (scalar kernels, a device without timestamps) the rest says nothing.
        let rest = (!counted.total().is_zero()).then(|| one(rest, had.saturating_sub(counted.total())));
        known.chain(rest).collect()
    }

    /// What the device can do at most, and what the network's layers do of it; nothing where the engine has no kernels of its own.
    ///
    /// # Errors
    /// [`Error::Engine`] if a GPU fails.
    pub fn kernels(self) -> Result<(Vec<Ceiling>, Vec<KernelSpeed>), Error> {
        let failed = |error: gpu::Error| Error::Engine(error.into());
        let (ceilings, layers, of) = match self {
            Meter::Cpu(engine) => (engine.graph().ceilings(), engine.graph().layer_speeds(), ", one core"),
            Meter::Gpu(engine) => (Some(engine.ceilings().map_err(failed)?), engine.layer_speeds().map_err(failed)?, ""),
        };
        let Some(ceilings) = ceilings else { return Ok((Vec::new(), Vec::new())) };
        Ok((named(&ceilings, of), layers.iter().map(|layer| kernel(layer, &ceilings)).collect()))
    }
}

fn named(ceilings: &Ceilings, of: &str) -> Vec<Ceiling> {
    let one = |name: &str, value, unit: &str| Ceiling { name: format!("{name}{of}"), value, unit: unit.to_string() };
    vec![
        one("int8", ceilings.int8_gop_per_s, "GOP/s"),
        one("int16", ceilings.int16_gop_per_s, "GOP/s"),
        one("copy", ceilings.copy_gb_per_s, "GB/s"),
    ]
}

fn kernel(layer: &LayerSpeed, ceilings: &Ceilings) -> KernelSpeed {
    let most = if layer.kind == LayerKind::Wide { ceilings.int16_gop_per_s } else { ceilings.int8_gop_per_s };
    KernelSpeed {
        layer: layer.layer.clone(),
        kind: layer.kind.name().to_string(),
        inputs: layer.inputs,
        outputs: layer.outputs,
        gop_per_s: layer.gop_per_s,
        gb_per_s: layer.gb_per_s,
        of_gop_ceiling: layer.gop_per_s / most,
        of_gb_ceiling: layer.gb_per_s / ceilings.copy_gb_per_s,
    }
}

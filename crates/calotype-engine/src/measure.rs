//! What benchmarks want to know of any engine: the parts of its time, its layers, the ceilings of its machine.

use std::ops::Index;
use std::time::Duration;

/// A part of the network (docs/MODEL.md sections 5 and 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Phase {
    /// Bytes to the device: time of the host. None on a CPU.
    Upload,
    /// g_a: pixels to v.
    Analysis,
    /// h_a: v to z symbols.
    HyperAnalysis,
    /// h_s: z symbols to h.
    HyperSynthesis,
    /// The heads: h to width and scale indices.
    Scales,
    /// The mean head and the context steps: y symbols to v_hat, or v to y symbols.
    Means,
    /// g_s: v_hat to pixels.
    Synthesis,
    /// Bytes back from the device: time of the host. None on a CPU.
    Readback,
}

impl Phase {
    /// All of them, in the order of encoding, then decoding.
    pub const ALL: [Phase; 8] = [
        Phase::Upload,
        Phase::Analysis,
        Phase::HyperAnalysis,
        Phase::HyperSynthesis,
        Phase::Scales,
        Phase::Means,
        Phase::Synthesis,
        Phase::Readback,
    ];

    /// Its name in tables: `upload`, `g_a`, `h_a`, `h_s`, `scales`, `means`, `g_s`, `readback`.
    pub fn name(self) -> &'static str {
        match self {
            Phase::Upload => "upload",
            Phase::Analysis => "g_a",
            Phase::HyperAnalysis => "h_a",
            Phase::HyperSynthesis => "h_s",
            Phase::Scales => "scales",
            Phase::Means => "means",
            Phase::Synthesis => "g_s",
            Phase::Readback => "readback",
        }
    }
}

/// Time by phase, of an engine's cores or of its device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PhaseTimes([Duration; Phase::ALL.len()]);

impl PhaseTimes {
    /// Times in the order of [`Phase::ALL`].
    pub fn new(times: [Duration; Phase::ALL.len()]) -> PhaseTimes {
        PhaseTimes(times)
    }

    /// Counts time for a phase.
    pub fn add(&mut self, phase: Phase, time: Duration) {
        self.0[phase as usize] += time;
    }

    /// The sum over all phases.
    pub fn total(&self) -> Duration {
        self.0.iter().sum()
    }
}

impl Index<Phase> for PhaseTimes {
    type Output = Duration;

    fn index(&self, phase: Phase) -> &Duration {
        &self.0[phase as usize]
    }
}

/// What one core does at most on an instruction set, or a GPU in all; a multiplication with its addition counts as two operations.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ceilings {
    /// 10^9 operations per second of int8 layers, on registers alone.
    pub int8_gop_per_s: f64,
    /// 10^9 operations per second of wide layers (i16), on registers alone.
    pub int16_gop_per_s: f64,
    /// 10^9 bytes per second that a copy between arrays far larger than the caches moves, reads and writes both counted.
    pub copy_gb_per_s: f64,
}

/// What a layer does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LayerKind {
    /// Pointwise on codes.
    Int8,
    /// Pointwise on a stream.
    Wide,
    /// 3x3 by channel.
    Depthwise,
}

impl LayerKind {
    /// Its name in tables.
    pub fn name(self) -> &'static str {
        match self {
            LayerKind::Int8 => "int8",
            LayerKind::Wide => "wide",
            LayerKind::Depthwise => "depthwise",
        }
    }
}

/// How fast one core or a GPU runs a layer of the network, on as many positions as it works on at a time.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerSpeed {
    /// The first layer of this shape in the model, e.g. `g_s.blocks.0.ffn1`.
    pub layer: String,
    /// What it does.
    pub kind: LayerKind,
    /// K.
    pub inputs: usize,
    /// N.
    pub outputs: usize,
    /// Positions in a run.
    pub positions: usize,
    /// 10^9 operations per second.
    pub gop_per_s: f64,
    /// 10^9 bytes of maps per second, input and output.
    pub gb_per_s: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phases_are_numbered_as_listed() {
        assert!(Phase::ALL.iter().enumerate().all(|(i, &phase)| phase as usize == i));
    }
}

//! What a benchmark wants to know of an engine: where its time goes, and how close its kernels come to what the machine can do.

use std::ops::Index;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// A part of the network (docs/MODEL.md sections 5 and 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Phase {
    /// g_a: pixels to v.
    Analysis,
    /// h_a: v to z symbols.
    HyperAnalysis,
    /// h_s: z symbols to h.
    HyperSynthesis,
    /// The scale head: h to scale indices.
    Scales,
    /// The mean head and the context steps: y symbols to v_hat, or v to y symbols.
    Means,
    /// g_s: v_hat to pixels.
    Synthesis,
}

impl Phase {
    /// All of them, in the order of encoding, then decoding.
    pub const ALL: [Phase; 6] =
        [Phase::Analysis, Phase::HyperAnalysis, Phase::HyperSynthesis, Phase::Scales, Phase::Means, Phase::Synthesis];

    /// Its name in tables: `g_a`, `h_a`, `h_s`, `scales`, `means`, `g_s`.
    pub fn name(self) -> &'static str {
        match self {
            Phase::Analysis => "g_a",
            Phase::HyperAnalysis => "h_a",
            Phase::HyperSynthesis => "h_s",
            Phase::Scales => "scales",
            Phase::Means => "means",
            Phase::Synthesis => "g_s",
        }
    }
}

/// Core time by phase: seconds of work, summed over threads. Waiting is not in it, so divided by the threads and by the wall clock it says how busy they were.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PhaseTimes([Duration; Phase::ALL.len()]);

impl PhaseTimes {
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

/// Core time that is still counted, in nanoseconds.
#[derive(Default)]
pub(crate) struct Clock([AtomicU64; Phase::ALL.len()]);

impl Clock {
    /// Runs a task that waits for nothing, and counts its time.
    #[inline(always)]
    pub fn time<R>(&self, phase: Phase, task: impl FnOnce() -> R) -> R {
        let begin = Instant::now();
        let result = task();
        self.0[phase as usize].fetch_add(begin.elapsed().as_nanos() as u64, Ordering::Relaxed);
        result
    }

    /// What was counted since the last call.
    pub fn take(&self) -> PhaseTimes {
        PhaseTimes(self.0.each_ref().map(|nanoseconds| Duration::from_nanos(nanoseconds.swap(0, Ordering::Relaxed))))
    }
}

/// What one core of this machine does at most on an instruction set; a multiplication with its addition counts as two operations.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
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

/// How fast one core runs a layer of the network, with rows of the length that it works on at a time.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
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

/// Bytes of each array of the copy.
const COPY_BYTES: usize = 64 << 20;
/// How long one sample shall take.
const SAMPLE: Duration = Duration::from_millis(2);
/// Samples of a measurement, of which the fastest counts: others were disturbed.
const SAMPLES: usize = 7;

/// The shortest time of one run of `task`, which is repeated to fill samples of some milliseconds.
pub(crate) fn fastest(mut task: impl FnMut()) -> Duration {
    let mut repeats = 1u32;
    let mut sample = |repeats: u32| {
        let begin = Instant::now();
        (0..repeats).for_each(|_| task());
        begin.elapsed()
    };
    while sample(repeats) < SAMPLE && repeats < 1 << 20 {
        repeats *= 2;
    }
    (0..SAMPLES).map(|_| sample(repeats)).min().unwrap_or_default() / repeats
}

/// See [`Ceilings::copy_gb_per_s`].
pub(crate) fn copy_gb_per_s() -> f64 {
    let source = vec![1u8; COPY_BYTES];
    let mut target = vec![0u8; COPY_BYTES];
    let time = fastest(|| target.copy_from_slice(std::hint::black_box(&source)));
    std::hint::black_box(&target);
    giga_per_second(2 * COPY_BYTES as u64, time)
}

/// 10^9 of what is counted per second.
pub(crate) fn giga_per_second(count: u64, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64().max(1e-9) / 1e9
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_counts_for_its_phase_and_starts_anew() {
        let clock = Clock::default();
        clock.time(Phase::Means, || std::thread::sleep(Duration::from_millis(2)));
        clock.time(Phase::Means, || std::thread::sleep(Duration::from_millis(2)));
        let times = clock.take();
        assert!(times[Phase::Means] >= Duration::from_millis(4));
        assert_eq!(times.total(), times[Phase::Means], "no other phase has any");
        assert_eq!(clock.take(), PhaseTimes::default());
    }

    #[test]
    fn phases_are_numbered_as_listed() {
        assert!(Phase::ALL.iter().enumerate().all(|(i, &phase)| phase as usize == i));
    }
}

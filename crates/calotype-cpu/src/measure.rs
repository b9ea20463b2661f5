//! What a benchmark wants to know of an engine: where its time goes, and how close its kernels come to what the machine can do.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

pub use calotype_engine::measure::{Ceilings, LayerKind, LayerSpeed, Phase, PhaseTimes};

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

    /// What was counted since the last call: seconds of work, summed over threads. Waiting is not in it, so divided by the threads and by the
    /// wall clock it says how busy they were.
    pub fn take(&self) -> PhaseTimes {
        PhaseTimes::new(self.0.each_ref().map(|nanoseconds| Duration::from_nanos(nanoseconds.swap(0, Ordering::Relaxed))))
    }
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
}

//! Working memory of a job, and how rows become jobs.

use std::sync::{Mutex, MutexGuard, PoisonError};

use rayon::prelude::*;

use super::packed::Factors;
use crate::kernels::Kernels;
use crate::measure::{Clock, Phase};

/// Positions that a job aims for: its codes stay in the second-level cache, and weights are read from there often enough.
pub(super) const JOB_POSITIONS: usize = 192;

/// Maps of a few rows. They keep their memory, not their contents.
pub(super) struct Scratch<K: Kernels> {
    pub narrow: Vec<K::Code>,
    pub hidden: Vec<K::Code>,
    pub seen: Vec<K::Code>,
    pub stream: Vec<i16>,
    pub folded: Vec<i16>,
    pub gathered: Vec<i16>,
    pub q6: Vec<i32>,
    pub factors: Vec<Factors>,
    pub pixels: Vec<u8>,
}

impl<K: Kernels> Scratch<K> {
    fn new() -> Scratch<K> {
        let [stream, folded, gathered] = std::array::from_fn(|_| Vec::new());
        let [narrow, hidden, seen] = std::array::from_fn(|_| Vec::new());
        Scratch { narrow, hidden, seen, stream, folded, gathered, q6: Vec::new(), factors: Vec::new(), pixels: Vec::new() }
    }
}

/// Scratches not in use, and how long jobs had them.
pub(super) struct Scratches<K: Kernels> {
    idle: Mutex<Vec<Scratch<K>>>,
    pub clock: Clock,
}

impl<K: Kernels> Scratches<K> {
    pub fn new() -> Scratches<K> {
        Scratches { idle: Mutex::new(Vec::new()), clock: Clock::default() }
    }

    /// Runs the jobs of a phase in parallel, each with a scratch of its own.
    pub fn run<J: Send>(&self, phase: Phase, jobs: Vec<J>, task: impl Fn(&mut Scratch<K>, J) + Sync) {
        jobs.into_par_iter().for_each(|job| {
            let mut scratch = self.take();
            self.clock.time(phase, || task(&mut scratch, job));
            lock(&self.idle).push(scratch);
        });
    }

    fn take(&self) -> Scratch<K> {
        lock(&self.idle).pop().unwrap_or_else(Scratch::new)
    }
}

/// A lock that outlives a panic elsewhere: what it guards is only memory.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Rows in a job, of `rows` rows with `width` positions.
pub(super) fn job_rows(rows: usize, width: usize) -> usize {
    let balanced = rows.div_ceil(4 * rayon::current_num_threads());
    JOB_POSITIONS.div_ceil(width).min(balanced).max(1)
}

/// The first `length` elements of a vector that grows as needed.
pub(super) fn room<T: Copy + Default>(memory: &mut Vec<T>, length: usize) -> &mut [T] {
    if memory.len() < length {
        memory.resize(length, T::default());
    }
    &mut memory[..length]
}

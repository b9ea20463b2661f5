//! What has happened on the engines of a codec.

use std::sync::{Mutex, MutexGuard};

/// What has happened on the engines of a codec.
#[derive(Default)]
pub(crate) struct Log(Mutex<Entries>);

#[derive(Default)]
pub(crate) struct Entries {
    pub ran_on_gpu: bool,
    pub warnings: Vec<String>,
}

impl Log {
    #[cfg(feature = "gpu")]
    pub fn warn(&self, error: String) {
        self.entries().warnings.push(format!("{error}; the CPU goes on, with the same result"));
    }

    pub fn ran_on_gpu(&self, gpu: bool) {
        self.entries().ran_on_gpu = gpu;
    }

    pub fn entries(&self) -> MutexGuard<'_, Entries> {
        lock(&self.0)
    }
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

//! A codec with its threads, which do not outlive a fork.

use std::mem;
use std::process;
use std::sync::{Arc, Mutex, PoisonError};

use calotype::{Codec, EngineChoice};
use pyo3::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::errors::{exception, raised};

/// What `Codec(...)` asked for.
#[derive(Clone)]
pub struct Wanted {
    pub engine: EngineChoice,
    /// None: one for each core.
    pub threads: Option<usize>,
}

/// A codec of one process.
pub struct Loaded {
    process: u32,
    pub codec: Codec,
    pub pool: ThreadPool,
}

/// A codec that is loaded anew in a forked process: threads and a GPU's driver stay behind in the parent.
///
/// The lock is held only with the interpreter's lock, so that no other thread can hold it while the process forks.
pub struct Reloading {
    wanted: Wanted,
    loaded: Mutex<Arc<Loaded>>,
}

impl Reloading {
    pub fn new(py: Python<'_>, wanted: Wanted) -> PyResult<Reloading> {
        let loaded = Mutex::new(load(py, &wanted)?);
        Ok(Reloading { wanted, loaded })
    }

    /// The codec of this process.
    pub fn get(&self, py: Python<'_>) -> PyResult<Arc<Loaded>> {
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        if loaded.process != process::id() {
            let fresh = load(py, &after_fork(py, &self.wanted)?)?;
            // Ending threads that are not there would wait for ever.
            mem::forget(mem::replace(&mut *loaded, fresh));
        }
        Ok(loaded.clone())
    }
}

impl Drop for Reloading {
    fn drop(&mut self) {
        let loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        if loaded.process != process::id() {
            mem::forget(loaded.clone());
        }
    }
}

fn load(py: Python<'_>, wanted: &Wanted) -> PyResult<Arc<Loaded>> {
    let pool = ThreadPoolBuilder::new().num_threads(wanted.threads.unwrap_or(0)).build();
    let pool = pool.map_err(|error| raised(py, "EngineError", error.to_string()))?;
    // Not on the threads that all codecs share, which a forked process has not.
    let codec = pool.install(|| Codec::new(wanted.engine.clone())).map_err(|error| exception(py, &error))?;
    Ok(Arc::new(Loaded { process: process::id(), codec, pool }))
}

/// A driver is not made to be used in a copy of its process.
fn after_fork(py: Python<'_>, wanted: &Wanted) -> PyResult<Wanted> {
    let engine = match &wanted.engine {
        EngineChoice::Auto => EngineChoice::Cpu(None),
        EngineChoice::Cpu(isa) => EngineChoice::Cpu(*isa),
        _ => {
            let advice = "a GPU cannot be used in a forked process: start workers with the method spawn, or take the engine cpu or auto";
            return Err(raised(py, "EngineError", advice.into()));
        }
    };
    Ok(Wanted { engine, threads: wanted.threads })
}

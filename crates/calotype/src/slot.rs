//! The GPU of a codec: opened while its first picture is read, used until it fails.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread::JoinHandle;

use calotype_gpu::{Adapter, AdapterFacts, Choice, Engine, Error, Options};
use calotype_model::Model;

use crate::choice::{EngineChoice, GpuFacts};
use crate::log::{Log, lock};

/// The folder that remembers what has been measured of this machine's GPUs.
pub(crate) static CACHE: OnceLock<PathBuf> = OnceLock::new();

/// A GPU, which may fail.
pub(crate) struct Gpu {
    pub engine: Engine,
    failed: AtomicBool,
}

/// The place of a codec's GPU.
pub(crate) struct Slot {
    /// `None` if there is none.
    gpu: OnceLock<Option<Gpu>>,
    /// A GPU that is being opened while its first picture is read.
    opening: Mutex<Option<JoinHandle<Result<Gpu, Error>>>>,
}

impl EngineChoice {
    /// The GPU that this choice takes; `None` for the CPU, and where there is none.
    pub fn adapter(&self) -> Option<AdapterFacts> {
        let choice = match self {
            EngineChoice::Auto if calotype_gpu::any_device() => Choice::Auto,
            EngineChoice::Gpu(name) => named(name.as_deref()),
            EngineChoice::Shared(adapter) => return Some(adapter.facts().clone()),
            EngineChoice::Auto | EngineChoice::Cpu(_) => return None,
        };
        calotype_gpu::choose(&calotype_gpu::adapters(), &choice).ok().map(|adapter| adapter.facts().clone())
    }
}

/// What there is to know about all GPUs.
pub(crate) fn gpus() -> Vec<GpuFacts> {
    let adapters = calotype_gpu::adapters();
    let auto = calotype_gpu::choose(&adapters, &Choice::Auto).ok().map(|adapter| adapter.facts().clone());
    let facts = |adapter: &Adapter| {
        let facts = adapter.facts();
        GpuFacts {
            name: facts.name.clone(),
            backend: facts.backend.clone(),
            driver: facts.driver.clone(),
            kind: facts.kind,
            lacks: facts.lacks,
            auto: auto.as_ref() == Some(facts),
        }
    };
    adapters.iter().map(facts).collect()
}

impl Gpu {
    fn open(model: &Arc<Model>, adapter: &Adapter) -> Result<Gpu, Error> {
        let options = Options { cache: CACHE.get().cloned(), ..Default::default() };
        Ok(Gpu { engine: Engine::with_options(Arc::clone(model), adapter, &options)?, failed: AtomicBool::new(false) })
    }

    /// Counts a failure; whether it is to be told.
    pub fn fails(&self) -> bool {
        self.engine.is_usable() || !self.failed.swap(true, Ordering::Relaxed)
    }
}

impl Slot {
    pub fn new(model: &Arc<Model>, choice: &EngineChoice) -> Result<Slot, Error> {
        let none = *choice == EngineChoice::Auto && !calotype_gpu::any_device();
        Slot::among(model, choice, if none { Vec::new } else { calotype_gpu::adapters })
    }

    /// As [`Slot::new`], among the adapters that `adapters` finds.
    pub fn among(model: &Arc<Model>, choice: &EngineChoice, adapters: fn() -> Vec<Adapter>) -> Result<Slot, Error> {
        let ready = match choice {
            EngineChoice::Auto => {
                let model = Arc::clone(model);
                // A machine that has no thread to give has no GPU either: the CPU works on the thread that there is.
                let opening = std::thread::Builder::new().spawn(move || open(&model, None, adapters)).ok();
                return Ok(Slot { gpu: OnceLock::new(), opening: Mutex::new(opening) });
            }
            EngineChoice::Gpu(name) => Some(open(model, name.as_deref(), adapters)?),
            EngineChoice::Cpu(_) => None,
            EngineChoice::Shared(adapter) => Some(Gpu::open(model, adapter)?),
        };
        Ok(Slot { gpu: OnceLock::from(ready), opening: Mutex::default() })
    }

    /// The GPU, if there is one and it has not failed.
    pub fn working(&self, log: &Log) -> Option<&Gpu> {
        let gpu = self.gpu.get_or_init(|| self.wait(log)).as_ref();
        gpu.filter(|gpu| !gpu.failed.load(Ordering::Relaxed))
    }

    /// The GPU, if it is open.
    pub fn opened(&self) -> Option<&Gpu> {
        self.gpu.get()?.as_ref()
    }

    /// No GPU is no fault here; one that cannot be opened is worth a warning.
    fn wait(&self, log: &Log) -> Option<Gpu> {
        let opening = lock(&self.opening).take()?;
        match opening.join() {
            Ok(Ok(gpu)) => return Some(gpu),
            Ok(Err(error)) if error.is_absence() => {}
            Ok(Err(error)) => log.warn(error.to_string()),
            Err(_) => log.warn("the GPU's driver panicked".to_owned()),
        }
        None
    }
}

/// A driver that is still at work when the program ends may crash it.
impl Drop for Slot {
    fn drop(&mut self) {
        lock(&self.opening).take().map(JoinHandle::join);
    }
}

fn open(model: &Arc<Model>, name: Option<&str>, adapters: fn() -> Vec<Adapter>) -> Result<Gpu, Error> {
    Gpu::open(model, calotype_gpu::choose(&adapters(), &named(name))?)
}

fn named(name: Option<&str>) -> Choice {
    name.map_or(Choice::Auto, |name| Choice::Named(name.to_owned()))
}

//! Which engine runs the network, and what happens when a GPU fails: the CPU goes on, with the same bits.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};

#[cfg(feature = "gpu")]
use calotype_gpu as gpu;

use calotype_cpu::Isa;
use calotype_model::{Hyper, Map, Model, QualityTables, Quantiser, TileSize};

use crate::error::Error;
#[cfg(not(feature = "gpu"))]
use crate::no_gpu as gpu;

/// From how many pixels [`EngineChoice::Auto`] opens a GPU: opening takes longer than the CPU needs for smaller pictures.
pub const AUTO_GPU_PIXELS: u64 = 4 << 20;

/// Which engine to use. All give the same bytes and pixels.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum EngineChoice {
    /// A real GPU if there is one and the picture has [`AUTO_GPU_PIXELS`], else the CPU.
    #[default]
    Auto,
    /// The CPU, with these instructions or the fastest of this machine.
    Cpu(Option<Isa>),
    /// The adapter of this name or number, or the best real GPU.
    Gpu(Option<String>),
}

/// An engine at work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EngineFacts {
    /// `cpu` or `gpu`.
    pub engine: &'static str,
    /// The instruction set or the adapter's name.
    pub adapter: String,
}

/// A GPU of this machine, or a software implementation of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GpuFacts {
    /// Its name.
    pub name: String,
    /// The interface, e.g. `vulkan`.
    pub backend: String,
    /// The driver with its version.
    pub driver: String,
    /// Discrete, integrated, virtual or software.
    pub kind: String,
    /// The first of WebGPU's default limits that it lacks; `None` if it can be used.
    pub lacks: Option<&'static str>,
    /// Whether [`EngineChoice::Auto`] takes it.
    pub auto: bool,
}

/// All GPUs, in the order of their numbers; none in builds without the feature `gpu`.
pub fn gpus() -> Vec<GpuFacts> {
    let adapters = gpu::adapters();
    let auto = gpu::choose(&adapters, &gpu::Choice::Auto).ok().map(|adapter| adapter.facts().clone());
    let facts = |adapter: &gpu::Adapter| {
        let facts = adapter.facts();
        GpuFacts {
            name: facts.name.clone(),
            backend: facts.backend.clone(),
            driver: facts.driver.clone(),
            kind: facts.kind.to_string(),
            lacks: facts.lacks,
            auto: auto.as_ref() == Some(facts),
        }
    };
    adapters.iter().map(facts).collect()
}

impl From<Option<Isa>> for EngineChoice {
    /// `None` is [`EngineChoice::Auto`].
    fn from(isa: Option<Isa>) -> EngineChoice {
        isa.map_or(EngineChoice::Auto, |isa| EngineChoice::Cpu(Some(isa)))
    }
}

/// A GPU, which may fail.
struct Gpu {
    engine: gpu::Engine,
    failed: AtomicBool,
}

/// The engines of a codec.
pub(crate) struct Engines {
    model: Arc<Model>,
    choice: EngineChoice,
    cpu: calotype_cpu::Engine,
    /// Opened at the first picture that wants it; `None` if there is none.
    gpu: OnceLock<Option<Gpu>>,
    log: Mutex<Log>,
}

#[derive(Default)]
struct Log {
    ran_on_gpu: bool,
    warnings: Vec<String>,
}

/// The engine for one picture: the CPU, or a GPU until it fails.
#[derive(Clone, Copy)]
pub(crate) struct Running<'a> {
    engines: &'a Engines,
    gpu: Option<&'a Gpu>,
}

impl Engines {
    pub fn new(model: Arc<Model>, choice: EngineChoice) -> Result<Engines, Error> {
        let isa = if let EngineChoice::Cpu(Some(isa)) = choice { isa } else { Isa::detect() };
        let cpu = calotype_cpu::Engine::new(Arc::clone(&model), isa)?;
        let gpu = match &choice {
            EngineChoice::Auto => OnceLock::new(),
            EngineChoice::Cpu(_) => OnceLock::from(None),
            EngineChoice::Gpu(name) => OnceLock::from(Some(open(&model, name.as_deref())?)),
        };
        Ok(Engines { model, choice, cpu, gpu, log: Mutex::default() })
    }

    pub fn isa(&self) -> Isa {
        self.cpu.isa()
    }

    /// The engine for a picture of `pixels`.
    pub fn for_picture(&self, pixels: u64) -> Running<'_> {
        let wanted = self.choice != EngineChoice::Auto || pixels >= AUTO_GPU_PIXELS;
        let gpu = if wanted { self.gpu.get_or_init(|| self.open_best()).as_ref() } else { None };
        let gpu = gpu.filter(|gpu| !gpu.failed.load(Ordering::Relaxed));
        self.log().ran_on_gpu = gpu.is_some();
        Running { engines: self, gpu }
    }

    /// No GPU is no fault here; one that cannot be opened is worth a warning.
    #[cfg_attr(not(feature = "gpu"), allow(unreachable_patterns))]
    fn open_best(&self) -> Option<Gpu> {
        match open(&self.model, None) {
            Ok(gpu) => Some(gpu),
            Err(gpu::Error::NoAdapter) => None,
            Err(error) => {
                self.warn(error.to_string());
                None
            }
        }
    }

    /// What ran the last picture; the CPU before the first.
    pub fn facts(&self) -> EngineFacts {
        match self.gpu.get() {
            Some(Some(gpu)) if self.log().ran_on_gpu => EngineFacts { engine: "gpu", adapter: gpu.engine.adapter().name.clone() },
            _ => EngineFacts { engine: "cpu", adapter: self.isa().to_string() },
        }
    }

    /// What went wrong since the last call.
    pub fn take_warnings(&self) -> Vec<String> {
        std::mem::take(&mut self.log().warnings)
    }

    /// For tests: the GPU's device is lost.
    pub fn lose_gpu(&self) {
        if let Some(Some(gpu)) = self.gpu.get() {
            gpu.engine.lose_device();
        }
    }

    fn warn(&self, error: String) {
        self.log().warnings.push(format!("{error}; the CPU goes on, with the same result"));
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

fn open(model: &Arc<Model>, name: Option<&str>) -> Result<Gpu, gpu::Error> {
    let choice = name.map_or(gpu::Choice::Auto, |name| gpu::Choice::Named(name.to_owned()));
    let adapters = gpu::adapters();
    let engine = gpu::Engine::new(Arc::clone(model), gpu::choose(&adapters, &choice)?)?;
    Ok(Gpu { engine, failed: AtomicBool::new(false) })
}

/// The stages of `calotype_cpu::Engine`, shapes and results alike.
impl Running<'_> {
    fn run<T>(self, on_gpu: impl Fn(&gpu::Engine) -> Result<T, gpu::Error>, on_cpu: impl Fn(&calotype_cpu::Engine) -> T) -> T {
        let gpu = self.gpu.filter(|gpu| !gpu.failed.load(Ordering::Relaxed));
        match gpu.map(|gpu| (gpu, on_gpu(&gpu.engine))) {
            None => on_cpu(&self.engines.cpu),
            Some((_, Ok(result))) => result,
            Some((gpu, Err(error))) => {
                self.fall_back(gpu, &error);
                on_cpu(&self.engines.cpu)
            }
        }
    }

    /// One warning for a GPU, whatever the number of tiles that it fails on.
    fn fall_back(self, gpu: &Gpu, error: &gpu::Error) {
        if !gpu.failed.swap(true, Ordering::Relaxed) {
            self.engines.warn(format!("{}: {error}", gpu.engine.adapter().name));
        }
        self.engines.log().ran_on_gpu = false;
    }

    pub fn hyper(self, q: &QualityTables, z: &[i16], tile: TileSize) -> Hyper {
        self.run(|gpu| gpu.hyper(q, z, tile), |cpu| cpu.hyper(q, z, tile))
    }

    pub fn means(self, q: &QualityTables, hyper: &Hyper, symbols: &[i16]) -> Map<i16> {
        self.run(|gpu| gpu.means(q, hyper, symbols), |cpu| cpu.means(q, hyper, symbols))
    }

    pub fn synthesise(self, q: &QualityTables, v_hat: &Map<i16>, width: usize, height: usize) -> Vec<u8> {
        self.run(|gpu| gpu.synthesise(q, v_hat, width, height), |cpu| cpu.synthesise(q, v_hat, width, height))
    }

    pub fn analyse(self, rgb: &[u8], width: usize, height: usize) -> Map<i16> {
        self.run(|gpu| gpu.analyse(rgb, width, height), |cpu| cpu.analyse(rgb, width, height))
    }

    pub fn hyper_analyse(self, gain_z: &[i16], v_tile: &Map<i16>) -> Vec<i16> {
        self.run(|gpu| gpu.hyper_analyse(gain_z, v_tile), |cpu| cpu.hyper_analyse(gain_z, v_tile))
    }

    pub fn code(self, q: &QualityTables, hyper: &Hyper, v_tile: &Map<i16>, quantiser: &Quantiser) -> (Vec<i16>, Map<i16>) {
        self.run(|gpu| gpu.code(q, hyper, v_tile, quantiser), |cpu| cpu.code(q, hyper, v_tile, quantiser))
    }
}

//! Which engine runs the network, and what happens when a GPU fails: the CPU goes on, with the same bits.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};

#[cfg(feature = "gpu")]
use calotype_gpu as gpu;

use calotype_cpu::Isa;
use calotype_model::{EncodeTables, Hyper, Map, Model, PixelRows, QualityTables, Rect, TileSize, TileSymbols};
use rayon::prelude::*;

use crate::error::Error;
#[cfg(not(feature = "gpu"))]
use crate::no_gpu as gpu;
use crate::window;

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

/// What the hyper synthesis says about a tile.
pub(crate) struct Scales(Hyper);

/// v_hat of a tile.
pub(crate) struct Latents(Map<i16>);

impl Scales {
    /// The CDF table of each y symbol, `[lh, lw, M]`.
    pub fn index(&self) -> &[u8] {
        &self.0.scale_index
    }
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

    pub fn cpu(&self) -> &calotype_cpu::Engine {
        &self.cpu
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

/// The network between symbols and pixels, on tiles and rectangles of a picture's latents.
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

    /// docs/MODEL.md sections 5.1 and 5.2: z symbols `[zh, zw, Z]` of tiles to their scales.
    pub fn hyper(self, q: &QualityTables, tiles: &[(TileSize, &[i16])]) -> Vec<Scales> {
        tiles.par_iter().map(|&(size, z)| Scales(self.tile_hyper(q, z, size))).collect()
    }

    /// Section 5.3: y symbols `[lh, lw, M]` of tiles to v_hat of each.
    pub fn latents(self, q: &QualityTables, tiles: Vec<(Scales, Vec<i16>)>) -> Vec<Latents> {
        let means =
            |(Scales(hyper), y): (Scales, Vec<i16>)| Latents(self.run(|gpu| gpu.means(q, &hyper, &y), |cpu| cpu.means(q, &hyper, &y)));
        tiles.into_par_iter().map(means).collect()
    }

    /// Section 5.4: the RGB bytes, row by row, of the pixels of `wanted` (in latents) in a picture of `width` x `height` pixels.
    ///
    /// `tiles`, each with its place, cover `wanted` and, inside the picture, a halo of [`Running::halo`] latents.
    pub fn pixels(self, q: &QualityTables, tiles: &[(Rect, &Latents)], wanted: Rect, size: (usize, usize)) -> Vec<u8> {
        let maps: Vec<(Rect, &Map<i16>)> = tiles.iter().map(|(place, Latents(map))| (*place, map)).collect();
        let on_gpu = |gpu: &gpu::Engine| {
            let around = wanted.widened(self.halo(), Rect::of_picture(size.0, size.1));
            let (width, height) = window::pixels_of(around, size);
            let rgb = gpu.synthesise(q, &window::assemble(&maps, around), width, height)?;
            let (columns, rows) = window::pixels_of(wanted, size);
            let (left, top) = (16 * (wanted.x - around.x), 16 * (wanted.y - around.y));
            Ok(window::crop(rgb, width, top..top + rows, left..left + columns))
        };
        self.run(on_gpu, |cpu| cpu.pixels(q, &maps, wanted, size))
    }

    /// How many latents around a place g_s sees.
    pub fn halo(self) -> usize {
        self.engines.cpu.halo()
    }

    /// Section 6: all symbols of tiles. `pixels` begin at a multiple of 64 rows and have the rows of these tiles and, inside the picture,
    /// as many more above and below as g_a sees.
    pub fn encode(self, tables: &EncodeTables, pixels: PixelRows<'_>, tiles: &[Rect]) -> Vec<TileSymbols> {
        let (first, last) = (tiles.iter().map(|tile| tile.y).min(), tiles.iter().map(|tile| tile.padded().bottom()).max());
        let wanted = first.unwrap_or(0)..last.unwrap_or(0);
        let rows = pixels.rgb.len() / (3 * pixels.width);
        let (top, v) = self.run(
            |gpu| Ok((pixels.top / 16, gpu.analyse(pixels.rgb, pixels.width, rows)?)),
            |cpu| (wanted.start, cpu.analyse_rows(pixels, wanted.clone())),
        );
        let place = Rect { y: top, x: 0, height: v.height, width: v.width };
        tiles.par_iter().map(|tile| self.tile_symbols(tables, (place, &v), *tile)).collect()
    }

    fn tile_symbols(self, tables: &EncodeTables, v: (Rect, &Map<i16>), tile: Rect) -> TileSymbols {
        let q = &tables.quality;
        let padded = window::assemble(&[v], tile.padded());
        let z = self.run(|gpu| gpu.hyper_analyse(&tables.gain_z, &padded), |cpu| cpu.hyper_analyse(&tables.gain_z, &padded));
        let hyper = self.tile_hyper(q, &z, tile.size());
        let quantiser = &tables.quantiser;
        let (y, _) = self.run(|gpu| gpu.code(q, &hyper, &padded, quantiser), |cpu| cpu.code(q, &hyper, &padded, quantiser));
        TileSymbols { z, y, scale_index: hyper.scale_index }
    }

    fn tile_hyper(self, q: &QualityTables, z: &[i16], tile: TileSize) -> Hyper {
        self.run(|gpu| gpu.hyper(q, z, tile), |cpu| cpu.hyper(q, z, tile))
    }
}

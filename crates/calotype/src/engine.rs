//! Which engine runs the network, and what happens when a GPU fails: the CPU goes on, with the same bits.

use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use std::thread::JoinHandle;

use calotype_cpu::Isa;
use calotype_engine::{EncodeTables, Hyper, Map, PixelRows, Rect, TileSize, TileSymbols, assemble};
use calotype_model::{Model, QualityTables};
use rayon::prelude::*;

use crate::error::Error;

#[cfg(not(feature = "gpu"))]
pub(crate) use crate::no_gpu as gpu;
#[cfg(feature = "gpu")]
pub(crate) use calotype_gpu as gpu;

/// The folder that remembers what has been measured of this machine's GPUs.
static CACHE: OnceLock<PathBuf> = OnceLock::new();

/// From now on, what is measured of this machine's GPUs is remembered in `folder`, e.g. one in the user's cache. Without one nothing is
/// measured, and kernels are chosen that do well everywhere. Only the first call counts.
pub fn remember_in(folder: impl Into<PathBuf>) {
    // A second folder is refused.
    let _ = CACHE.set(folder.into());
}

/// Which engine to use. All give the same bytes and pixels.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum EngineChoice {
    /// A real GPU if there is one, else the CPU. A software implementation of a GPU is slower than the CPU engine, and never taken.
    #[default]
    Auto,
    /// The CPU, with these instructions or the fastest of this machine.
    Cpu(Option<Isa>),
    /// The adapter of this name or number, or the best real GPU.
    Gpu(Option<String>),
    /// A GPU whose device is open already, e.g. a window's: [`Bands::next_pieces`](crate::Bands::next_pieces).
    #[cfg(feature = "gpu")]
    Shared(Box<gpu::Adapter>),
}

#[cfg(feature = "gpu")]
impl EngineChoice {
    /// The GPU that this choice takes; `None` for the CPU, and where there is none.
    pub fn adapter(&self) -> Option<gpu::AdapterFacts> {
        let choice = match self {
            EngineChoice::Auto if gpu::any_device() => gpu::Choice::Auto,
            EngineChoice::Gpu(name) => named(name.as_deref()),
            EngineChoice::Shared(adapter) => return Some(adapter.facts().clone()),
            EngineChoice::Auto | EngineChoice::Cpu(_) => return None,
        };
        gpu::choose(&gpu::adapters(), &choice).ok().map(|adapter| adapter.facts().clone())
    }
}

/// What an engine runs on.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EngineKind {
    /// The processor.
    Cpu,
    /// A GPU, or a software implementation of one.
    Gpu,
}

/// `cpu` or `gpu`, as in `--engine` and in JSON.
impl fmt::Display for EngineKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            EngineKind::Cpu => "cpu",
            EngineKind::Gpu => "gpu",
        })
    }
}

/// An engine at work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EngineFacts {
    /// What it runs on.
    pub engine: EngineKind,
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
    /// What it is.
    pub kind: gpu::AdapterKind,
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
            kind: facts.kind,
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
    cpu: calotype_cpu::Engine,
    /// `None` if there is none.
    gpu: OnceLock<Option<Gpu>>,
    /// A GPU that is being opened while its first picture is read.
    opening: Mutex<Option<JoinHandle<Result<Gpu, gpu::Error>>>>,
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

/// What the hyper synthesis says about a tile: h stays with the engine.
pub(crate) struct Scales(On<Hyper, (gpu::Hyper, Vec<u8>)>);

/// v_hat of a tile, where its engine has it.
pub(crate) struct Latents(On<Map<i16>, gpu::Latents>);

/// What an engine keeps for its next step.
enum On<C, G> {
    Cpu(C),
    Gpu(G),
}

/// The GPU has failed, and with it has gone what it kept: begin again with [`Running::on_cpu`].
#[derive(Debug)]
pub(crate) struct Lost;

impl Scales {
    /// The CDF table of each y symbol, `[lh, lw, M]`.
    pub fn index(&self) -> &[u8] {
        match &self.0 {
            On::Cpu(hyper) => &hyper.scale_index,
            On::Gpu((_, index)) => index,
        }
    }
}

impl<C, G> On<C, G> {
    fn cpu(self) -> Result<C, Lost> {
        if let On::Cpu(kept) = self { Ok(kept) } else { Err(Lost) }
    }

    fn gpu(self) -> Result<G, Lost> {
        if let On::Gpu(kept) = self { Ok(kept) } else { Err(Lost) }
    }

    fn as_ref(&self) -> On<&C, &G> {
        match self {
            On::Cpu(kept) => On::Cpu(kept),
            On::Gpu(kept) => On::Gpu(kept),
        }
    }
}

impl Engines {
    pub fn new(model: Arc<Model>, choice: &EngineChoice) -> Result<Engines, Error> {
        let none = *choice == EngineChoice::Auto && !gpu::any_device();
        Engines::with_adapters(model, choice, if none { Vec::new } else { gpu::adapters })
    }

    /// As [`Engines::new`], among the adapters that `adapters` finds.
    fn with_adapters(model: Arc<Model>, choice: &EngineChoice, adapters: fn() -> Vec<gpu::Adapter>) -> Result<Engines, Error> {
        let (mut gpu, mut opening, mut isa) = (OnceLock::new(), None, Isa::detect());
        match choice {
            EngineChoice::Auto => opening = Some(spawn_open(&model, adapters)),
            EngineChoice::Gpu(name) => gpu = OnceLock::from(Some(open(&model, name.as_deref(), adapters)?)),
            EngineChoice::Cpu(wanted) => isa = wanted.unwrap_or(isa),
            #[cfg(feature = "gpu")]
            EngineChoice::Shared(adapter) => gpu = OnceLock::from(Some(open_on(&model, adapter)?)),
        }
        let cpu = calotype_cpu::Engine::new(Arc::clone(&model), isa)?;
        Ok(Engines { cpu, gpu, opening: Mutex::new(opening), log: Mutex::default() })
    }

    pub fn isa(&self) -> Isa {
        self.cpu.isa()
    }

    pub fn cpu(&self) -> &calotype_cpu::Engine {
        &self.cpu
    }

    /// The engine for a picture.
    pub fn for_picture(&self) -> Running<'_> {
        let gpu = self.working_gpu();
        self.log().ran_on_gpu = gpu.is_some();
        Running { engines: self, gpu }
    }

    /// The CPU, whatever the choice: what GPUs do not compute.
    pub fn on_cpu(&self) -> Running<'_> {
        self.log().ran_on_gpu = false;
        Running { engines: self, gpu: None }
    }

    fn working_gpu(&self) -> Option<&Gpu> {
        let gpu = self.gpu.get_or_init(|| self.opened()).as_ref();
        gpu.filter(|gpu| !gpu.failed.load(Ordering::Relaxed))
    }

    /// No GPU is no fault here; one that cannot be opened is worth a warning.
    fn opened(&self) -> Option<Gpu> {
        let opening = lock(&self.opening).take()?;
        match opening.join() {
            Ok(Ok(gpu)) => return Some(gpu),
            Ok(Err(error)) if error.is_absence() => {}
            Ok(Err(error)) => self.warn(error.to_string()),
            Err(_) => self.warn("the GPU's driver panicked".to_owned()),
        }
        None
    }

    /// The GPU, if there is one and it has not failed.
    #[cfg(feature = "gpu")]
    pub fn gpu(&self) -> Option<&gpu::Engine> {
        self.working_gpu().map(|gpu| &gpu.engine)
    }

    /// What ran the last picture; the CPU before the first.
    pub fn facts(&self) -> EngineFacts {
        match self.gpu.get() {
            Some(Some(gpu)) if self.log().ran_on_gpu => EngineFacts { engine: EngineKind::Gpu, adapter: gpu.engine.adapter().name.clone() },
            _ => EngineFacts { engine: EngineKind::Cpu, adapter: self.isa().to_string() },
        }
    }

    /// What went wrong since the last call.
    pub fn take_warnings(&self) -> Vec<String> {
        std::mem::take(&mut self.log().warnings)
    }

    /// For tests: the GPU, once it is open, will fail.
    pub fn inject(&self, failure: gpu::Failure) {
        if let Some(Some(gpu)) = self.gpu.get() {
            gpu.engine.inject(failure);
        }
    }

    fn warn(&self, error: String) {
        self.log().warnings.push(format!("{error}; the CPU goes on, with the same result"));
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        lock(&self.log)
    }
}

/// A driver that is still at work when the program ends may crash it.
impl Drop for Engines {
    fn drop(&mut self) {
        lock(&self.opening).take().map(JoinHandle::join);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

fn spawn_open(model: &Arc<Model>, adapters: fn() -> Vec<gpu::Adapter>) -> JoinHandle<Result<Gpu, gpu::Error>> {
    let model = Arc::clone(model);
    std::thread::spawn(move || open(&model, None, adapters))
}

fn open(model: &Arc<Model>, name: Option<&str>, adapters: fn() -> Vec<gpu::Adapter>) -> Result<Gpu, gpu::Error> {
    open_on(model, gpu::choose(&adapters(), &named(name))?)
}

fn named(name: Option<&str>) -> gpu::Choice {
    name.map_or(gpu::Choice::Auto, |name| gpu::Choice::Named(name.to_owned()))
}

fn open_on(model: &Arc<Model>, adapter: &gpu::Adapter) -> Result<Gpu, gpu::Error> {
    let options = gpu::Options { cache: CACHE.get().cloned(), ..Default::default() };
    let engine = gpu::Engine::with_options(Arc::clone(model), adapter, &options)?;
    Ok(Gpu { engine, failed: AtomicBool::new(false) })
}

/// The network between symbols and pixels, on tiles and rectangles of a picture's latents; as coarse as the entropy coder permits.
impl<'a> Running<'a> {
    /// The CPU for the rest of the picture.
    pub fn on_cpu(self) -> Running<'a> {
        Running { gpu: None, ..self }
    }

    /// What the GPU says; its failure, with one warning for all pictures. One that is too small for this picture may do for the next.
    fn of<T>(self, gpu: &Gpu, result: Result<T, gpu::Error>) -> Result<T, Lost> {
        result.map_err(|error| {
            if gpu.engine.is_usable() || !gpu.failed.swap(true, Ordering::Relaxed) {
                self.engines.warn(format!("{}: {error}", gpu.engine.adapter().name));
            }
            self.engines.log().ran_on_gpu = false;
            Lost
        })
    }

    /// docs/MODEL.md sections 5.1 and 5.2: z symbols `[zh, zw, Z]` of tiles to their scales.
    pub fn hyper(self, q: &QualityTables, tiles: &[(TileSize, &[i16])]) -> Result<Vec<Scales>, Lost> {
        if let Some(gpu) = self.gpu {
            let tiles = self.of(gpu, gpu.engine.hyper(q, tiles))?;
            return Ok(tiles.into_iter().map(|tile| Scales(On::Gpu(tile))).collect());
        }
        Ok(tiles.par_iter().map(|&(size, z)| Scales(On::Cpu(self.engines.cpu.hyper(q, z, size)))).collect())
    }

    /// Section 5.3: y symbols `[lh, lw, M]` of tiles to v_hat of each.
    pub fn latents(self, q: &QualityTables, tiles: Vec<(Scales, Vec<i16>)>) -> Result<Vec<Latents>, Lost> {
        if let Some(gpu) = self.gpu {
            let (hyper, y): (Vec<Scales>, Vec<Vec<i16>>) = tiles.into_iter().unzip();
            let hyper = hyper.into_iter().map(|scales| Ok(scales.0.gpu()?.0)).collect::<Result<Vec<_>, Lost>>()?;
            let tiles = hyper.into_iter().zip(y.iter().map(Vec::as_slice)).collect();
            let latents = self.of(gpu, gpu.engine.latents(q, tiles))?;
            return Ok(latents.into_iter().map(|latents| Latents(On::Gpu(latents))).collect());
        }
        let latents = |(scales, y): (Scales, Vec<i16>)| Ok(Latents(On::Cpu(self.engines.cpu.means(q, &scales.0.cpu()?, &y))));
        tiles.into_par_iter().map(latents).collect()
    }

    /// Section 5.4: the RGB bytes, row by row, of the pixels of `wanted` (in latents) in a picture of `width` x `height` pixels.
    ///
    /// `tiles`, each with its place, cover `wanted` and, inside the picture, a halo of [`Running::halo`] latents.
    pub fn pixels(self, q: &QualityTables, tiles: &[(Rect, &Latents)], wanted: Rect, size: (usize, usize)) -> Result<Vec<u8>, Lost> {
        if let Some(gpu) = self.gpu {
            let tiles = tiles.iter().map(|(place, Latents(kept))| Ok((*place, kept.as_ref().gpu()?))).collect::<Result<Vec<_>, Lost>>()?;
            return self.of(gpu, gpu.engine.pixels(q, &tiles, wanted, size));
        }
        let maps = tiles.iter().map(|(place, Latents(kept))| Ok((*place, kept.as_ref().cpu()?))).collect::<Result<Vec<_>, Lost>>()?;
        Ok(self.engines.cpu.pixels(q, &maps, wanted, size))
    }

    /// As [`Running::pixels`], but they stay on the device; for a [`Running`] on a GPU.
    #[cfg(feature = "gpu")]
    pub fn pieces(
        self,
        q: &QualityTables,
        tiles: &[(Rect, &Latents)],
        wanted: Rect,
        size: (usize, usize),
    ) -> Result<Vec<gpu::Piece>, Lost> {
        let gpu = self.gpu.ok_or(Lost)?;
        let tiles = tiles.iter().map(|(place, Latents(kept))| Ok((*place, kept.as_ref().gpu()?))).collect::<Result<Vec<_>, Lost>>()?;
        self.of(gpu, gpu.engine.pieces(q, &tiles, wanted, size))
    }

    /// As [`Running::pixels`], in Q4 before the last rounding; for a [`Running`] on the CPU.
    pub fn pixels_q4(self, q: &QualityTables, tiles: &[(Rect, &Latents)], wanted: Rect, size: (usize, usize)) -> Result<Vec<i16>, Lost> {
        let maps = tiles.iter().map(|(place, Latents(kept))| Ok((*place, kept.as_ref().cpu()?))).collect::<Result<Vec<_>, Lost>>()?;
        Ok(self.engines.cpu.pixels_q4(q, &maps, wanted, size))
    }

    /// Whether it is a GPU.
    #[cfg(feature = "gpu")]
    pub fn is_gpu(self) -> bool {
        self.gpu.is_some()
    }

    /// How many latents around a place g_s sees.
    pub fn halo(self) -> usize {
        self.engines.cpu.halo()
    }

    /// Section 6: all symbols of tiles, on the CPU if the GPU fails. `pixels` begin at a multiple of 64 rows and have the rows of these tiles
    /// and, inside the picture, as many more above and below as g_a sees.
    pub fn encode(self, tables: &EncodeTables, pixels: PixelRows<'_>, tiles: &[Rect]) -> Vec<TileSymbols> {
        let gpu = self.gpu.filter(|gpu| !gpu.failed.load(Ordering::Relaxed));
        let on_gpu = gpu.map(|gpu| self.of(gpu, gpu.engine.encode(tables, pixels, tiles)));
        if let Some(Ok(symbols)) = on_gpu {
            return symbols;
        }
        let (first, last) = (tiles.iter().map(|tile| tile.y).min(), tiles.iter().map(|tile| tile.padded().bottom()).max());
        let wanted = first.unwrap_or(0)..last.unwrap_or(0);
        let v = self.engines.cpu.analyse_rows(pixels, wanted.clone());
        let place = Rect { y: wanted.start, x: 0, height: v.height, width: v.width };
        tiles.par_iter().map(|tile| self.tile_symbols(tables, (place, &v), *tile)).collect()
    }

    fn tile_symbols(self, tables: &EncodeTables, v: (Rect, &Map<i16>), tile: Rect) -> TileSymbols {
        let (cpu, q) = (&self.engines.cpu, &tables.quality);
        let padded = assemble(&[v], tile.padded());
        let z = cpu.hyper_analyse(&tables.gain_z, &padded);
        let hyper = cpu.hyper(q, &z, tile.size());
        let (y, _) = cpu.code(q, &hyper, &padded, &tables.quantiser);
        TileSymbols { z, y, scale_index: hyper.scale_index }
    }
}

#[cfg(all(test, feature = "gpu"))]
mod tests {
    use calotype_model::synthetic;

    use super::*;

    /// The software adapters of this machine, as if they were GPUs.
    fn disguised() -> Vec<gpu::Adapter> {
        gpu::adapters().into_iter().map(gpu::Adapter::disguised).collect()
    }

    /// Adapters that refuse every device.
    fn refusing() -> Vec<gpu::Adapter> {
        disguised().into_iter().map(gpu::Adapter::overcharged).collect()
    }

    fn engines(choice: &EngineChoice, adapters: fn() -> Vec<gpu::Adapter>) -> Result<Engines, Error> {
        Engines::with_adapters(Arc::new(synthetic::model(&synthetic::tiny(), 3)), choice, adapters)
    }

    /// The symbols of the smallest picture.
    fn smallest(engines: &Engines) -> Vec<TileSymbols> {
        let (decoder, encoder) = (engines.cpu.model().decoder(), engines.cpu.model().encoder());
        let gain_z = encoder.expect("synthetic models have one").gain_z(9000);
        let tables = EncodeTables { quality: decoder.quality(9000), gain_z, quantiser: Default::default() };
        let pixels = PixelRows { width: 1, height: 1, top: 0, rgb: &[200, 100, 50] };
        engines.for_picture().encode(&tables, pixels, &[Rect::of_picture(1, 1)])
    }

    #[test]
    fn auto_takes_a_real_gpu_for_the_smallest_picture() {
        let truth = smallest(&engines(&EngineChoice::Cpu(None), Vec::new).unwrap());
        let expected = if disguised().is_empty() { EngineKind::Cpu } else { EngineKind::Gpu };
        for (adapters, expected) in [(disguised as fn() -> _, expected), (Vec::new, EngineKind::Cpu)] {
            let engines = engines(&EngineChoice::Auto, adapters).unwrap();
            assert_eq!(smallest(&engines), truth);
            assert_eq!((engines.facts().engine, engines.take_warnings()), (expected, vec![]));
        }
    }

    #[test]
    fn auto_leaves_software_alone() {
        let engines =
            engines(&EngineChoice::Auto, || gpu::adapters().into_iter().filter(|adapter| adapter.facts().is_software()).collect());
        let engines = engines.unwrap();
        smallest(&engines);
        assert_eq!((engines.facts().engine, engines.take_warnings()), (EngineKind::Cpu, vec![]));
    }

    #[test]
    fn an_adapter_that_refuses_the_limits_is_a_warning_or_an_error() {
        if disguised().is_empty() {
            return;
        }
        let engines_ = engines(&EngineChoice::Auto, refusing).unwrap();
        let truth = smallest(&engines(&EngineChoice::Cpu(None), Vec::new).unwrap());
        assert_eq!((smallest(&engines_), smallest(&engines_)), (truth.clone(), truth));
        let warnings = engines_.take_warnings();
        assert!(engines_.facts().engine == EngineKind::Cpu && warnings.len() == 1 && warnings[0].contains("no device"), "{warnings:?}");
        assert!(matches!(engines(&EngineChoice::Gpu(None), refusing), Err(Error::Engine(_))));
    }
}

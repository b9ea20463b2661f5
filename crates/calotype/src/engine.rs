//! Which engine runs the network, and what happens when a GPU fails: the CPU goes on, with the same bits.

use std::path::PathBuf;
use std::sync::Arc;

use calotype_cpu::{Engine as Cpu, Isa};
use calotype_engine::{EncodeTables, Engine, PixelRows, Rect, TileSymbols};
use calotype_model::Model;
use pollster::block_on;

use crate::choice::{EngineChoice, EngineFacts, EngineKind, GpuFacts};
use crate::error::Error;
use crate::log::Log;
#[cfg(feature = "gpu")]
use crate::slot::{self, Gpu, Slot};

/// All GPUs, in the order of their numbers; none in builds without the feature `gpu`.
pub fn gpus() -> Vec<GpuFacts> {
    #[cfg(feature = "gpu")]
    return slot::gpus();
    #[cfg(not(feature = "gpu"))]
    Vec::new()
}

/// From now on, what is measured of this machine's GPUs is remembered in `folder`, e.g. one in the user's cache. Without one nothing is
/// measured, and kernels are chosen that do well everywhere. Only the first call counts.
#[cfg_attr(not(feature = "gpu"), allow(unused_variables, reason = "there are none"))]
pub fn remember_in(folder: impl Into<PathBuf>) {
    // A second folder is refused.
    #[cfg(feature = "gpu")]
    let _ = slot::CACHE.set(folder.into());
}

/// The engines of a codec.
pub(crate) struct Engines {
    cpu: Cpu,
    #[cfg(feature = "gpu")]
    gpu: Slot,
    log: Log,
}

impl Engines {
    pub fn new(model: Arc<Model>, choice: &EngineChoice) -> Result<Engines, Error> {
        #[cfg(feature = "gpu")]
        let gpu = Slot::new(&model, choice)?;
        #[cfg(not(feature = "gpu"))]
        if matches!(choice, EngineChoice::Gpu(_)) {
            return Err(crate::error::EngineFault::NoGpu.into());
        }
        let isa = if let EngineChoice::Cpu(Some(isa)) = choice { *isa } else { Isa::detect() };
        Ok(Engines {
            cpu: Cpu::new(model, isa)?,
            #[cfg(feature = "gpu")]
            gpu,
            log: Log::default(),
        })
    }

    pub fn cpu(&self) -> &Cpu {
        &self.cpu
    }

    /// The CPU for a picture.
    pub fn on_cpu(&self) -> &Cpu {
        self.log.ran_on_gpu(false);
        &self.cpu
    }

    /// The GPU for a picture, if there is one that works, with what `prepare` makes there.
    #[cfg(feature = "gpu")]
    pub fn on_gpu<T>(&self, prepare: impl FnOnce(&calotype_gpu::Engine) -> Result<T, calotype_gpu::Error>) -> Option<(&Gpu, T)> {
        let gpu = self.gpu.working(&self.log)?;
        self.log.ran_on_gpu(true);
        prepare(&gpu.engine).map(|prepared| (gpu, prepared)).map_err(|error| self.lost(gpu, &error)).ok()
    }

    /// The CPU goes on, with one warning for all pictures. A GPU that is too small for this picture may do for the next.
    #[cfg(feature = "gpu")]
    pub fn lost(&self, gpu: &Gpu, error: &calotype_gpu::Error) {
        if gpu.fails() {
            self.log.warn(format!("{}: {error}", gpu.engine.adapter().name));
        }
        self.log.ran_on_gpu(false);
    }

    /// The encoder of a picture.
    pub fn encoder(&self, tables: EncodeTables) -> Encoder<'_> {
        self.on_cpu();
        Encoder {
            engines: self,
            #[cfg(feature = "gpu")]
            gpu: self.on_gpu(|engine| engine.encoding(&tables)),
            tables,
        }
    }

    /// The GPU, if there is one and it has not failed.
    #[cfg(feature = "gpu")]
    pub fn gpu(&self) -> Option<&calotype_gpu::Engine> {
        self.gpu.working(&self.log).map(|gpu| &gpu.engine)
    }

    /// What ran the last picture; the CPU before the first.
    pub fn facts(&self) -> EngineFacts {
        #[cfg(feature = "gpu")]
        if let Some(gpu) = self.gpu.opened().filter(|_| self.log.entries().ran_on_gpu) {
            return EngineFacts { engine: EngineKind::Gpu, adapter: gpu.engine.adapter().name.clone() };
        }
        EngineFacts { engine: EngineKind::Cpu, adapter: self.cpu.isa().to_string() }
    }

    /// What went wrong since the last call.
    pub fn take_warnings(&self) -> Vec<String> {
        std::mem::take(&mut self.log.entries().warnings)
    }

    /// For tests: the GPU, once it is open, will fail.
    #[cfg(feature = "gpu")]
    pub fn inject(&self, failure: calotype_gpu::Failure) {
        self.gpu.opened().into_iter().for_each(|gpu| gpu.engine.inject(failure));
    }
}

/// What encodes a picture: a GPU until it fails, then the CPU.
pub(crate) struct Encoder<'a> {
    engines: &'a Engines,
    #[cfg(feature = "gpu")]
    gpu: Option<(&'a Gpu, calotype_gpu::Encoding)>,
    tables: EncodeTables,
}

impl Encoder<'_> {
    /// As [`Engine::symbols`].
    pub fn symbols(&mut self, pixels: PixelRows<'_>, tiles: &[Rect]) -> Vec<TileSymbols> {
        #[cfg(feature = "gpu")]
        if let Some((gpu, encoding)) = &self.gpu {
            match block_on(gpu.engine.symbols(encoding, pixels, tiles)) {
                Ok(symbols) => return symbols,
                Err(error) => self.engines.lost(gpu, &error),
            }
            self.gpu = None;
        }
        let Ok(symbols) = block_on(self.engines.cpu.symbols(&self.tables, pixels, tiles));
        symbols
    }
}

#[cfg(all(test, feature = "gpu"))]
mod tests {
    use calotype_model::synthetic;

    use super::*;

    /// The software adapters of this machine, as if they were GPUs.
    fn disguised() -> Vec<calotype_gpu::Adapter> {
        calotype_gpu::adapters().into_iter().map(calotype_gpu::Adapter::disguised).collect()
    }

    /// Adapters that refuse every device.
    fn refusing() -> Vec<calotype_gpu::Adapter> {
        disguised().into_iter().map(calotype_gpu::Adapter::overcharged).collect()
    }

    fn engines(choice: &EngineChoice, adapters: fn() -> Vec<calotype_gpu::Adapter>) -> Result<Engines, Error> {
        let model = Arc::new(synthetic::model(&synthetic::tiny(), 3));
        let gpu = Slot::among(&model, choice, adapters)?;
        Ok(Engines { cpu: Cpu::new(model, Isa::detect())?, gpu, log: Log::default() })
    }

    /// The symbols of the smallest picture.
    fn smallest(engines: &Engines) -> Vec<TileSymbols> {
        let (decoder, encoder) = (engines.cpu.model().decoder(), engines.cpu.model().encoder());
        let gain_z = encoder.expect("synthetic models have one").gain_z(9000);
        let tables = EncodeTables { quality: decoder.quality(9000), gain_z, quantiser: Default::default() };
        let pixels = PixelRows { width: 1, height: 1, top: 0, rgb: &[200, 100, 50] };
        engines.encoder(tables).symbols(pixels, &[Rect::of_picture((1, 1), 16)])
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
            engines(&EngineChoice::Auto, || calotype_gpu::adapters().into_iter().filter(|adapter| adapter.facts().is_software()).collect());
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

//! Which engine runs the network.

use std::fmt;

use calotype_cpu::Isa;
use calotype_engine::AdapterKind;

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
    Shared(Box<calotype_gpu::Adapter>),
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
    pub kind: AdapterKind,
    /// The first of WebGPU's default limits that it lacks; `None` if it can be used.
    pub lacks: Option<&'static str>,
    /// Whether [`EngineChoice::Auto`] takes it.
    pub auto: bool,
}

impl From<Option<Isa>> for EngineChoice {
    /// `None` is [`EngineChoice::Auto`].
    fn from(isa: Option<Isa>) -> EngineChoice {
        isa.map_or(EngineChoice::Auto, |isa| EngineChoice::Cpu(Some(isa)))
    }
}

//! What is left of calotype-gpu in a build without it: no adapters, and engines that cannot exist.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use calotype_engine::{EncodeTables, PixelRows, Rect, TileSize, TileSymbols};
use calotype_model::{Model, QualityTables};

/// Why there is no engine.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("this build has no GPU engine (feature `gpu`)")]
    NoAdapter,
}

impl Error {
    pub fn is_absence(&self) -> bool {
        true
    }
}

/// As `calotype_gpu::AdapterKind`; there is nothing that could be one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AdapterKind {
    /// A GPU with its own memory.
    Discrete,
    /// A GPU in the processor.
    Integrated,
    /// A GPU of a virtual machine.
    Virtual,
    /// Something else that is no CPU.
    Other,
    /// A software implementation.
    Cpu,
}

impl fmt::Display for AdapterKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            AdapterKind::Discrete => "discrete GPU",
            AdapterKind::Integrated => "integrated GPU",
            AdapterKind::Virtual => "virtual GPU",
            AdapterKind::Other => "other",
            AdapterKind::Cpu => "software",
        })
    }
}

#[derive(Clone, PartialEq, Eq)]
pub struct AdapterFacts {
    pub name: String,
    pub backend: String,
    pub driver: String,
    pub kind: AdapterKind,
    pub lacks: Option<&'static str>,
}

pub enum Choice {
    Auto,
    Named(#[allow(dead_code)] String),
}

pub enum Adapter {}

/// As `calotype_gpu::Options`.
#[derive(Default)]
#[allow(dead_code)]
pub struct Options {
    pub piece: usize,
    pub cache: Option<PathBuf>,
}

pub enum Engine {}

pub enum Hyper {}

pub enum Latents {}

/// As `calotype_gpu::Failure`; there is nothing that could fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {}

pub fn any_device() -> bool {
    false
}

pub fn adapters() -> Vec<Adapter> {
    Vec::new()
}

pub fn choose<'a>(_: &'a [Adapter], _: &Choice) -> Result<&'a Adapter, Error> {
    Err(Error::NoAdapter)
}

impl Adapter {
    pub fn facts(&self) -> &AdapterFacts {
        match *self {}
    }
}

impl Engine {
    pub fn with_options(_: Arc<Model>, adapter: &Adapter, _: &Options) -> Result<Engine, Error> {
        match *adapter {}
    }

    pub fn adapter(&self) -> &AdapterFacts {
        match *self {}
    }

    pub fn is_usable(&self) -> bool {
        match *self {}
    }

    pub fn inject(&self, _: Failure) {
        match *self {}
    }

    pub fn hyper(&self, _: &QualityTables, _: &[(TileSize, &[i16])]) -> Result<Vec<(Hyper, Vec<u8>)>, Error> {
        match *self {}
    }

    pub fn latents(&self, _: &QualityTables, _: Vec<(Hyper, &[i16])>) -> Result<Vec<Latents>, Error> {
        match *self {}
    }

    pub fn pixels(&self, _: &QualityTables, _: &[(Rect, &Latents)], _: Rect, _: (usize, usize)) -> Result<Vec<u8>, Error> {
        match *self {}
    }

    pub fn encode(&self, _: &EncodeTables, _: PixelRows<'_>, _: &[Rect]) -> Result<Vec<TileSymbols>, Error> {
        match *self {}
    }
}

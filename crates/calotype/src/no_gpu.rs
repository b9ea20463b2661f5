//! What is left of calotype-gpu in a build without it: no adapters, and engines that cannot exist.

use std::sync::Arc;

use calotype_model::{Hyper, Map, Model, QualityTables, Quantiser, TileSize};

/// Why there is no engine.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("this build has no GPU engine (feature `gpu`)")]
    NoAdapter,
}

#[derive(Clone, PartialEq, Eq)]
pub struct AdapterFacts {
    pub name: String,
    pub backend: String,
    pub driver: String,
    pub kind: String,
    pub lacks: Option<&'static str>,
}

pub enum Choice {
    Auto,
    Named(#[allow(dead_code)] String),
}

pub enum Adapter {}

pub enum Engine {}

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
    pub fn new(_: Arc<Model>, adapter: &Adapter) -> Result<Engine, Error> {
        match *adapter {}
    }

    pub fn adapter(&self) -> &AdapterFacts {
        match *self {}
    }

    pub fn lose_device(&self) {
        match *self {}
    }

    pub fn hyper(&self, _: &QualityTables, _: &[i16], _: TileSize) -> Result<Hyper, Error> {
        match *self {}
    }

    pub fn means(&self, _: &QualityTables, _: &Hyper, _: &[i16]) -> Result<Map<i16>, Error> {
        match *self {}
    }

    pub fn synthesise(&self, _: &QualityTables, _: &Map<i16>, _: usize, _: usize) -> Result<Vec<u8>, Error> {
        match *self {}
    }

    pub fn analyse(&self, _: &[u8], _: usize, _: usize) -> Result<Map<i16>, Error> {
        match *self {}
    }

    pub fn hyper_analyse(&self, _: &[i16], _: &Map<i16>) -> Result<Vec<i16>, Error> {
        match *self {}
    }

    pub fn code(&self, _: &QualityTables, _: &Hyper, _: &Map<i16>, _: &Quantiser) -> Result<(Vec<i16>, Map<i16>), Error> {
        match *self {}
    }
}

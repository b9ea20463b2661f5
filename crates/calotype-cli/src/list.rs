//! `calotype devices` and `calotype models`: what this program can use.

use calotype::{EngineChoice, EngineKind, GpuFacts, Isa, ModelFacts, embedded_models, gpus};
use serde::Serialize;

use crate::amount::counted;
use crate::args::ListArgs;
use crate::engine::Choice;
use crate::failure::Failure;
use crate::output;

#[derive(Serialize)]
struct Devices {
    devices: Vec<Device>,
    threads: usize,
}

#[derive(Serialize)]
struct Device {
    engine: String,
    adapter: String,
    default: bool,
    #[serde(flatten)]
    gpu: Option<Gpu>,
}

/// What there is to say about a GPU.
#[derive(Serialize)]
struct Gpu {
    number: usize,
    backend: String,
    driver: String,
    kind: String,
    /// The first of WebGPU's default limits that is missing; null if it can be used.
    lacks: Option<&'static str>,
}

#[derive(Serialize)]
struct Models {
    models: Vec<Model>,
}

#[derive(Serialize)]
struct Model {
    name: String,
    model_id: String,
    default: bool,
    released: bool,
    channels: Channels,
    blocks_g_a: usize,
    blocks_g_s: usize,
}

/// docs/MODEL.md section 1.
#[derive(Serialize)]
#[allow(non_snake_case)]
struct Channels {
    C: usize,
    M: usize,
    Z: usize,
    P: usize,
}

/// Lists the engines of this machine, with `--engine cpu` without opening any GPU's driver. `default` is what `--engine auto` takes: the best real GPU, or the CPU's best code if there is none.
///
/// # Errors
/// Io.
pub fn devices(args: &ListArgs, choice: &Choice) -> Result<(), Failure> {
    let gpus = if matches!(choice.engine(), EngineChoice::Cpu(_)) { Vec::new() } else { gpus() };
    let fastest = (!gpus.iter().any(|gpu| gpu.auto)).then(Isa::detect);
    let cpu = |isa: Isa| Device { engine: EngineKind::Cpu.to_string(), adapter: isa.to_string(), default: Some(isa) == fastest, gpu: None };
    let devices =
        Isa::available().into_iter().map(cpu).chain(gpus.into_iter().enumerate().map(|(number, facts)| gpu(number, facts))).collect();
    let list = Devices { devices, threads: rayon::current_num_threads() };
    if args.json {
        return output::print_json(&list);
    }
    list.devices.iter().try_for_each(|device| output::print(&device_line(device)))?;
    output::print(&counted(list.threads, "thread"))
}

fn gpu(number: usize, facts: GpuFacts) -> Device {
    let GpuFacts { name, backend, driver, kind, lacks, auto } = facts;
    Device {
        engine: EngineKind::Gpu.to_string(),
        adapter: name,
        default: auto,
        gpu: Some(Gpu { number, backend, driver, kind: kind.to_string(), lacks }),
    }
}

fn device_line(device: &Device) -> String {
    let default = if device.default { " (default)" } else { "" };
    match &device.gpu {
        None => format!("{} {}{default}", device.engine, device.adapter),
        Some(gpu) => {
            let lacks = gpu.lacks.map_or(String::new(), |limit| format!("; cannot be used: lacks {limit}"));
            let Device { adapter, .. } = device;
            format!("gpu {}: {adapter} [{}, {}, {}]{default}{lacks}", gpu.number, gpu.backend, gpu.driver, gpu.kind)
        }
    }
}

/// Lists the models in the program.
///
/// # Errors
/// Io; engine (exit code 4) if the program was built with a damaged model.
pub fn models(args: &ListArgs) -> Result<(), Failure> {
    let facts = embedded_models().map_err(|error| Failure::engine(&error))?;
    let models: Vec<Model> = facts.into_iter().enumerate().map(|(place, facts)| model(facts, place == 0)).collect();
    if args.json {
        return output::print_json(&Models { models });
    }
    models.iter().try_for_each(|model| output::print(&line(model)))
}

fn model(facts: ModelFacts, default: bool) -> Model {
    let ([c, m, z, p], [blocks_g_a, blocks_g_s]) = (facts.channels, facts.blocks);
    Model {
        name: facts.name,
        model_id: facts.id.to_string(),
        default,
        released: facts.released,
        channels: Channels { C: c, M: m, Z: z, P: p },
        blocks_g_a,
        blocks_g_s,
    }
}

fn line(model: &Model) -> String {
    let Channels { C, M, Z, P } = model.channels;
    let state = if model.released { "released" } else { "in development: its files need not decode with later versions" };
    let default = if model.default { " (default)" } else { "" };
    format!(
        "{}{default} {}: C {C}, M {M}, Z {Z}, P {P}, {} + {} blocks, {state}",
        model.name, model.model_id, model.blocks_g_a, model.blocks_g_s
    )
}

//! `calotype devices` and `calotype models`: what this program can use.

use calotype::{Isa, ModelFacts, embedded_models};
use serde::Serialize;

use crate::args::ListArgs;
use crate::engine::ENGINE;
use crate::failure::Failure;
use crate::output;

#[derive(Serialize)]
struct Devices {
    devices: Vec<Device>,
    threads: usize,
}

#[derive(Serialize)]
struct Device {
    engine: &'static str,
    adapter: String,
    default: bool,
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

/// Lists the engines of this machine.
///
/// # Errors
/// Io.
pub fn devices(args: &ListArgs) -> Result<(), Failure> {
    let fastest = Isa::detect();
    let device = |isa: Isa| Device { engine: ENGINE, adapter: isa.to_string(), default: isa == fastest };
    let list = Devices { devices: Isa::available().into_iter().map(device).collect(), threads: rayon::current_num_threads() };
    if args.json {
        return output::print_json(&list);
    }
    for device in &list.devices {
        output::print(&format!("{} {}{}", device.engine, device.adapter, if device.default { " (default)" } else { "" }))?;
    }
    output::print(&format!("{} threads", list.threads))
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

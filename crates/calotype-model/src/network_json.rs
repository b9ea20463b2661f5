//! The text of a network in a model file: JSON with sorted keys and no white space (docs/MODEL.md section 8).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::shape::{BlockShape, ChainShape, DecoderShape, EncoderShape, Grid, HyperShape, Product, StageShape};
use crate::{Cell, Error, Input, Schedule, Step};

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct DecoderText {
    chains: BTreeMap<String, ChainText>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hyper: Option<GridText>,
    latents: GridText,
    schedule: ScheduleText,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EncoderText {
    chains: BTreeMap<String, ChainText>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct GridText {
    channels: usize,
    stride: usize,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ChainText {
    from: Vec<Input>,
    stages: Vec<StageText>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StageText {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    bias: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    blocks: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expansion: Option<usize>,
    name: String,
    outputs: usize,
    #[serde(default = "one", skip_serializing_if = "is_one")]
    shuffle: usize,
    #[serde(default = "one", skip_serializing_if = "is_one")]
    unshuffle: usize,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    wide: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ScheduleText {
    period: usize,
    steps: Vec<StepText>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StepText {
    cells: Vec<(usize, usize, u64)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mean: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    scale: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    width: Option<String>,
}

fn one() -> usize {
    1
}

fn is_one(factor: &usize) -> bool {
    *factor == 1
}

fn refused(reason: impl ToString) -> Error {
    Error::Network { name: "text".to_owned(), reason: reason.to_string() }
}

/// The one text of a value: a map of serde_json sorts its keys.
fn text(value: &impl Serialize) -> String {
    serde_json::to_value(value).map(|value| value.to_string()).expect("maps with names, lists and numbers")
}

/// The value of a text, which must be its only one.
fn parse<T: Serialize + for<'a> Deserialize<'a>>(json: &str) -> Result<T, Error> {
    let value: T = serde_json::from_str(json).map_err(refused)?;
    if text(&value) == json { Ok(value) } else { Err(refused("its keys are sorted, without white space and without what can be left out")) }
}

impl DecoderShape {
    /// Reads a text and checks what it says.
    pub(crate) fn parse(json: &str) -> Result<DecoderShape, Error> {
        let DecoderText { mut chains, hyper, latents, schedule } = parse(json)?;
        let latents = Grid { channels: latents.channels, stride: latents.stride };
        let mut take = |name: &str| chains.remove(name);
        let g_s = take("g_s").ok_or_else(|| refused("it has no chain g_s"))?.shape("g_s", latents.channels);
        let hyper = match (hyper, take("h_s")) {
            (Some(grid), Some(h_s)) => {
                let grid = Grid { channels: grid.channels, stride: grid.stride };
                Some(HyperShape { h_s: h_s.shape("h_s", grid.channels), grid })
            }
            (None, None) => None,
            _ => return Err(refused("hyper and the chain h_s belong together")),
        };
        let names: Vec<String> = chains.keys().cloned().collect();
        let schedule = schedule.resolve(&names)?;
        let mut shape = DecoderShape { latents, hyper, predictors: Vec::new(), schedule, g_s };
        for (name, chain) in chains {
            let channels = shape.channels_of(&chain.from);
            shape.predictors.push(chain.shape(&name, channels));
        }
        shape.check()?;
        Ok(shape)
    }

    /// Its text.
    pub(crate) fn text(&self) -> String {
        let grid = |grid: &Grid| GridText { channels: grid.channels, stride: grid.stride };
        let chains = self.hyper.iter().map(|hyper| &hyper.h_s).chain(&self.predictors).chain([&self.g_s]);
        text(&DecoderText {
            chains: chains.map(ChainText::of).collect(),
            hyper: self.hyper.as_ref().map(|hyper| grid(&hyper.grid)),
            latents: grid(&self.latents),
            schedule: ScheduleText::of(&self.schedule, &self.predictors),
        })
    }
}

impl EncoderShape {
    /// Reads a text and checks what it says.
    pub(crate) fn parse(json: &str) -> Result<EncoderShape, Error> {
        let EncoderText { mut chains } = parse(json)?;
        let g_a = chains.remove("g_a").ok_or_else(|| refused("it has no chain g_a"))?.shape("g_a", 3);
        let h_a = chains.remove("h_a").map(|h_a| h_a.shape("h_a", g_a.channels()));
        if let Some(name) = chains.into_keys().next() {
            return Err(refused(format!("an encoder part has no chain {name}")));
        }
        let shape = EncoderShape { g_a, h_a };
        shape.check()?;
        Ok(shape)
    }

    /// Its text.
    pub(crate) fn text(&self) -> String {
        text(&EncoderText { chains: [&self.g_a].into_iter().chain(&self.h_a).map(ChainText::of).collect() })
    }
}

impl ChainText {
    /// Channels follow from one stage to the next; sums that no chain can have are refused by the check that follows.
    fn shape(self, name: &str, channels_in: usize) -> ChainShape {
        let mut given = Given { channels: channels_in, is_stream: matches!(self.from[..], [Input::Pixels | Input::V]) };
        let stages = self.stages.into_iter().map(|stage| {
            let stage = stage.shape(&given);
            given = Given { channels: stage.channels(), is_stream: true };
            stage
        });
        ChainShape { name: name.to_owned(), stages: stages.collect(), from: self.from }
    }

    fn of(chain: &ChainShape) -> (String, ChainText) {
        (chain.name.clone(), ChainText { from: chain.from.clone(), stages: chain.stages.iter().map(StageText::of).collect() })
    }
}

/// What a stage reads.
struct Given {
    channels: usize,
    is_stream: bool,
}

impl StageText {
    fn shape(self, given: &Given) -> StageShape {
        let expansion = self.expansion.unwrap_or(0);
        StageShape {
            name: self.name,
            product: if self.wide { Product::Wide } else { Product::Int8 },
            reads: given.is_stream && !self.wide,
            unshuffle: self.unshuffle,
            inputs: given.channels.saturating_mul(self.unshuffle).saturating_mul(self.unshuffle),
            outputs: self.outputs,
            shuffle: self.shuffle,
            bias: self.bias,
            blocks: self.blocks.into_iter().map(|name| BlockShape { name, expansion }).collect(),
        }
    }

    fn of(stage: &StageShape) -> StageText {
        StageText {
            bias: stage.bias.clone(),
            blocks: stage.blocks.iter().map(|block| block.name.clone()).collect(),
            expansion: stage.blocks.first().map(|block| block.expansion),
            name: stage.name.clone(),
            outputs: stage.outputs,
            shuffle: stage.shuffle,
            unshuffle: stage.unshuffle,
            wide: stage.product == Product::Wide,
        }
    }
}

impl ScheduleText {
    /// With the numbers of predictors for their names.
    fn resolve(self, names: &[String]) -> Result<Schedule, Error> {
        let number = |name: Option<String>| {
            let found =
                |name: String| names.iter().position(|known| *known == name).ok_or_else(|| refused(format!("it has no chain {name}")));
            name.map(found).transpose()
        };
        let step = |step: StepText| {
            let cell = |(first, end, phases)| Cell { channels: first..end, phases };
            let cells = step.cells.into_iter().map(cell).collect();
            Ok(Step { cells, mean: number(step.mean)?, scale: number(step.scale)?, width: number(step.width)? })
        };
        Ok(Schedule { period: self.period, steps: self.steps.into_iter().map(step).collect::<Result<_, Error>>()? })
    }

    fn of(schedule: &Schedule, predictors: &[ChainShape]) -> ScheduleText {
        let name = |number: Option<usize>| number.map(|number| predictors[number].name.clone());
        let step = |step: &Step| StepText {
            cells: step.cells.iter().map(|cell| (cell.channels.start, cell.channels.end, cell.phases)).collect(),
            mean: name(step.mean),
            scale: name(step.scale),
            width: name(step.width),
        };
        ScheduleText { period: schedule.period, steps: schedule.steps.iter().map(step).collect() }
    }
}

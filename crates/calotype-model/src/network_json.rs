//! The text of a network in a model file: JSON with sorted keys and no white space (docs/MODEL.md section 8).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::forms::HYPER;
use crate::{Block, Cell, Chain, Config, Decoder, Encoder, Error, Input, Layer, Pointwise, RowTable, Schedule, Stage, Step};

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

impl Decoder {
    /// Reads a text and checks what it says: a part without elements. `rest` is what a config says beside sizes.
    pub(crate) fn parse(json: &str, rest: Config) -> Result<Decoder, Error> {
        let DecoderText { mut chains, hyper, latents, schedule } = parse(json)?;
        let mut take = |name: &str| chains.remove(name);
        let g_s = take("g_s").ok_or_else(|| refused("it has no chain g_s"))?.chain("g_s", latents.channels);
        let (z, h_s) = match (hyper, take("h_s")) {
            (Some(grid), Some(_)) if Some(grid.stride) != latents.stride.checked_mul(HYPER) => {
                return Err(refused(format!("the stride of hyper-latents is {HYPER} times that of latents")));
            }
            (Some(grid), Some(h_s)) => (grid.channels, Some(h_s.chain("h_s", grid.channels))),
            (None, None) => (0, None),
            _ => return Err(refused("hyper and the chain h_s belong together")),
        };
        let config = Config {
            c: g_s.stages.first().map_or(0, Stage::channels),
            m: latents.channels,
            z,
            p: h_s.as_ref().map_or(0, Chain::channels),
            stride: latents.stride,
            n_e: 0,
            n_d: g_s.stages.first().map_or(0, |first| first.blocks.len()),
            ..rest
        };
        let names: Vec<String> = chains.keys().cloned().collect();
        let mut part = Decoder::empty(config, h_s, Vec::new(), schedule.resolve(&names)?, g_s);
        for (name, chain) in chains {
            let channels = part.channels_of(&chain.from);
            part.predictors.push(chain.chain(&name, channels));
        }
        part.check_form()?;
        Ok(part)
    }

    /// The text of its network.
    pub(crate) fn text(&self) -> String {
        let Config { m, z, stride, .. } = self.config;
        text(&DecoderText {
            chains: self.chains().map(ChainText::of).collect(),
            hyper: self.h_s.as_ref().map(|_| GridText { channels: z, stride: HYPER * stride }),
            latents: GridText { channels: m, stride },
            schedule: ScheduleText::of(&self.schedule, &self.predictors),
        })
    }
}

impl Encoder {
    /// As [`Decoder::parse`].
    pub(crate) fn parse(json: &str, rest: Config) -> Result<Encoder, Error> {
        let EncoderText { mut chains } = parse(json)?;
        let g_a = chains.remove("g_a").ok_or_else(|| refused("it has no chain g_a"))?.chain("g_a", 3);
        let h_a = chains.remove("h_a").map(|h_a| h_a.chain("h_a", g_a.channels()));
        if let Some(name) = chains.into_keys().next() {
            return Err(refused(format!("an encoder part has no chain {name}")));
        }
        let first = |chain: &Chain| chain.stages.first().map_or(0, Stage::channels);
        let config = Config {
            c: first(&g_a),
            m: g_a.channels(),
            z: h_a.as_ref().map_or(0, Chain::channels),
            p: h_a.as_ref().map_or(0, first),
            stride: g_a.stages.iter().fold(1, |stride, stage| stage.unshuffle.saturating_mul(stride)),
            n_e: g_a.stages.first().map_or(0, |first| first.blocks.len()),
            n_d: 0,
            ..rest
        };
        let part = Encoder::empty(config, g_a, h_a);
        part.check_form()?;
        Ok(part)
    }

    /// The text of its network.
    pub(crate) fn text(&self) -> String {
        text(&EncoderText { chains: self.chains().map(ChainText::of).collect() })
    }
}

impl ChainText {
    /// Channels follow from one stage to the next; sums that no chain can have are refused by the check that follows.
    fn chain(self, name: &str, channels_in: usize) -> Chain {
        let (mut channels, mut is_stream) = (channels_in, matches!(self.from[..], [Input::Pixels | Input::V]));
        let stages = self.stages.into_iter().map(|stage| {
            let stage = stage.stage(channels, is_stream);
            (channels, is_stream) = (stage.channels(), true);
            stage
        });
        Chain { name: name.to_owned(), stages: stages.collect(), from: self.from }
    }

    fn of(chain: &Chain) -> (String, ChainText) {
        (chain.name.clone(), ChainText { from: chain.from.clone(), stages: chain.stages.iter().map(StageText::of).collect() })
    }
}

impl StageText {
    /// Of a stage that reads so many channels, of a stream or of codes.
    fn stage(self, channels_in: usize, is_stream: bool) -> Stage {
        let (name, outputs, inputs) = (self.name, self.outputs, channels_in.saturating_mul(self.unshuffle).saturating_mul(self.unshuffle));
        let stage = Stage {
            read: (is_stream && !self.wide).then(Vec::new),
            unshuffle: self.unshuffle,
            layer: if self.wide {
                Layer::Wide(Pointwise::empty(name, outputs, inputs))
            } else {
                Layer::Int8(Pointwise::empty(name, outputs, inputs))
            },
            shuffle: self.shuffle,
            bias: self.bias.map(|name| RowTable { name, rows: Vec::new() }),
            blocks: Vec::new(),
        };
        let block = |name: &String| Block::empty(name, stage.channels(), self.expansion.unwrap_or(0));
        Stage { blocks: self.blocks.iter().map(block).collect(), ..stage }
    }

    fn of(stage: &Stage) -> StageText {
        StageText {
            bias: stage.bias.as_ref().map(|bias| bias.name.clone()),
            blocks: stage.blocks.iter().map(|block| block.name().to_owned()).collect(),
            expansion: stage.blocks.first().map(Block::expansion),
            name: stage.layer.name().to_owned(),
            outputs: stage.layer.outputs(),
            shuffle: stage.shuffle,
            unshuffle: stage.unshuffle,
            wide: stage.layer.is_wide(),
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

    fn of(schedule: &Schedule, predictors: &[Chain]) -> ScheduleText {
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

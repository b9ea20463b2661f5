//! What a network is made of, without weights: the shapes of its chains, and the rules that they keep (docs/MODEL.md section 8).

use crate::{Chain, Config, Error, Input, Layer, Schedule, Stage};

/// What a layer multiplies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Product {
    /// Codes by i8 weights.
    Int8,
    /// A stream by i16 weights.
    Wide,
}

/// A block without its weights.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockShape {
    /// Key of its layers in the model file, e.g. `g_s.blocks.0`.
    pub name: String,
    /// Channels inside its feed-forward branch, for each of the stream's.
    pub expansion: usize,
}

/// A stage without its weights.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StageShape {
    /// The layer's key in the model file, e.g. `g_s.first`.
    pub name: String,
    /// What it multiplies.
    pub product: Product,
    /// Whether it reads a stream as codes, with a `read_shift` of its own.
    pub reads: bool,
    /// Its input is unshuffled by this factor; 1 is none.
    pub unshuffle: usize,
    /// K, after the unshuffle.
    pub inputs: usize,
    /// N, before the shuffle.
    pub outputs: usize,
    /// Its output is shuffled by this factor; 1 is none.
    pub shuffle: usize,
    /// The quality table that is added to the stream.
    pub bias: Option<String>,
    /// The blocks on the stream.
    pub blocks: Vec<BlockShape>,
}

/// A chain without its weights.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainShape {
    /// E.g. `g_s`.
    pub name: String,
    /// What it reads.
    pub from: Vec<Input>,
    /// In their order.
    pub stages: Vec<StageShape>,
}

/// Latents, or hyper-latents: one position for a square of pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grid {
    /// Channels.
    pub channels: usize,
    /// Pixels on a side of the square.
    pub stride: usize,
}

/// The decoder part without weights.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecoderShape {
    /// y.
    pub latents: Grid,
    /// z, and h_s, which makes h of it; `None` for a factorised prior.
    pub hyper: Option<HyperShape>,
    /// What the schedule's steps ask, by their names.
    pub predictors: Vec<ChainShape>,
    /// Which latents are set when.
    pub schedule: Schedule,
    /// v_hat to pixels, Q4.
    pub g_s: ChainShape,
}

/// The hyper-latents of a decoder part without weights.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HyperShape {
    /// z.
    pub grid: Grid,
    /// z to h.
    pub h_s: ChainShape,
}

/// The encoder part without weights.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncoderShape {
    /// Pixels to v.
    pub g_a: ChainShape,
    /// v to z, before their gain; `None` for a factorised prior.
    pub h_a: Option<ChainShape>,
}

impl DecoderShape {
    /// The first network (docs/MODEL.md section 5), in the sizes of a config.
    pub fn v1(config: &Config) -> DecoderShape {
        let Config { c, m, z, p, .. } = *config;
        let context = |k: usize| {
            let name = format!("context.{k}");
            let first = stage(&name, "first", p + m, p).blocks(["block".to_owned()], 1);
            chain(&name, &[Input::H, Input::VHat], [first, stage(&name, "last", p, m).reading()])
        };
        let head = |name: &str| chain(name, &[Input::H], [StageShape { name: name.to_owned(), ..stage(name, "", p, m) }]);
        let h_s = chain(
            "h_s",
            &[Input::Z],
            [
                stage("h_s", "first", z, 4 * p).shuffled(2).blocks(["block1".to_owned()], 1),
                stage("h_s", "mid", p, 4 * p).reading().shuffled(2).blocks(["block2".to_owned()], 1),
            ],
        );
        let first = stage("g_s", "first", m, 4 * c).wide().shuffled(2).blocks(numbered(config.n_d), 2);
        DecoderShape {
            latents: Grid { channels: m, stride: 16 },
            hyper: Some(HyperShape { grid: Grid { channels: z, stride: HYPER * 16 }, h_s }),
            predictors: (0..3).map(context).chain(["mean_head", "scale_head", "width_head"].map(head)).collect(),
            schedule: Schedule::quarters(m),
            g_s: chain(
                "g_s",
                &[Input::VHat],
                [StageShape { bias: Some("bias.dec".to_owned()), ..first }, stage("g_s", "last", c, 192).wide().shuffled(8)],
            ),
        }
    }

    /// The sizes of a network of any form, beside what `rest` says: C is that of g_s, P the channels of h.
    pub(crate) fn config(&self, rest: Config) -> Config {
        let hyper = self.hyper.as_ref();
        Config {
            c: self.g_s.stages[0].channels(),
            m: self.latents.channels,
            z: hyper.map_or(0, |hyper| hyper.grid.channels),
            p: hyper.map_or(0, |hyper| hyper.h_s.channels()),
            stride: self.latents.stride,
            n_e: 0,
            n_d: self.g_s.stages[0].blocks.len(),
            ..rest
        }
    }

    /// Channels of maps together.
    pub(crate) fn channels_of(&self, inputs: &[Input]) -> usize {
        inputs.iter().fold(0, |sum, &input| self.channels(input).saturating_add(sum))
    }

    /// Channels of a map that its chains read or make.
    fn channels(&self, input: Input) -> usize {
        match input {
            Input::Pixels => RGB,
            Input::V | Input::VHat => self.latents.channels,
            Input::Z => self.hyper.as_ref().map_or(0, |hyper| hyper.grid.channels),
            Input::H => self.hyper.as_ref().map_or(0, |hyper| hyper.h_s.channels()),
        }
    }
}

impl EncoderShape {
    /// The first network (docs/MODEL.md section 6), in the sizes of a config.
    pub fn v1(config: &Config) -> EncoderShape {
        let Config { c, m, z, p, .. } = *config;
        EncoderShape {
            g_a: chain(
                "g_a",
                &[Input::Pixels],
                [
                    stage("g_a", "first", 192, c).wide().unshuffled(8).blocks(numbered(config.n_e), 2),
                    stage("g_a", "last", 4 * c, m).wide().unshuffled(2),
                ],
            ),
            h_a: Some(chain(
                "h_a",
                &[Input::V],
                [
                    stage("h_a", "first", m, p).reading().blocks(["block1".to_owned()], 1),
                    stage("h_a", "mid", 4 * p, p).reading().unshuffled(2).blocks(["block2".to_owned()], 1),
                    stage("h_a", "last", 4 * p, z).reading().unshuffled(2),
                ],
            )),
        }
    }

    /// The sizes of a network of any form, beside what `rest` says: C is that of g_a, P the channels of h_a's first stage.
    pub(crate) fn config(&self, rest: Config) -> Config {
        Config {
            c: self.g_a.stages[0].channels(),
            m: self.g_a.channels(),
            z: self.h_a.as_ref().map_or(0, ChainShape::channels),
            p: self.h_a.as_ref().map_or(0, |h_a| h_a.stages[0].channels()),
            stride: self.stride(),
            n_e: self.g_a.stages[0].blocks.len(),
            n_d: 0,
            ..rest
        }
    }
}

/// Channels of pixels.
const RGB: usize = 3;
/// Latents on a side of the square that a hyper-latent stands for.
pub const HYPER: usize = 4;
/// Pixels on a side of what a position of g_a's and g_s's blocks stands for.
const BLOCK: usize = 8;
/// Pixels on a side of the square that a latent may stand for.
const STRIDES: [usize; 3] = [BLOCK, 2 * BLOCK, 4 * BLOCK];

fn chain<const N: usize>(name: &str, from: &[Input], stages: [StageShape; N]) -> ChainShape {
    ChainShape { name: name.to_owned(), from: from.to_vec(), stages: stages.into() }
}

/// An int8 layer on codes.
fn stage(chain: &str, layer: &str, inputs: usize, outputs: usize) -> StageShape {
    let (product, blocks) = (Product::Int8, Vec::new());
    StageShape { name: format!("{chain}.{layer}"), product, reads: false, unshuffle: 1, inputs, outputs, shuffle: 1, bias: None, blocks }
}

fn numbered(count: usize) -> impl Iterator<Item = String> {
    (0..count).map(|i| format!("blocks.{i}"))
}

impl StageShape {
    fn wide(self) -> StageShape {
        StageShape { product: Product::Wide, ..self }
    }

    fn reading(self) -> StageShape {
        StageShape { reads: true, ..self }
    }

    fn unshuffled(self, factor: usize) -> StageShape {
        StageShape { unshuffle: factor, ..self }
    }

    fn shuffled(self, factor: usize) -> StageShape {
        StageShape { shuffle: factor, ..self }
    }

    fn blocks(self, names: impl IntoIterator<Item = String>, expansion: usize) -> StageShape {
        let chain = self.name.rsplit_once('.').map_or("", |(chain, _)| chain).to_owned();
        let block = |name: String| BlockShape { name: format!("{chain}.{name}"), expansion };
        StageShape { blocks: names.into_iter().map(block).collect(), ..self }
    }

    /// Channels of its stream.
    pub fn channels(&self) -> usize {
        self.outputs / self.shuffle.saturating_mul(self.shuffle).max(1)
    }

    /// Channels of its input before the unshuffle.
    pub fn channels_in(&self) -> usize {
        self.inputs / self.unshuffle.saturating_mul(self.unshuffle).max(1)
    }
}

impl ChainShape {
    /// Channels of its output.
    pub fn channels(&self) -> usize {
        self.stages.last().map_or(0, StageShape::channels)
    }

    /// The shape of a chain with weights.
    pub fn of(chain: &Chain) -> ChainShape {
        ChainShape { name: chain.name.clone(), from: chain.from.clone(), stages: chain.stages.iter().map(StageShape::of).collect() }
    }
}

impl StageShape {
    fn of(stage: &Stage) -> StageShape {
        let block = |block: &crate::Block| BlockShape {
            name: block.pw1.name.trim_end_matches(".pw1").to_owned(),
            expansion: block.ffn1.outputs / block.pw1.inputs,
        };
        StageShape {
            name: stage.layer.name().to_owned(),
            product: if matches!(stage.layer, Layer::Wide(_)) { Product::Wide } else { Product::Int8 },
            reads: stage.read.is_some(),
            unshuffle: stage.unshuffle,
            inputs: stage.layer.inputs(),
            outputs: stage.layer.outputs(),
            shuffle: stage.shuffle,
            bias: stage.bias.as_ref().map(|bias| bias.name.clone()),
            blocks: stage.blocks.iter().map(block).collect(),
        }
    }
}

/// Largest factor of a shuffle.
const MAX_FACTOR: usize = 16;
/// Most stages of a chain.
const MAX_STAGES: usize = 8;

/// The chain at fault, and why.
fn refused(name: &str, reason: impl Into<String>) -> Error {
    Error::Network { name: name.to_owned(), reason: reason.into() }
}

/// What a chain must keep: sizes in their ranges, channels in fours, and the step from its input's size to its output's.
struct Rule {
    channels_in: usize,
    channels: usize,
    /// How many times more positions in a row come out than go in, or go in than come out.
    growth: (usize, usize),
}

impl ChainShape {
    fn check(&self, rule: &Rule) -> Result<(), Error> {
        if !(1..=MAX_STAGES).contains(&self.stages.len()) {
            return Err(refused(&self.name, format!("it has {} stages, not 1 to {MAX_STAGES}", self.stages.len())));
        }
        let (mut channels, mut growth) = (rule.channels_in, rule.growth);
        for stage in &self.stages {
            stage.check(&self.name, channels)?;
            channels = stage.channels();
            growth = (growth.0.saturating_mul(stage.unshuffle), growth.1.saturating_mul(stage.shuffle));
        }
        if channels != rule.channels {
            return Err(refused(&self.name, format!("it makes {channels} channels instead of {}", rule.channels)));
        }
        if growth.0 != growth.1 {
            return Err(refused(&self.name, "its shuffles do not lead from the size of its input to that of its output"));
        }
        Ok(())
    }
}

impl StageShape {
    fn check(&self, chain: &str, channels_in: usize) -> Result<(), Error> {
        let name = || format!("{chain}: {}", self.name);
        let factor = |factor: usize| factor.is_power_of_two() && factor <= MAX_FACTOR;
        if !factor(self.unshuffle) || !factor(self.shuffle) || !self.outputs.is_multiple_of(self.shuffle * self.shuffle) {
            return Err(refused(&name(), format!("a shuffle is 1, 2, 4, 8 or {MAX_FACTOR}, and divides its channels")));
        }
        if self.channels_in() != channels_in {
            return Err(refused(&name(), format!("it reads {} channels, but gets {channels_in}", self.channels_in())));
        }
        let wide = |channels: usize| channels.is_multiple_of(4) && (4..=Config::MAX_CHANNELS).contains(&channels);
        let pixels = channels_in == RGB || self.channels() == RGB;
        if !wide(self.inputs) || !wide(self.outputs) || !(wide(self.channels()) || pixels) || self.blocks.len() > Config::MAX_BLOCKS {
            let channels = Config::MAX_CHANNELS;
            return Err(refused(&name(), format!("channels are multiples of 4 up to {channels}, blocks at most {}", Config::MAX_BLOCKS)));
        }
        if self.blocks.iter().any(|block| !(1..=4).contains(&block.expansion)) {
            return Err(refused(&name(), "the expansion of a block is 1 to 4"));
        }
        Ok(())
    }
}

impl DecoderShape {
    /// That its chains meet, that each latent is set once, and that it is of a form that this program runs.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let Grid { channels, stride } = self.latents;
        if !STRIDES.contains(&stride) || self.hyper.iter().any(|hyper| hyper.grid.stride != HYPER * stride) {
            return Err(refused(
                "latents",
                format!("their stride is one of {STRIDES:?}, and that of hyper-latents {HYPER} times as large"),
            ));
        }
        if channels > Config::MAX_CHANNELS {
            return Err(refused("latents", format!("they have at most {} channels", Config::MAX_CHANNELS)));
        }
        if !self.schedule.is_whole(channels) {
            return Err(refused("schedule", format!("it does not set each of {channels} channels once at every place")));
        }
        if let Some(HyperShape { grid, h_s }) = &self.hyper {
            h_s.check(&Rule { channels_in: grid.channels, channels: h_s.channels(), growth: (grid.stride, stride) })?;
            h_s.check_from(&[Input::Z])?;
            h_s.check_int8(Folds { unshuffle: 1, shuffle: 2 })?;
        }
        self.predictors.iter().try_for_each(|chain| self.check_predictor(chain))?;
        self.check_steps()?;
        self.g_s.check(&Rule { channels_in: channels, channels: RGB, growth: (stride, 1) })?;
        self.g_s.check_from(&[Input::VHat])?;
        self.g_s.check_bias(1)?;
        self.g_s.check_transform()
    }

    fn check_predictor(&self, chain: &ChainShape) -> Result<(), Error> {
        chain.check(&Rule { channels_in: self.channels_of(&chain.from), channels: self.latents.channels, growth: (1, 1) })?;
        let ([Input::H] | [Input::H, Input::VHat]) = chain.from[..] else {
            return Err(refused(&chain.name, "a predictor sees h, and perhaps v_hat behind it"));
        };
        chain.check_int8(Folds { unshuffle: 1, shuffle: 1 })?;
        if chain.stages.last().is_none_or(|last| !last.blocks.is_empty()) {
            return Err(refused(&chain.name, "a predictor's last stage has no blocks"));
        }
        Ok(())
    }

    fn check_steps(&self) -> Result<(), Error> {
        let (first, others) = self.schedule.steps.split_first().ok_or_else(|| refused("schedule", "it has no step"))?;
        if self.hyper.is_none() && !self.predictors.is_empty() {
            return Err(refused("predictors", "they need h, and there is none"));
        }
        if first.scale.is_some() != self.hyper.is_some() || others.iter().any(|step| step.scale.is_some()) {
            return Err(refused("schedule", "the first step alone has scales, of a chain where there is h, else of a table"));
        }
        if first.width.is_some() && self.hyper.is_none() || others.iter().any(|step| step.width.is_some()) {
            return Err(refused("schedule", "the first step alone may have widths, where there is h"));
        }
        let heads: Vec<usize> = first.scale.into_iter().chain(first.width).collect();
        if let Some(head) = heads.iter().map(|&head| &self.predictors[head]).find(|head| head.from != [Input::H] || head.stages.len() != 1)
        {
            return Err(refused(&head.name, "scales and widths come from h through one layer"));
        }
        let means: Vec<usize> = self.schedule.steps.iter().filter_map(|step| step.mean).collect();
        if let Some(&head) = heads.iter().find(|head| means.contains(head) || first.scale == first.width) {
            return Err(refused(&self.predictors[head].name, "a predictor makes means, scales or widths"));
        }
        let used = |i: usize| means.contains(&i) || heads.contains(&i);
        if let Some(unused) = (0..self.predictors.len()).find(|&i| !used(i)) {
            return Err(refused(&self.predictors[unused].name, "no step uses this predictor"));
        }
        Ok(())
    }
}

impl EncoderShape {
    /// That of its latents.
    fn stride(&self) -> usize {
        self.g_a.stages.iter().fold(1, |stride, stage| stage.unshuffle.saturating_mul(stride))
    }

    /// That its chains meet, and that it is of a form that this program runs.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let channels = self.g_a.channels();
        self.g_a.check(&Rule { channels_in: RGB, channels, growth: (1, self.stride()) })?;
        self.g_a.check_from(&[Input::Pixels])?;
        self.g_a.check_bias(0)?;
        self.g_a.check_transform()?;
        let Some(h_a) = &self.h_a else { return Ok(()) };
        h_a.check(&Rule { channels_in: channels, channels: h_a.channels(), growth: (1, HYPER) })?;
        h_a.check_from(&[Input::V])?;
        h_a.check_int8(Folds { unshuffle: 2, shuffle: 1 })
    }
}

/// The largest factors that an engine runs in a chain.
#[derive(Clone, Copy)]
struct Folds {
    unshuffle: usize,
    shuffle: usize,
}

/// The forms that the engines run.
impl ChainShape {
    fn check_from(&self, inputs: &[Input]) -> Result<(), Error> {
        if self.from == inputs { Ok(()) } else { Err(refused(&self.name, format!("it reads {inputs:?} alone"))) }
    }

    /// Only the first `stages` stages may have a bias.
    fn check_bias(&self, stages: usize) -> Result<(), Error> {
        match self.stages.iter().skip(stages).find(|stage| stage.bias.is_some()) {
            Some(stage) => Err(refused(&stage.name, "a bias stands in the first stage of g_s alone")),
            None => Ok(()),
        }
    }

    /// g_a and g_s: a stage whose blocks work at 1/8 of the picture's size, and a layer.
    fn check_transform(&self) -> Result<(), Error> {
        let [first, last] = &self.stages[..] else { return Err(refused(&self.name, "it has two stages")) };
        let wide = first.product == Product::Wide && last.product == Product::Wide;
        if !wide
            || !last.blocks.is_empty()
            || first.unshuffle.max(last.shuffle) != BLOCK
            || first.shuffle.max(last.unshuffle) > STRIDES[2] / BLOCK
        {
            return Err(refused(
                &self.name,
                "its layers are wide; blocks work at 1/8 of the picture's size, and end before the last layer",
            ));
        }
        Ok(())
    }

    /// The other chains: int8 layers, and blocks behind all but the last.
    fn check_int8(&self, largest: Folds) -> Result<(), Error> {
        self.check_bias(0)?;
        let last = self.stages.len() - 1;
        for (i, stage) in self.stages.iter().enumerate() {
            // What is unshuffled comes from a block of the chain.
            let Folds { unshuffle, shuffle } = Folds { unshuffle: if i == 0 { 1 } else { largest.unshuffle }, ..largest };
            if stage.product == Product::Wide {
                return Err(refused(&stage.name, "layers of entropy networks are no wide ones"));
            }
            if stage.unshuffle > unshuffle || stage.shuffle > shuffle {
                return Err(refused(&stage.name, format!("here the unshuffle is at most {unshuffle}, the shuffle at most {shuffle}")));
            }
            if i < last && stage.blocks.is_empty() {
                return Err(refused(&stage.name, "each stage but the last has blocks"));
            }
        }
        Ok(())
    }
}

//! The forms of networks: the first one, and the rules that all keep (docs/MODEL.md section 8). Weights have no part in it.

use crate::{Block, Chain, Config, Decoder, Encoder, Error, GainTable, Input, Layer, Pointwise, QualityScale, RowTable, Schedule, Stage};

/// Channels of pixels.
const RGB: usize = 3;
/// Latents on a side of the square that a hyper-latent stands for.
pub const HYPER: usize = 4;
/// Pixels on a side of what a position of g_a's and g_s's blocks stands for.
const BLOCK: usize = 8;
/// Pixels on a side of the square that a latent may stand for.
const STRIDES: [usize; 3] = [BLOCK, 2 * BLOCK, 4 * BLOCK];
/// Largest factor of a shuffle.
const MAX_FACTOR: usize = 16;
/// Most stages of a chain.
const MAX_STAGES: usize = 8;

impl Decoder {
    /// The first network (docs/MODEL.md section 5), in the sizes of a config, without elements.
    pub(crate) fn v1(config: &Config) -> Decoder {
        let Config { c, m, z, p, .. } = *config;
        let context = |k: usize| {
            let name = format!("context.{k}");
            let first = stage(&name, "first", p + m, p).blocks(["block".to_owned()], 1);
            chain(&name, &[Input::H, Input::VHat], [first, stage(&name, "last", p, m).reading()])
        };
        let head = |name: &str| chain(name, &[Input::H], [of_layer(Layer::Int8(Pointwise::empty(name.to_owned(), m, p)))]);
        let h_s = [
            stage("h_s", "first", z, 4 * p).shuffled(2).blocks(["block1".to_owned()], 1),
            stage("h_s", "mid", p, 4 * p).reading().shuffled(2).blocks(["block2".to_owned()], 1),
        ];
        let first = wide("g_s", "first", m, 4 * c).shuffled(2).blocks(numbered(config.n_d), 2);
        let bias = RowTable { name: "bias.dec".to_owned(), rows: Vec::new() };
        let g_s = [Stage { bias: Some(bias), ..first }, wide("g_s", "last", c, 192).shuffled(BLOCK)];
        Decoder::empty(
            config.clone(),
            Some(chain("h_s", &[Input::Z], h_s)),
            (0..3).map(context).chain(["mean_head", "scale_head", "width_head"].map(head)).collect(),
            Schedule::quarters(m),
            chain("g_s", &[Input::VHat], g_s),
        )
    }

    /// A part of these chains, without elements.
    pub(crate) fn empty(config: Config, h_s: Option<Chain>, predictors: Vec<Chain>, schedule: Schedule, g_s: Chain) -> Decoder {
        Decoder {
            name: String::new(),
            id: [0; 8],
            config,
            h_s,
            h_read: Vec::new(),
            v_hat_read: Vec::new(),
            predictors,
            schedule,
            g_s,
            tables: Default::default(),
            widths: Default::default(),
            scale_lut: Vec::new(),
            cdf_sizes: Vec::new(),
            cdf: Vec::new(),
        }
    }

    /// Channels of maps together.
    pub(crate) fn channels_of(&self, inputs: &[Input]) -> usize {
        let channels = |input: &Input| match input {
            Input::Pixels => RGB,
            Input::V | Input::VHat => self.config.m,
            Input::Z => self.config.z,
            Input::H => self.config.p,
        };
        inputs.iter().map(channels).fold(0, usize::saturating_add)
    }
}

impl Encoder {
    /// The first network (docs/MODEL.md section 6), in the sizes of a config, without elements.
    pub(crate) fn v1(config: &Config) -> Encoder {
        let Config { c, m, z, p, .. } = *config;
        let g_a =
            [wide("g_a", "first", 192, c).unshuffled(BLOCK).blocks(numbered(config.n_e), 2), wide("g_a", "last", 4 * c, m).unshuffled(2)];
        let h_a = [
            stage("h_a", "first", m, p).reading().blocks(["block1".to_owned()], 1),
            stage("h_a", "mid", 4 * p, p).reading().unshuffled(2).blocks(["block2".to_owned()], 1),
            stage("h_a", "last", 4 * p, z).reading().unshuffled(2),
        ];
        Encoder::empty(config.clone(), chain("g_a", &[Input::Pixels], g_a), Some(chain("h_a", &[Input::V], h_a)))
    }

    /// A part of these chains, without elements.
    pub(crate) fn empty(config: Config, g_a: Chain, h_a: Option<Chain>) -> Encoder {
        let (gain_z, quality_scale) = (GainTable::default(), QualityScale::default());
        Encoder { name: String::new(), config, decoder_id: [0; 8], g_a, h_a, gain_z, quality_scale }
    }
}

fn chain<const N: usize>(name: &str, from: &[Input], stages: [Stage; N]) -> Chain {
    Chain { name: name.to_owned(), from: from.to_vec(), stages: stages.into() }
}

fn of_layer(layer: Layer) -> Stage {
    Stage { read: None, unshuffle: 1, layer, shuffle: 1, bias: None, blocks: Vec::new() }
}

/// An int8 layer on codes.
fn stage(chain: &str, layer: &str, inputs: usize, outputs: usize) -> Stage {
    of_layer(Layer::Int8(Pointwise::empty(format!("{chain}.{layer}"), outputs, inputs)))
}

fn wide(chain: &str, layer: &str, inputs: usize, outputs: usize) -> Stage {
    of_layer(Layer::Wide(Pointwise::empty(format!("{chain}.{layer}"), outputs, inputs)))
}

fn numbered(count: usize) -> impl Iterator<Item = String> {
    (0..count).map(|i| format!("blocks.{i}"))
}

impl Stage {
    fn reading(self) -> Stage {
        Stage { read: Some(Vec::new()), ..self }
    }

    fn unshuffled(self, unshuffle: usize) -> Stage {
        Stage { unshuffle, ..self }
    }

    fn shuffled(self, shuffle: usize) -> Stage {
        Stage { shuffle, ..self }
    }

    fn blocks(self, names: impl IntoIterator<Item = String>, expansion: usize) -> Stage {
        let chain = self.layer.name().rsplit_once('.').map_or("", |(chain, _)| chain);
        let block = |name: String| Block::empty(&format!("{chain}.{name}"), self.channels(), expansion);
        Stage { blocks: names.into_iter().map(block).collect(), ..self }
    }
}

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

impl Decoder {
    /// That its chains meet, that each latent is set once, and that it is of a form that this program runs.
    pub(crate) fn check_form(&self) -> Result<(), Error> {
        let (channels, stride) = (self.config.m, self.config.stride);
        if !STRIDES.contains(&stride) {
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
        if let Some(h_s) = &self.h_s {
            h_s.check(&Rule { channels_in: self.config.z, channels: h_s.channels(), growth: (HYPER, 1) })?;
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

    fn check_predictor(&self, chain: &Chain) -> Result<(), Error> {
        chain.check(&Rule { channels_in: self.channels_of(&chain.from), channels: self.config.m, growth: (1, 1) })?;
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
        if self.h_s.is_none() && !self.predictors.is_empty() {
            return Err(refused("predictors", "they need h, and there is none"));
        }
        if first.scale.is_some() != self.h_s.is_some() || others.iter().any(|step| step.scale.is_some()) {
            return Err(refused("schedule", "the first step alone has scales, of a chain where there is h, else of a table"));
        }
        if first.width.is_some() && self.h_s.is_none() || others.iter().any(|step| step.width.is_some()) {
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

impl Encoder {
    /// That its chains meet, and that it is of a form that this program runs.
    pub(crate) fn check_form(&self) -> Result<(), Error> {
        let channels = self.g_a.channels();
        self.g_a.check(&Rule { channels_in: RGB, channels, growth: (1, self.config.stride) })?;
        self.g_a.check_from(&[Input::Pixels])?;
        self.g_a.check_bias(0)?;
        self.g_a.check_transform()?;
        let Some(h_a) = &self.h_a else { return Ok(()) };
        h_a.check(&Rule { channels_in: channels, channels: h_a.channels(), growth: (1, HYPER) })?;
        h_a.check_from(&[Input::V])?;
        h_a.check_int8(Folds { unshuffle: 2, shuffle: 1 })
    }
}

impl Chain {
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

impl Stage {
    fn check(&self, chain: &str, channels_in: usize) -> Result<(), Error> {
        let (name, inputs, outputs) = (|| format!("{chain}: {}", self.layer.name()), self.layer.inputs(), self.layer.outputs());
        let factor = |factor: usize| factor.is_power_of_two() && factor <= MAX_FACTOR;
        if !factor(self.unshuffle) || !factor(self.shuffle) || !outputs.is_multiple_of(self.shuffle * self.shuffle) {
            return Err(refused(&name(), format!("a shuffle is 1, 2, 4, 8 or {MAX_FACTOR}, and divides its channels")));
        }
        if self.channels_in() != channels_in {
            return Err(refused(&name(), format!("it reads {} channels, but gets {channels_in}", self.channels_in())));
        }
        let wide = |channels: usize| channels.is_multiple_of(4) && (4..=Config::MAX_CHANNELS).contains(&channels);
        let pixels = channels_in == RGB || self.channels() == RGB;
        if !wide(inputs) || !wide(outputs) || !(wide(self.channels()) || pixels) || self.blocks.len() > Config::MAX_BLOCKS {
            let channels = Config::MAX_CHANNELS;
            return Err(refused(&name(), format!("channels are multiples of 4 up to {channels}, blocks at most {}", Config::MAX_BLOCKS)));
        }
        if self.blocks.iter().any(|block| !(1..=4).contains(&block.expansion())) {
            return Err(refused(&name(), "the expansion of a block is 1 to 4"));
        }
        Ok(())
    }
}

/// The largest factors that an engine runs in a chain.
#[derive(Clone, Copy)]
struct Folds {
    unshuffle: usize,
    shuffle: usize,
}

/// The forms that the engines run.
impl Chain {
    fn check_from(&self, inputs: &[Input]) -> Result<(), Error> {
        if self.from == inputs { Ok(()) } else { Err(refused(&self.name, format!("it reads {inputs:?} alone"))) }
    }

    /// Only the first `stages` stages may have a bias.
    fn check_bias(&self, stages: usize) -> Result<(), Error> {
        match self.stages.iter().skip(stages).find(|stage| stage.bias.is_some()) {
            Some(stage) => Err(refused(stage.layer.name(), "a bias stands in the first stage of g_s alone")),
            None => Ok(()),
        }
    }

    /// g_a and g_s: a stage whose blocks work at 1/8 of the picture's size, and a layer.
    fn check_transform(&self) -> Result<(), Error> {
        let [first, last] = &self.stages[..] else { return Err(refused(&self.name, "it has two stages")) };
        let (outer, inner) = (first.unshuffle.max(last.shuffle), first.shuffle.max(last.unshuffle));
        if !first.layer.is_wide()
            || !last.layer.is_wide()
            || !last.blocks.is_empty()
            || outer != BLOCK
            || !STRIDES.contains(&(outer * inner))
        {
            let reason = "its layers are wide; blocks work at 1/8 of the picture's size, and end before the last layer";
            return Err(refused(&self.name, reason));
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
            let refused = |reason: String| refused(stage.layer.name(), reason);
            if stage.layer.is_wide() {
                return Err(refused("layers of entropy networks are no wide ones".to_owned()));
            }
            if stage.unshuffle > unshuffle || stage.shuffle > shuffle {
                return Err(refused(format!("here the unshuffle is at most {unshuffle}, the shuffle at most {shuffle}")));
            }
            if i < last && stage.blocks.is_empty() {
                return Err(refused("each stage but the last has blocks".to_owned()));
            }
        }
        Ok(())
    }
}

//! Reads model files: metadata, then each tensor by its name, shape and element type (docs/MODEL.md section 8).

use std::collections::{BTreeMap, HashMap};

use safetensors::SafeTensors;
use safetensors::tensor::TensorView;
use serde_json::Value;

use crate::parts::hex;
use crate::tables::KNOTS;
use crate::tensors::Element;
use crate::{
    Block, BlockShape, Chain, ChainShape, Config, Decoder, DecoderShape, Depthwise, Encoder, EncoderShape, Error, GainTable, Input, Layer,
    Pointwise, Product, QualityScale, RowTable, SEMANTICS_VERSION, Stage, StageShape, Tables, WidthTables, check,
};

impl Decoder {
    /// Reads `NAME.decoder.safetensors`, checks every range, table and accumulator, and recomputes the id.
    /// Any deviation from docs/MODEL.md is an [`Error`] that names the tensor.
    pub fn from_safetensors(bytes: &[u8]) -> Result<Decoder, Error> {
        let header = Header::read(bytes)?;
        let mut source = Source::new(bytes)?;
        let decoder = source.decoder(&header)?;
        source.finish()?;
        check::decoder(&decoder)?;
        let computed = decoder.canonical_id();
        if computed != header.id {
            return Err(Error::Id { computed: hex(computed), claimed: hex(header.id) });
        }
        Ok(decoder)
    }
}

impl Encoder {
    /// Reads `NAME.encoder.safetensors` and checks every range, table and accumulator.
    /// Any deviation from docs/MODEL.md is an [`Error`] that names the tensor. [`crate::Model::new`] checks that its decoder is the right one.
    pub fn from_safetensors(bytes: &[u8]) -> Result<Encoder, Error> {
        let header = Header::read(bytes)?;
        let mut source = Source::new(bytes)?;
        let encoder = Encoder { quality_scale: QualityScale::of_encoder(bytes)?.1, ..source.encoder(&header)? };
        source.finish()?;
        check::encoder(&encoder)?;
        Ok(encoder)
    }
}

impl QualityScale {
    /// That of an encoder part, with the id of its decoder; no weight is read. A part without one has the default.
    pub fn of_encoder(bytes: &[u8]) -> Result<([u8; 8], QualityScale), Error> {
        let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(not_safetensors)?;
        let empty = HashMap::new();
        let entries = metadata.metadata().as_ref().unwrap_or(&empty);
        let scale = entries.get("quality_scale").map_or_else(|| Ok(QualityScale::default()), |text| QualityScale::parse(text))?;
        Ok((id(entry(entries, "model_id")?)?, scale))
    }
}

/// A file's `__metadata__`, with what its part is made of.
struct Header<Shape> {
    name: String,
    config: Config,
    shape: Shape,
    id: [u8; 8],
}

/// The shape of either part.
trait PartShape: Sized {
    /// The part's name.
    const PART: &'static str;
    /// Of the first form.
    fn v1(config: &Config) -> Self;
    /// From its text, with the sizes that it says.
    fn parse(network: &str, rest: Config) -> Result<(Config, Self), Error>;
}

impl PartShape for DecoderShape {
    const PART: &'static str = "decoder";

    fn v1(config: &Config) -> DecoderShape {
        DecoderShape::v1(config)
    }

    fn parse(network: &str, rest: Config) -> Result<(Config, DecoderShape), Error> {
        let shape = DecoderShape::parse(network)?;
        let config = shape.config(rest);
        if shape == DecoderShape::v1(&config) {
            let reason = "C, M, Z, P, n_e, n_d say it, so it is written without a text".to_owned();
            return Err(Error::Network { name: "text".to_owned(), reason });
        }
        Ok((config, shape))
    }
}

impl PartShape for EncoderShape {
    const PART: &'static str = "encoder";

    fn v1(config: &Config) -> EncoderShape {
        EncoderShape::v1(config)
    }

    fn parse(network: &str, rest: Config) -> Result<(Config, EncoderShape), Error> {
        let shape = EncoderShape::parse(network)?;
        Ok((shape.config(rest), shape))
    }
}

impl<Shape: PartShape> Header<Shape> {
    fn read(bytes: &[u8]) -> Result<Header<Shape>, Error> {
        let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(not_safetensors)?;
        let empty = HashMap::new();
        let entries = metadata.metadata().as_ref().unwrap_or(&empty);
        expect(entries, "format", "calotype-model")?;
        let semantics = entry(entries, "semantics")?;
        if *semantics != SEMANTICS_VERSION.to_string() {
            return Err(Error::Semantics { found: semantics.clone(), known: SEMANTICS_VERSION });
        }
        expect(entries, "part", Shape::PART)?;
        let mut sizes = Sizes::of(entry(entries, "config")?)?;
        let numbers = sizes.numbers()?;
        let (config, shape) = match entries.get("network") {
            Some(network) => Shape::parse(network, numbers)?,
            None => sizes.config(numbers).map(|config| (config.clone(), Shape::v1(&config)))?,
        };
        sizes.finish()?;
        Ok(Header { name: entry(entries, "name")?.clone(), config, shape, id: id(entry(entries, "model_id")?)? })
    }
}

fn not_safetensors(error: safetensors::SafeTensorError) -> Error {
    Error::NotSafetensors { reason: error.to_string() }
}

fn entry<'a>(entries: &'a HashMap<String, String>, key: &'static str) -> Result<&'a String, Error> {
    entries.get(key).ok_or(Error::MissingMetadata { key })
}

fn expect(entries: &HashMap<String, String>, key: &'static str, expected: &str) -> Result<(), Error> {
    let value = entry(entries, key)?;
    if value == expected {
        return Ok(());
    }
    Err(Error::Metadata { key, value: value.clone(), expected: format!("`{expected}`") })
}

fn id(text: &str) -> Result<[u8; 8], Error> {
    let digits = text.len() == 16 && text.bytes().all(|digit| digit.is_ascii_hexdigit());
    let parsed = u64::from_str_radix(text, 16).ok().filter(|_| digits);
    let expected = || "16 hexadecimal digits".to_owned();
    parsed.map(u64::to_be_bytes).ok_or_else(|| Error::Metadata { key: "model_id", value: text.to_owned(), expected: expected() })
}

/// The entries of `config` that nobody has taken yet.
struct Sizes(serde_json::Map<String, Value>);

impl Sizes {
    fn of(text: &str) -> Result<Sizes, Error> {
        let not_object = |_| Error::Metadata { key: "config", value: text.to_owned(), expected: "a JSON object of integers".to_owned() };
        serde_json::from_str(text).map(Sizes).map_err(not_object)
    }

    /// What a config says beside sizes.
    fn numbers(&mut self) -> Result<Config, Error> {
        let offset = i64::from(Config::MAX_LUT_OFFSET);
        Ok(Config {
            c: 0,
            m: 0,
            z: 0,
            p: 0,
            stride: 16,
            n_e: 0,
            n_d: 0,
            skip_below: self.integer("skip_below", 0, 255)? as u8,
            scale_lut_offset: self.integer("scale_lut_offset", -offset, offset)? as i32,
            released: self.integer("released", 0, 1)? == 1,
        })
    }

    /// The sizes of a network of the first form.
    fn config(&mut self, rest: Config) -> Result<Config, Error> {
        Ok(Config {
            c: self.channels("C")?,
            m: self.channels("M")?,
            z: self.channels("Z")?,
            p: self.channels("P")?,
            n_e: self.integer("n_e", 0, Config::MAX_BLOCKS as i64)? as usize,
            n_d: self.integer("n_d", 0, Config::MAX_BLOCKS as i64)? as usize,
            ..rest
        })
    }

    fn finish(self) -> Result<(), Error> {
        match self.0.into_iter().next() {
            Some((key, value)) => Err(Error::Config { key, value: value.to_string(), expected: "no such key".to_owned() }),
            None => Ok(()),
        }
    }

    fn integer(&mut self, key: &str, least: i64, most: i64) -> Result<i64, Error> {
        let value = self.0.remove(key).unwrap_or(Value::Null);
        let integer = value.as_i64().filter(|integer| (least..=most).contains(integer));
        let expected = || format!("an integer in {least}..={most}");
        integer.ok_or_else(|| Error::Config { key: key.to_owned(), value: value.to_string(), expected: expected() })
    }

    /// Channels come in fours: M has four quarters, and engines pack four codes in a word.
    fn channels(&mut self, key: &str) -> Result<usize, Error> {
        let channels = self.integer(key, 4, Config::MAX_CHANNELS as i64)?;
        if channels % 4 != 0 {
            let expected = "a multiple of 4".to_owned();
            return Err(Error::Config { key: key.to_owned(), value: channels.to_string(), expected });
        }
        Ok(channels as usize)
    }
}

/// The tensors of a file that no layer has taken yet.
struct Source<'a>(BTreeMap<String, TensorView<'a>>);

impl<'a> Source<'a> {
    fn new(bytes: &'a [u8]) -> Result<Source<'a>, Error> {
        let file = SafeTensors::deserialize(bytes).map_err(not_safetensors)?;
        Ok(Source(file.tensors().into_iter().collect()))
    }

    fn finish(self) -> Result<(), Error> {
        match self.0.into_keys().next() {
            Some(name) => Err(Error::SurplusTensor { name }),
            None => Ok(()),
        }
    }

    fn typed<T: Element>(&mut self, name: &str) -> Result<TensorView<'a>, Error> {
        let view = self.0.remove(name).ok_or_else(|| Error::MissingTensor { name: name.to_owned() })?;
        if view.dtype() != T::DTYPE {
            return Err(Error::ElementType { name: name.to_owned(), found: format!("{:?}", view.dtype()), expected: T::NAME });
        }
        Ok(view)
    }

    fn take<T: Element>(&mut self, name: &str, shape: &[usize]) -> Result<Vec<T>, Error> {
        let view = self.typed::<T>(name)?;
        if view.shape() != shape {
            return Err(Error::Shape { name: name.to_owned(), found: view.shape().to_vec(), expected: shape.to_vec() });
        }
        Ok(T::read_all(view.data()))
    }

    fn ends(&mut self, name: &str, outputs: usize) -> Result<(Vec<i32>, Vec<u8>), Error> {
        Ok((self.take(&format!("{name}.bias"), &[outputs])?, self.take(&format!("{name}.shift"), &[outputs])?))
    }

    fn read_shift(&mut self, name: &str, channels: usize) -> Result<Vec<u8>, Error> {
        self.take(&format!("{name}.read_shift"), &[channels])
    }

    fn pointwise<W: Element>(&mut self, name: &str, outputs: usize, inputs: usize) -> Result<Pointwise<W>, Error> {
        let weight = self.take(&format!("{name}.weight"), &[outputs, inputs])?;
        let (bias, shift) = self.ends(name, outputs)?;
        Ok(Pointwise { name: name.to_owned(), inputs, outputs, weight, bias, shift })
    }

    fn depthwise(&mut self, name: &str, channels: usize) -> Result<Depthwise, Error> {
        let weight = self.take(&format!("{name}.weight"), &[channels, 3, 3])?;
        let (bias, shift) = self.ends(name, channels)?;
        Ok(Depthwise { name: name.to_owned(), channels, weight, bias, shift })
    }

    fn block(&mut self, shape: &BlockShape, channels: usize) -> Result<Block, Error> {
        let (layer, hidden) = (|suffix: &str| format!("{}.{suffix}", shape.name), shape.expansion * channels);
        Ok(Block {
            pw1_read: self.read_shift(&layer("pw1"), channels)?,
            pw1: self.pointwise(&layer("pw1"), channels, channels)?,
            dw: self.depthwise(&layer("dw"), channels)?,
            pw2: self.pointwise(&layer("pw2"), channels, channels)?,
            ffn1_read: self.read_shift(&layer("ffn1"), channels)?,
            ffn1: self.pointwise(&layer("ffn1"), hidden, channels)?,
            ffn2: self.pointwise(&layer("ffn2"), channels, hidden)?,
        })
    }

    fn stage(&mut self, shape: &StageShape) -> Result<Stage, Error> {
        let (name, channels) = (&shape.name, shape.channels());
        let table =
            |source: &mut Source<'a>, name: &String| Ok(RowTable { name: name.clone(), rows: source.take(name, &[KNOTS, channels])? });
        Ok(Stage {
            read: if shape.reads { Some(self.read_shift(name, shape.channels_in())?) } else { None },
            unshuffle: shape.unshuffle,
            layer: match shape.product {
                Product::Int8 => Layer::Int8(self.pointwise(name, shape.outputs, shape.inputs)?),
                Product::Wide => Layer::Wide(self.pointwise(name, shape.outputs, shape.inputs)?),
            },
            shuffle: shape.shuffle,
            bias: shape.bias.as_ref().map(|name| table(self, name)).transpose()?,
            blocks: shape.blocks.iter().map(|block| self.block(block, channels)).collect::<Result<_, _>>()?,
        })
    }

    fn chain(&mut self, shape: &ChainShape) -> Result<Chain, Error> {
        let stages = shape.stages.iter().map(|stage| self.stage(stage)).collect::<Result<_, _>>()?;
        Ok(Chain { name: shape.name.clone(), from: shape.from.clone(), stages })
    }

    fn gain(&mut self, name: &str, channels: usize) -> Result<GainTable, Error> {
        Ok(GainTable { gain: self.take(name, &[KNOTS, channels])?, shift: self.take(&format!("{name}_shift"), &[channels])? })
    }

    /// Those of z only where there is z; the scales of y by the gain of a predictor, or as they are.
    fn tables(&mut self, config: &Config) -> Result<Tables, Error> {
        let is_hyper = config.z > 0;
        let nothing = GainTable { gain: Vec::new(), shift: Vec::new() };
        let mut rows = |name: &str, channels: usize, there: bool| if there { self.take(name, &[KNOTS, channels]) } else { Ok(Vec::new()) };
        let (log_gain_y, log_sigma_y) = (rows("log_gain.y", config.m, is_hyper)?, rows("log_sigma.y", config.m, !is_hyper)?);
        let log_sigma_z = rows("log_sigma.z", config.z, is_hyper)?;
        Ok(Tables {
            gain_y: self.gain("gain.y", config.m)?,
            gain_y_dec: self.gain("gain.y_dec", config.m)?,
            gain_z_dec: if is_hyper { self.gain("gain.z_dec", config.z)? } else { nothing },
            log_gain_y,
            log_sigma_y,
            log_sigma_z,
        })
    }

    /// Two tables of one odd length; none without a predictor of widths.
    fn widths(&mut self, shape: &DecoderShape) -> Result<WidthTables, Error> {
        if shape.schedule.steps[0].width.is_none() {
            return Ok(WidthTables::default());
        }
        let view = self.typed::<i16>("width.y")?;
        let odd = |&length: &usize| length % 2 == 1 && length <= WidthTables::MOST;
        let Some(length) = <[usize; 1]>::try_from(view.shape()).ok().map(|[length]| length).filter(odd) else {
            return Err(Error::WidthCount { found: view.shape().to_vec() });
        };
        Ok(WidthTables { y: i16::read_all(view.data()), y_dec: self.take("width.y_dec", &[length])? })
    }

    /// `cdf_sizes` and `cdf`, whose length the sizes fix.
    fn cdfs(&mut self) -> Result<(Vec<u16>, Vec<u16>), Error> {
        let view = self.typed::<u16>("cdf_sizes")?;
        if view.shape().len() != 1 || !(1..=256).contains(&view.shape()[0]) {
            return Err(Error::TableCount { found: view.shape().to_vec() });
        }
        let sizes = u16::read_all(view.data());
        let slots = sizes.iter().map(|&size| 2 * usize::from(size) + 2).sum();
        Ok((sizes, self.take("cdf", &[slots])?))
    }

    /// Nothing for a map that no predictor reads.
    fn read_of(&mut self, name: &str, input: Input, shape: &DecoderShape) -> Result<Vec<u8>, Error> {
        let is_read = shape.predictors.iter().any(|chain| chain.from.contains(&input));
        if is_read { self.read_shift(name, shape.channels_of(&[input])) } else { Ok(Vec::new()) }
    }

    fn decoder(&mut self, header: &Header<DecoderShape>) -> Result<Decoder, Error> {
        let Header { name, config, shape, id } = header;
        let (cdf_sizes, cdf) = self.cdfs()?;
        Ok(Decoder {
            name: name.clone(),
            id: *id,
            config: config.clone(),
            h_s: shape.hyper.as_ref().map(|hyper| self.chain(&hyper.h_s)).transpose()?,
            h_read: self.read_of("h", Input::H, shape)?,
            v_hat_read: self.read_of("v_hat", Input::VHat, shape)?,
            predictors: shape.predictors.iter().map(|chain| self.chain(chain)).collect::<Result<_, _>>()?,
            schedule: shape.schedule.clone(),
            g_s: self.chain(&shape.g_s)?,
            tables: self.tables(config)?,
            widths: self.widths(shape)?,
            scale_lut: self.take("scale_lut", &[512])?,
            cdf_sizes,
            cdf,
        })
    }

    fn encoder(&mut self, header: &Header<EncoderShape>) -> Result<Encoder, Error> {
        let Header { name, config, shape, id } = header;
        Ok(Encoder {
            name: name.clone(),
            config: config.clone(),
            decoder_id: *id,
            g_a: self.chain(&shape.g_a)?,
            h_a: shape.h_a.as_ref().map(|h_a| self.chain(h_a)).transpose()?,
            gain_z: if shape.h_a.is_some() { self.gain("gain.z", config.z)? } else { GainTable { gain: Vec::new(), shift: Vec::new() } },
            quality_scale: QualityScale::default(),
        })
    }
}

//! Reads model files: metadata, then each tensor by its name, shape and element type (docs/MODEL.md section 8).

use std::collections::{BTreeMap, HashMap};
use std::ops::RangeInclusive;

use safetensors::SafeTensors;
use safetensors::tensor::TensorView;
use serde_json::Value;

use crate::parts::hex;
use crate::tensors::{Tensor, Values};
use crate::{Config, Decoder, Encoder, Error, QualityScale, SEMANTICS_VERSION, WidthTables, check};

impl Decoder {
    /// Reads `NAME.decoder.safetensors`, checks every range, table and accumulator, and recomputes the id.
    /// Any deviation from docs/MODEL.md is an [`Error`] that names the tensor.
    pub fn from_safetensors(bytes: &[u8]) -> Result<Decoder, Error> {
        let header = Header::read(bytes, "decoder")?;
        let (name, id, says_network) = (header.name.clone(), header.id, header.network.is_some());
        let mut decoder = Decoder { name, id, ..header.part(Decoder::parse, Decoder::v1)? };
        if says_network && decoder.network_text().is_none() {
            let reason = "C, M, Z, P, n_e, n_d say it, so it is written without a text".to_owned();
            return Err(Error::Network { name: "text".to_owned(), reason });
        }
        let source = Source::new(bytes)?;
        decoder.cdf_sizes = vec![0; source.length("cdf_sizes", 1..=256)?];
        source.read("cdf_sizes", &mut decoder.cdf_sizes)?;
        if decoder.width_predictor().is_some() {
            decoder.widths.y = vec![0; source.length("width.y", 1..=WidthTables::MOST)?];
            if decoder.widths.y.len().is_multiple_of(2) {
                return Err(Error::WidthCount { found: decoder.widths.y.len() });
            }
        }
        source.fill(decoder.tensors())?;
        check::decoder(&mut decoder)?;
        let computed = decoder.canonical_id();
        if computed != id {
            return Err(Error::Id { computed: hex(computed), claimed: hex(id) });
        }
        Ok(decoder)
    }
}

impl Encoder {
    /// Reads `NAME.encoder.safetensors` and checks every range, table and accumulator.
    /// Any deviation from docs/MODEL.md is an [`Error`] that names the tensor. [`crate::Model::new`] checks that its decoder is the right one.
    pub fn from_safetensors(bytes: &[u8]) -> Result<Encoder, Error> {
        let header = Header::read(bytes, "encoder")?;
        let (name, decoder_id, quality_scale) = (header.name.clone(), header.id, QualityScale::of_encoder(bytes)?.1);
        let mut encoder = Encoder { name, decoder_id, quality_scale, ..header.part(Encoder::parse, Encoder::v1)? };
        Source::new(bytes)?.fill(encoder.tensors())?;
        check::encoder(&mut encoder)?;
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

/// A file's `__metadata__`.
struct Header {
    name: String,
    id: [u8; 8],
    sizes: Sizes,
    network: Option<String>,
}

impl Header {
    fn read(bytes: &[u8], part: &str) -> Result<Header, Error> {
        let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(not_safetensors)?;
        let empty = HashMap::new();
        let entries = metadata.metadata().as_ref().unwrap_or(&empty);
        expect(entries, "format", "calotype-model")?;
        let semantics = entry(entries, "semantics")?;
        if *semantics != SEMANTICS_VERSION.to_string() {
            return Err(Error::Semantics { found: semantics.clone(), known: SEMANTICS_VERSION });
        }
        expect(entries, "part", part)?;
        Ok(Header {
            name: entry(entries, "name")?.clone(),
            id: id(entry(entries, "model_id")?)?,
            sizes: Sizes::of(entry(entries, "config")?)?,
            network: entries.get("network").cloned(),
        })
    }

    /// The part without elements: from the network's text, or of the first form.
    fn part<Part>(mut self, parse: fn(&str, Config) -> Result<Part, Error>, v1: fn(&Config) -> Part) -> Result<Part, Error> {
        let numbers = self.sizes.numbers()?;
        let part = match &self.network {
            Some(network) => parse(network, numbers)?,
            None => v1(&self.sizes.config(numbers)?),
        };
        self.sizes.finish()?;
        Ok(part)
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

/// The tensors of a file.
struct Source<'a>(BTreeMap<String, TensorView<'a>>);

impl<'a> Source<'a> {
    fn new(bytes: &'a [u8]) -> Result<Source<'a>, Error> {
        let file = SafeTensors::deserialize(bytes).map_err(not_safetensors)?;
        Ok(Source(file.tensors().into_iter().collect()))
    }

    fn view(&self, name: &str) -> Result<&TensorView<'a>, Error> {
        self.0.get(name).ok_or_else(|| Error::MissingTensor { name: name.to_owned() })
    }

    /// The elements of a tensor of one dimension, whose length nothing else says.
    fn length(&self, name: &'static str, range: RangeInclusive<usize>) -> Result<usize, Error> {
        match self.view(name)?.shape() {
            [length] if range.contains(length) => Ok(*length),
            found => Err(Error::Length { name, found: found.to_vec(), range }),
        }
    }

    fn read(&self, name: &str, values: &mut dyn Values) -> Result<(), Error> {
        let view = self.view(name)?;
        if view.dtype() != values.dtype() {
            return Err(Error::ElementType { name: name.to_owned(), found: format!("{:?}", view.dtype()), expected: values.type_name() });
        }
        values.read(view.data());
        Ok(())
    }

    /// Reads all tensors of a part, and refuses what else there is.
    fn fill(mut self, tensors: Vec<Tensor<'_>>) -> Result<(), Error> {
        for Tensor { name, shape, values, .. } in tensors {
            self.read(&name, values)?;
            let found = self.0.remove(&name).map_or_else(Vec::new, |view| view.shape().to_vec());
            if found != shape {
                return Err(Error::Shape { name, found, expected: shape });
            }
        }
        match self.0.into_keys().next() {
            Some(name) => Err(Error::SurplusTensor { name }),
            None => Ok(()),
        }
    }
}

//! The tensors of a model file by name: the canonical list, the id over it, and the writer (docs/MODEL.md section 8).

use std::borrow::Cow;
use std::collections::HashMap;

use bytemuck::Pod;
use safetensors::{Dtype, View};
use sha2::{Digest, Sha256};

use crate::parts::hex;
use crate::tables::KNOTS;
use crate::{
    Block, Chain, Config, Decoder, DecoderShape, Depthwise, Encoder, EncoderShape, Error, GainTable, Layer, Pointwise, QualityScale,
    SEMANTICS_VERSION, Stage,
};

/// An element type of model files, which are little endian.
pub(crate) trait Element: Pod {
    /// Its safetensors type.
    const DTYPE: Dtype;
    /// Its safetensors name.
    const NAME: &'static str;
    /// From or to little endian.
    fn little_endian(self) -> Self;

    /// The bytes of all elements.
    fn bytes_of(elements: &[Self]) -> Vec<u8> {
        let elements: Vec<Self> = elements.iter().map(|element| element.little_endian()).collect();
        bytemuck::cast_slice(&elements).to_vec()
    }

    /// All elements of bytes, which need not be aligned.
    fn read_all(bytes: &[u8]) -> Vec<Self> {
        let elements: Vec<Self> = bytemuck::pod_collect_to_vec(bytes);
        elements.into_iter().map(Self::little_endian).collect()
    }
}

macro_rules! element {
    ($rust:ty, $dtype:ident, $name:literal) => {
        impl Element for $rust {
            const DTYPE: Dtype = Dtype::$dtype;
            const NAME: &'static str = $name;
            fn little_endian(self) -> Self {
                self.to_le()
            }
        }
    };
}

element!(i8, I8, "I8");
element!(i16, I16, "I16");
element!(i32, I32, "I32");
element!(u8, U8, "U8");
element!(u16, U16, "U16");

/// A named tensor as a file holds it.
pub(crate) struct Tensor {
    name: String,
    dtype: Dtype,
    dtype_name: &'static str,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

impl View for &Tensor {
    fn dtype(&self) -> Dtype {
        self.dtype
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(&self.bytes)
    }

    fn data_len(&self) -> usize {
        self.bytes.len()
    }
}

/// Collects the tensors of a part.
#[derive(Default)]
struct List(Vec<Tensor>);

impl List {
    fn push<T: Element>(&mut self, name: String, shape: &[usize], values: &[T]) {
        self.0.push(Tensor { name, dtype: T::DTYPE, dtype_name: T::NAME, shape: shape.to_vec(), bytes: T::bytes_of(values) });
    }

    fn vector<T: Element>(&mut self, name: &str, values: &[T]) {
        self.push(name.to_owned(), &[values.len()], values);
    }

    fn ends(&mut self, layer: &str, bias: &[i32], shift: &[u8]) {
        self.vector(&format!("{layer}.bias"), bias);
        self.vector(&format!("{layer}.shift"), shift);
    }

    /// Nothing where nothing is read.
    fn read_shift(&mut self, layer: &str, shift: &[u8]) {
        if shift.is_empty() {
            return;
        }
        self.vector(&format!("{layer}.read_shift"), shift);
    }

    fn pointwise<W: Element>(&mut self, layer: &Pointwise<W>) {
        self.push(format!("{}.weight", layer.name), &[layer.outputs, layer.inputs], &layer.weight);
        self.ends(&layer.name, &layer.bias, &layer.shift);
    }

    fn depthwise(&mut self, layer: &Depthwise) {
        self.push(format!("{}.weight", layer.name), &[layer.channels, 3, 3], &layer.weight);
        self.ends(&layer.name, &layer.bias, &layer.shift);
    }

    fn block(&mut self, block: &Block) {
        self.read_shift(&block.pw1.name, &block.pw1_read);
        self.pointwise(&block.pw1);
        self.depthwise(&block.dw);
        self.pointwise(&block.pw2);
        self.read_shift(&block.ffn1.name, &block.ffn1_read);
        self.pointwise(&block.ffn1);
        self.pointwise(&block.ffn2);
    }

    fn stage(&mut self, stage: &Stage) {
        if let Some(read) = &stage.read {
            self.read_shift(stage.layer.name(), read);
        }
        match &stage.layer {
            Layer::Int8(layer) => self.pointwise(layer),
            Layer::Wide(layer) => self.pointwise(layer),
        }
        if let Some(bias) = &stage.bias {
            self.rows(&bias.name, &bias.rows);
        }
        stage.blocks.iter().for_each(|block| self.block(block));
    }

    fn chain(&mut self, chain: &Chain) {
        chain.stages.iter().for_each(|stage| self.stage(stage));
    }

    /// Nothing for a table that the network does not have.
    fn rows(&mut self, name: &str, rows: &[i16]) {
        if rows.is_empty() {
            return;
        }
        self.push(name.to_owned(), &[KNOTS, rows.len() / KNOTS], rows);
    }

    fn gain(&mut self, name: &str, table: &GainTable) {
        self.rows(name, &table.gain);
        if !table.shift.is_empty() {
            self.vector(&format!("{name}_shift"), &table.shift);
        }
    }
}

fn decoder_tensors(decoder: &Decoder) -> Vec<Tensor> {
    let mut list = List::default();
    decoder.chains().for_each(|chain| list.chain(chain));
    list.read_shift("h", &decoder.h_read);
    list.read_shift("v_hat", &decoder.v_hat_read);
    decoder_tables(&mut list, decoder);
    list.0.sort_by(|a, b| a.name.cmp(&b.name));
    list.0
}

fn decoder_tables(list: &mut List, decoder: &Decoder) {
    list.gain("gain.y", &decoder.tables.gain_y);
    list.gain("gain.y_dec", &decoder.tables.gain_y_dec);
    list.gain("gain.z_dec", &decoder.tables.gain_z_dec);
    list.rows("log_gain.y", &decoder.tables.log_gain_y);
    list.rows("log_sigma.y", &decoder.tables.log_sigma_y);
    list.rows("log_sigma.z", &decoder.tables.log_sigma_z);
    if !decoder.widths.y.is_empty() {
        list.vector("width.y", &decoder.widths.y);
        list.vector("width.y_dec", &decoder.widths.y_dec);
    }
    list.vector("scale_lut", &decoder.scale_lut);
    list.vector("cdf_sizes", &decoder.cdf_sizes);
    list.vector("cdf", &decoder.cdf);
}

fn encoder_tensors(encoder: &Encoder) -> Vec<Tensor> {
    let mut list = List::default();
    encoder.chains().for_each(|chain| list.chain(chain));
    list.gain("gain.z", &encoder.gain_z);
    list.0
}

/// SHA-256's input: counts as u32, little endian.
fn put_count(hash: &mut Sha256, count: usize) {
    hash.update((count as u32).to_le_bytes());
}

/// The form's number, and what says the sizes: those themselves, or the network's text.
fn put_form(hash: &mut Sha256, config: &Config, network: Option<&str>) {
    let numbers = [i32::from(config.skip_below), config.scale_lut_offset];
    match network {
        None => {
            hash.update("calotype-model 1\n");
            let sizes = [config.c, config.m, config.z, config.p, config.n_d].map(|size| size as i32);
            sizes.into_iter().chain(numbers).for_each(|value| hash.update(value.to_le_bytes()));
        }
        Some(network) => {
            hash.update("calotype-model 2\n");
            numbers.into_iter().for_each(|value| hash.update(value.to_le_bytes()));
            put_count(hash, network.len());
            hash.update(network);
        }
    }
}

fn put_tensor(hash: &mut Sha256, tensor: &Tensor) {
    put_count(hash, tensor.name.len());
    hash.update(&tensor.name);
    put_count(hash, tensor.dtype_name.len());
    hash.update(tensor.dtype_name);
    put_count(hash, tensor.shape.len());
    tensor.shape.iter().for_each(|&dimension| put_count(hash, dimension));
    hash.update(&tensor.bytes);
}

impl Decoder {
    /// The model id of this part's config and tensors (docs/MODEL.md section 8), whatever `self.id` says.
    pub fn canonical_id(&self) -> [u8; 8] {
        let mut hash = Sha256::new();
        put_form(&mut hash, &self.config, self.network_text().as_deref());
        decoder_tensors(self).iter().for_each(|tensor| put_tensor(&mut hash, tensor));
        let digest = hash.finalize();
        std::array::from_fn(|i| digest[i])
    }

    /// The part as the bytes of `NAME.decoder.safetensors`.
    /// [`Error::NotSafetensors`] if the vectors of `self` do not have the lengths that their shapes say.
    pub fn to_safetensors(&self) -> Result<Vec<u8>, Error> {
        write(&decoder_tensors(self), metadata("decoder", &self.name, self.id, &self.config, self.network_text()))
    }

    /// The network's text, but for one of the first form, which the config's sizes say.
    fn network_text(&self) -> Option<String> {
        let shape = self.shape();
        (shape != DecoderShape::v1(&self.config)).then(|| shape.text())
    }
}

impl Encoder {
    /// The part as the bytes of `NAME.encoder.safetensors`.
    /// [`Error::NotSafetensors`] if the vectors of `self` do not have the lengths that their shapes say.
    pub fn to_safetensors(&self) -> Result<Vec<u8>, Error> {
        let shape = self.shape();
        let network = (shape != EncoderShape::v1(&self.config)).then(|| shape.text());
        let mut metadata = metadata("encoder", &self.name, self.decoder_id, &self.config, network);
        if self.quality_scale != QualityScale::default() {
            metadata.insert("quality_scale".to_owned(), self.quality_scale.text());
        }
        write(&encoder_tensors(self), metadata)
    }
}

/// A part's `__metadata__`; with a network's text the config says no sizes.
fn metadata(part: &str, name: &str, id: [u8; 8], config: &Config, network: Option<String>) -> HashMap<String, String> {
    let mut numbers = serde_json::json!({
        "skip_below": config.skip_below, "scale_lut_offset": config.scale_lut_offset, "released": u8::from(config.released),
    });
    if network.is_none() {
        let sizes = [("C", config.c), ("M", config.m), ("Z", config.z), ("P", config.p), ("n_e", config.n_e), ("n_d", config.n_d)];
        sizes.into_iter().for_each(|(key, size)| numbers[key] = size.into());
    }
    let entries = [
        ("format", "calotype-model".to_owned()),
        ("part", part.to_owned()),
        ("semantics", SEMANTICS_VERSION.to_string()),
        ("name", name.to_owned()),
        ("config", numbers.to_string()),
        ("model_id", hex(id)),
    ];
    entries.into_iter().chain(network.map(|network| ("network", network))).map(|(key, value)| (key.to_owned(), value)).collect()
}

fn write(tensors: &[Tensor], metadata: HashMap<String, String>) -> Result<Vec<u8>, Error> {
    let named = tensors.iter().map(|tensor| (tensor.name.as_str(), tensor));
    let bytes = safetensors::serialize(named, Some(metadata));
    bytes.map_err(|error| Error::NotSafetensors { reason: error.to_string() })
}

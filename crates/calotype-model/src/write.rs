//! Writes model files, and hashes them: the canonical order of tensors is that of their names (docs/MODEL.md section 8).

use std::borrow::Cow;
use std::collections::HashMap;

use safetensors::{Dtype, View};
use sha2::{Digest, Sha256};

use crate::parts::hex;
use crate::tensors::Tensor;
use crate::{Config, Decoder, Encoder, Error, QualityScale, SEMANTICS_VERSION};

/// A tensor as a file holds it.
struct Written {
    dtype: Dtype,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

impl View for &Written {
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

fn put_tensor(hash: &mut Sha256, tensor: &Tensor<'_>) {
    for text in [&tensor.name, tensor.values.type_name()] {
        put_count(hash, text.len());
        hash.update(text);
    }
    put_count(hash, tensor.shape.len());
    tensor.shape.iter().for_each(|&dimension| put_count(hash, dimension));
    hash.update(tensor.values.bytes());
}

impl Decoder {
    /// The model id of this part's config and tensors (docs/MODEL.md section 8), whatever `self.id` says.
    pub fn canonical_id(&self) -> [u8; 8] {
        let mut hash = Sha256::new();
        put_form(&mut hash, &self.config, self.network_text().as_deref());
        let mut part = self.clone();
        let mut tensors = part.tensors();
        tensors.sort_by(|a, b| a.name.cmp(&b.name));
        tensors.iter().for_each(|tensor| put_tensor(&mut hash, tensor));
        let digest = hash.finalize();
        std::array::from_fn(|i| digest[i])
    }

    /// The part as the bytes of `NAME.decoder.safetensors`.
    /// [`Error::NotSafetensors`] if the vectors of `self` do not have the lengths that their shapes say.
    pub fn to_safetensors(&self) -> Result<Vec<u8>, Error> {
        write(self.clone().tensors(), metadata("decoder", &self.name, self.id, &self.config, self.network_text()))
    }

    /// The network's text, but for one of the first form, which the config's sizes say.
    pub(crate) fn network_text(&self) -> Option<String> {
        let text = self.text();
        (text != Decoder::v1(&self.config).text()).then_some(text)
    }
}

impl Encoder {
    /// The part as the bytes of `NAME.encoder.safetensors`.
    /// [`Error::NotSafetensors`] if the vectors of `self` do not have the lengths that their shapes say.
    pub fn to_safetensors(&self) -> Result<Vec<u8>, Error> {
        let text = self.text();
        let network = (text != Encoder::v1(&self.config).text()).then_some(text);
        let mut metadata = metadata("encoder", &self.name, self.decoder_id, &self.config, network);
        if self.quality_scale != QualityScale::default() {
            metadata.insert("quality_scale".to_owned(), self.quality_scale.text());
        }
        write(self.clone().tensors(), metadata)
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

fn write(tensors: Vec<Tensor<'_>>, metadata: HashMap<String, String>) -> Result<Vec<u8>, Error> {
    let written = |Tensor { name, shape, values, .. }: Tensor<'_>| (name, Written { dtype: values.dtype(), shape, bytes: values.bytes() });
    let written: Vec<_> = tensors.into_iter().map(written).collect();
    let bytes = safetensors::serialize(written.iter().map(|(name, tensor)| (name.as_str(), tensor)), Some(metadata));
    bytes.map_err(|error| Error::NotSafetensors { reason: error.to_string() })
}

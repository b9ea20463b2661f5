//! Why a model file is refused.

use std::ops::RangeInclusive;

/// A model file that cannot be used. Each variant names the tensor, table or key at fault.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The bytes are not a safetensors file.
    #[error("not a safetensors file: {reason}")]
    NotSafetensors {
        /// The parser's words.
        reason: String,
    },
    /// A key is missing in `__metadata__`.
    #[error("model metadata lacks `{key}`")]
    MissingMetadata {
        /// The key.
        key: &'static str,
    },
    /// A value in `__metadata__` is not what it must be.
    #[error("model metadata `{key}` is `{value}`, expected {expected}")]
    Metadata {
        /// The key.
        key: &'static str,
        /// The value found.
        value: String,
        /// What it must be.
        expected: String,
    },
    /// The arithmetic's version is another one than [`crate::SEMANTICS_VERSION`].
    #[error("model has semantics version {found}; this program knows version {known}")]
    Semantics {
        /// The file's version.
        found: String,
        /// The one implemented here.
        known: u32,
    },
    /// A value in `config` is missing, surplus, not an integer, or outside its range.
    #[error("model config `{key}` is {value}, expected {expected}")]
    Config {
        /// The key.
        key: String,
        /// The value found.
        value: String,
        /// What it must be.
        expected: String,
    },
    /// The network is not one that this program runs.
    #[error("network, {name}: {reason}")]
    Network {
        /// The chain or the part at fault.
        name: String,
        /// Why.
        reason: String,
    },
    /// A tensor is missing.
    #[error("model lacks tensor `{name}`")]
    MissingTensor {
        /// The tensor.
        name: String,
    },
    /// A tensor that no layer of this part uses.
    #[error("model has a surplus tensor `{name}`")]
    SurplusTensor {
        /// The tensor.
        name: String,
    },
    /// A tensor's element type is wrong.
    #[error("tensor `{name}` has elements {found}, expected {expected}")]
    ElementType {
        /// The tensor.
        name: String,
        /// The file's.
        found: String,
        /// The right one.
        expected: &'static str,
    },
    /// A tensor's shape is wrong.
    #[error("tensor `{name}` has shape {found:?}, expected {expected:?}")]
    Shape {
        /// The tensor.
        name: String,
        /// The file's.
        found: Vec<usize>,
        /// The right one.
        expected: Vec<usize>,
    },
    /// A tensor whose length nothing else says has another one than it may.
    #[error("tensor `{name}` has shape {found:?}, expected one dimension of {range:?}")]
    Length {
        /// The tensor.
        name: &'static str,
        /// The file's.
        found: Vec<usize>,
        /// What it may be.
        range: RangeInclusive<usize>,
    },
    /// The number of widths is even.
    #[error("tensor `width.y` has {found} elements, expected an odd number")]
    WidthCount {
        /// The file's.
        found: usize,
    },
    /// An element is outside its range.
    #[error("tensor `{name}`[{index}] is {value}, expected {range:?}")]
    Range {
        /// The tensor.
        name: String,
        /// Flat index of the first element at fault.
        index: usize,
        /// Its value.
        value: i64,
        /// The allowed values.
        range: RangeInclusive<i64>,
    },
    /// A tensor that must ascend does not.
    #[error("tensor `{name}`[{index}] does not ascend")]
    Order {
        /// The tensor.
        name: String,
        /// Flat index of the first element at fault.
        index: usize,
    },
    /// An accumulator of this layer could overflow (docs/MODEL.md section 7).
    #[error("layer `{name}`: output {output} can reach {bound}, at most {} is safe", i32::MAX)]
    Overflow {
        /// The layer.
        name: String,
        /// The output channel.
        output: usize,
        /// The bound on the accumulator's magnitude.
        bound: i64,
    },
    /// The decoder part does not have the id that its metadata claims.
    #[error("model id is {computed}, but the file claims {claimed}")]
    Id {
        /// The id of the tensors, in hexadecimal.
        computed: String,
        /// The id in the metadata.
        claimed: String,
    },
    /// The encoder part belongs to another decoder.
    #[error("the encoder part is for model {encoder}, not for {decoder}")]
    Pair {
        /// The decoder's id, in hexadecimal.
        decoder: String,
        /// The id of the decoder that the encoder part wants.
        encoder: String,
    },
    /// The encoder part has the decoder's id, but another config.
    #[error("the encoder part's config is not that of its decoder {decoder}")]
    PairConfig {
        /// The decoder's id, in hexadecimal.
        decoder: String,
    },
}

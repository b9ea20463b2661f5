//! The tensors of a model file: each part lists its own, and everything that reads, writes, hashes or checks them goes through the list.

use std::ops::RangeInclusive;

use bytemuck::Pod;
use safetensors::Dtype;

use crate::tables::KNOTS;
use crate::{Block, Chain, Decoder, Depthwise, Encoder, Error, GainTable, Input, Layer, Pointwise, Stage};

/// A tensor of a part, with its elements.
pub struct Tensor<'a> {
    /// Key in the model file.
    pub name: String,
    /// As it is by the sizes of the part.
    pub(crate) shape: Vec<usize>,
    /// What its elements may be.
    range: RangeInclusive<i64>,
    pub(crate) values: &'a mut dyn Values,
}

/// Elements of any type.
pub(crate) trait Values {
    /// Their safetensors type.
    fn dtype(&self) -> Dtype;
    /// Its name.
    fn type_name(&self) -> &'static str;
    /// As a file holds them, little endian.
    fn bytes(&self) -> Vec<u8>;
    /// Those of a file.
    fn read(&mut self, bytes: &[u8]);
    /// The first one outside a range, and its value.
    fn outside(&self, range: &RangeInclusive<i64>) -> Option<(usize, i64)>;
    /// Flips a bit of the fifth: the middle of a depthwise kernel.
    fn flip(&mut self, bit: u32);
}

/// An element type of model files.
pub(crate) trait Element: Pod + Into<i64> {
    const DTYPE: Dtype;
    const NAME: &'static str;
    /// From or to little endian.
    fn little_endian(self) -> Self;
    fn flipped(self, bit: u32) -> Self;
}

macro_rules! element {
    ($rust:ty, $dtype:ident, $name:literal) => {
        impl Element for $rust {
            const DTYPE: Dtype = Dtype::$dtype;
            const NAME: &'static str = $name;
            fn little_endian(self) -> Self {
                self.to_le()
            }
            fn flipped(self, bit: u32) -> Self {
                self ^ (1 << bit)
            }
        }
    };
}

element!(i8, I8, "I8");
element!(i16, I16, "I16");
element!(i32, I32, "I32");
element!(u8, U8, "U8");
element!(u16, U16, "U16");

impl<T: Element> Values for Vec<T> {
    fn dtype(&self) -> Dtype {
        T::DTYPE
    }

    fn type_name(&self) -> &'static str {
        T::NAME
    }

    fn bytes(&self) -> Vec<u8> {
        let elements: Vec<T> = self.iter().map(|element| element.little_endian()).collect();
        bytemuck::cast_slice(&elements).to_vec()
    }

    fn read(&mut self, bytes: &[u8]) {
        // They need not be aligned.
        let elements: Vec<T> = bytemuck::pod_collect_to_vec(bytes);
        *self = elements.into_iter().map(T::little_endian).collect();
    }

    fn outside(&self, range: &RangeInclusive<i64>) -> Option<(usize, i64)> {
        self.iter().map(|&value| value.into()).enumerate().find(|(_, value)| !range.contains(value))
    }

    fn flip(&mut self, bit: u32) {
        self[4] = self[4].flipped(bit);
    }
}

impl Tensor<'_> {
    /// Flips a bit of its fifth element: for tests that this is noticed.
    pub fn flip(self, bit: u32) {
        self.values.flip(bit);
    }

    /// Whether each element is in its range.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let Tensor { name, range, values, .. } = self;
        let error = |(index, value)| Error::Range { name: name.clone(), index, value, range: range.clone() };
        values.outside(range).map_or(Ok(()), |outside| Err(error(outside)))
    }
}

impl Decoder {
    /// The tensor of this name.
    pub fn tensor(&mut self, name: &str) -> Option<Tensor<'_>> {
        self.tensors().into_iter().find(|tensor| tensor.name == name)
    }

    /// Its tensors, in no order that means anything.
    pub fn tensors(&mut self) -> Vec<Tensor<'_>> {
        let (m, z, is_hyper) = (self.config.m, self.config.z, self.h_s.is_some());
        let [h, v_hat] = [Input::H, Input::VHat].map(|input| self.predictors.iter().any(|chain| chain.from.contains(&input)));
        let (has_widths, widths) = (self.width_predictor().is_some(), self.widths.y.len());
        let (tables, slots) = (self.cdf_sizes.len(), self.cdf_sizes.iter().map(|&size| 2 * usize::from(size) + 2).sum());
        let h_channels = self.channels_of(&[Input::H]);
        let mut list = List::default();
        self.h_s.iter_mut().chain(&mut self.predictors).chain([&mut self.g_s]).for_each(|chain| list.chain(chain));
        if h {
            list.read_shift("h", h_channels, &mut self.h_read);
        }
        if v_hat {
            list.read_shift("v_hat", m, &mut self.v_hat_read);
        }
        list.gain("gain.y", m, &mut self.tables.gain_y);
        list.gain("gain.y_dec", m, &mut self.tables.gain_y_dec);
        if is_hyper {
            list.gain("gain.z_dec", z, &mut self.tables.gain_z_dec);
            list.rows("log_gain.y", m, &mut self.tables.log_gain_y);
            list.rows("log_sigma.z", z, &mut self.tables.log_sigma_z);
        } else {
            list.rows("log_sigma.y", m, &mut self.tables.log_sigma_y);
        }
        if has_widths {
            list.add("width.y", &[widths], GAINS, &mut self.widths.y);
            list.add("width.y_dec", &[widths], GAINS, &mut self.widths.y_dec);
        }
        list.add("scale_lut", &[512], 0..=tables as i64 - 1, &mut self.scale_lut);
        list.add("cdf_sizes", &[tables], ANY, &mut self.cdf_sizes);
        list.add("cdf", &[slots], 0..=(1 << 15) - 1, &mut self.cdf);
        list.0
    }
}

impl Encoder {
    /// The tensor of this name.
    pub fn tensor(&mut self, name: &str) -> Option<Tensor<'_>> {
        self.tensors().into_iter().find(|tensor| tensor.name == name)
    }

    /// Its tensors, in no order that means anything.
    pub fn tensors(&mut self) -> Vec<Tensor<'_>> {
        let (is_hyper, mut list) = (self.h_a.is_some(), List::default());
        [&mut self.g_a].into_iter().chain(&mut self.h_a).for_each(|chain| list.chain(chain));
        if is_hyper {
            list.gain("gain.z", self.config.z, &mut self.gain_z);
        }
        list.0
    }
}

/// Of biases, and of whatever has no other range than its type's.
const ANY: RangeInclusive<i64> = i64::MIN..=i64::MAX;
/// Of gains and widths.
const GAINS: RangeInclusive<i64> = 0..=i16::MAX as i64;

/// Collects the tensors of a part.
#[derive(Default)]
struct List<'a>(Vec<Tensor<'a>>);

impl<'a> List<'a> {
    fn add<T: Element>(&mut self, name: &str, shape: &[usize], range: RangeInclusive<i64>, values: &'a mut Vec<T>) {
        self.0.push(Tensor { name: name.to_owned(), shape: shape.to_vec(), range, values });
    }

    fn layer<W: Element>(
        &mut self,
        name: &str,
        (shape, most): (&[usize], i64),
        weight: &'a mut Vec<W>,
        bias: &'a mut Vec<i32>,
        shift: &'a mut Vec<u8>,
    ) {
        self.add(&format!("{name}.weight"), shape, -most..=most, weight);
        self.add(&format!("{name}.bias"), &shape[..1], ANY, bias);
        self.add(&format!("{name}.shift"), &shape[..1], 0..=30, shift);
    }

    fn pointwise<W: Element>(&mut self, Pointwise { name, inputs, outputs, weight, bias, shift }: &'a mut Pointwise<W>, most: i64) {
        self.layer(name, (&[*outputs, *inputs], most), weight, bias, shift);
    }

    fn depthwise(&mut self, Depthwise { name, channels, weight, bias, shift }: &'a mut Depthwise) {
        self.layer(name, (&[*channels, 3, 3], 127), weight, bias, shift);
    }

    fn read_shift(&mut self, layer: &str, channels: usize, shift: &'a mut Vec<u8>) {
        self.add(&format!("{layer}.read_shift"), &[channels], 0..=15, shift);
    }

    fn block(&mut self, block: &'a mut Block) {
        self.read_shift(&block.pw1.name, block.dw.channels, &mut block.pw1_read);
        self.read_shift(&block.ffn1.name, block.dw.channels, &mut block.ffn1_read);
        [&mut block.pw1, &mut block.pw2, &mut block.ffn1, &mut block.ffn2].into_iter().for_each(|layer| self.pointwise(layer, 127));
        self.depthwise(&mut block.dw);
    }

    fn stage(&mut self, stage: &'a mut Stage) {
        let (channels_in, channels) = (stage.channels_in(), stage.channels());
        if let Some(read) = &mut stage.read {
            self.read_shift(stage.layer.name(), channels_in, read);
        }
        match &mut stage.layer {
            Layer::Int8(layer) => self.pointwise(layer, 127),
            Layer::Wide(layer) => self.pointwise(layer, 2047),
        }
        if let Some(bias) = &mut stage.bias {
            self.rows(&bias.name, channels, &mut bias.rows);
        }
        stage.blocks.iter_mut().for_each(|block| self.block(block));
    }

    fn chain(&mut self, chain: &'a mut Chain) {
        chain.stages.iter_mut().for_each(|stage| self.stage(stage));
    }

    fn rows(&mut self, name: &str, channels: usize, rows: &'a mut Vec<i16>) {
        self.add(name, &[KNOTS, channels], ANY, rows);
    }

    fn gain(&mut self, name: &str, channels: usize, table: &'a mut GainTable) {
        self.add(name, &[KNOTS, channels], GAINS, &mut table.gain);
        self.add(&format!("{name}_shift"), &[channels], 0..=30, &mut table.shift);
    }
}

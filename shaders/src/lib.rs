//! The network as WGSL compute shaders: texts, and an index of kernels with their bindings, sizes and overrides.
//!
//! A kernel is a file of `kernels/` after the files of `parts/` that it needs; its text has one entry point, [`ENTRY`].
//! All of them are exact: integers alone, within WebGPU's default limits, without optional features.
//! Bindings are numbered from 0 in group 0; binding 0 is the uniform with the sizes.

/// The entry point of every kernel.
pub const ENTRY: &str = "main";

/// How a kernel uses a binding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Access {
    /// Sizes, in a uniform buffer.
    Uniform,
    /// A storage buffer that is read.
    Read,
    /// A storage buffer that is written, and perhaps read.
    Write,
}

/// One compute shader.
#[derive(Clone, Copy, Debug)]
pub struct Kernel {
    /// The file's stem, also the label of its pipelines.
    pub name: &'static str,
    /// The WGSL text.
    pub source: &'static str,
    /// Name and access of binding 0, 1, ... of group 0.
    pub bindings: &'static [(&'static str, Access)],
    /// The members of the uniform, all u32, in order.
    pub sizes: &'static [&'static str],
    /// Invocations of a workgroup in x, y, z.
    pub workgroup_size: [u32; 3],
    /// The names of its pipeline-overridable constants.
    pub overrides: &'static [&'static str],
}

/// Positions that one invocation of a pointwise kernel computes.
pub const POSITIONS_PER_INVOCATION: u32 = 8;

/// Values of the override `PLACE`.
pub mod place {
    /// At the same row and column, less the crop.
    pub const SAME: u32 = 0;
    /// Shuffled by 2.
    pub const SHUFFLE: u32 = 1;
    /// Unshuffled by 2, after the crop.
    pub const UNSHUFFLE: u32 = 2;
}

use Access::{Read, Uniform, Write};

const LAYER_SIZES: &[&str] = &["positions", "width", "inputs4", "stride4", "outputs4", "out_width", "out_height", "top", "left", "codes4"];
const STEP_SIZES: &[&str] = &["groups", "width", "channels", "step", "stride4", "offset4", "skip_below"];
const EMIT: &[&str] = &["CODES", "PLACE", "STREAM"];

macro_rules! text {
    ($($part:literal),*) => { concat!($(include_str!(concat!("../", $part, ".wgsl"))),*) };
}

/// An int8 layer, ends *code* and *active*.
pub const POINTWISE_CODE: Kernel = Kernel {
    name: "pointwise_code",
    source: text!("parts/arithmetic", "parts/layer", "parts/pointwise", "parts/tile", "kernels/pointwise_code"),
    bindings: &[("layer", Uniform), ("weights", Read), ("ends", Read), ("input", Read), ("codes_out", Write)],
    sizes: LAYER_SIZES,
    workgroup_size: [8, 8, 1],
    overrides: &["ACTIVE"],
};

/// An int8 layer, end *stream*.
pub const POINTWISE_STREAM: Kernel = Kernel {
    name: "pointwise_stream",
    source: text!(
        "parts/arithmetic",
        "parts/layer",
        "parts/pointwise",
        "parts/tile",
        "parts/emit",
        "parts/stream_end",
        "kernels/pointwise_stream"
    ),
    bindings: &[("layer", Uniform), ("weights", Read), ("ends", Read), ("input", Read), ("stream_out", Write), ("codes_out", Write)],
    sizes: LAYER_SIZES,
    workgroup_size: [8, 8, 1],
    overrides: EMIT,
};

/// An int8 layer, end *add*.
pub const POINTWISE_ADD: Kernel = Kernel {
    name: "pointwise_add",
    source: text!("parts/arithmetic", "parts/layer", "parts/pointwise", "parts/tile", "parts/emit", "kernels/pointwise_add"),
    bindings: &[
        ("layer", Uniform),
        ("weights", Read),
        ("ends", Read),
        ("input", Read),
        ("stream_in", Read),
        ("stream_out", Write),
        ("codes_out", Write),
    ],
    sizes: LAYER_SIZES,
    workgroup_size: [8, 8, 1],
    overrides: EMIT,
};

/// The scale head with the look-up of CDF tables.
pub const POINTWISE_INDEX: Kernel = Kernel {
    name: "pointwise_index",
    source: text!("parts/arithmetic", "parts/layer", "parts/pointwise", "parts/tile", "kernels/pointwise_index"),
    bindings: &[("layer", Uniform), ("weights", Read), ("ends", Read), ("input", Read), ("scale_lut", Read), ("index_out", Write)],
    sizes: LAYER_SIZES,
    workgroup_size: [8, 8, 1],
    overrides: &[],
};

/// A wide layer, end *stream*.
pub const WIDE_STREAM: Kernel = Kernel {
    name: "wide_stream",
    source: text!("parts/arithmetic", "parts/layer", "parts/wide", "parts/tile", "parts/emit", "parts/stream_end", "kernels/wide_stream"),
    bindings: &[("layer", Uniform), ("weights", Read), ("ends", Read), ("input", Read), ("stream_out", Write), ("codes_out", Write)],
    sizes: LAYER_SIZES,
    workgroup_size: [8, 8, 1],
    overrides: EMIT,
};

/// A depthwise layer.
pub const DEPTHWISE: Kernel = Kernel {
    name: "depthwise",
    source: text!("parts/arithmetic", "parts/elements", "kernels/depthwise"),
    bindings: &[("extent", Uniform), ("weights", Read), ("ends", Read), ("input", Read), ("codes_out", Write)],
    sizes: &["groups", "height", "width", "channels4"],
    workgroup_size: [64, 1, 1],
    overrides: &[],
};

/// Values times gains, as codes.
pub const SCALE_CODE: Kernel = Kernel {
    name: "scale_code",
    source: text!("parts/arithmetic", "parts/elements", "parts/scale", "kernels/scale_code"),
    bindings: &[("extent", Uniform), ("gains", Read), ("input", Read), ("codes_out", Write)],
    sizes: &["groups", "channels4"],
    workgroup_size: [64, 1, 1],
    overrides: &[],
};

/// Values times gains, as symbols.
pub const SCALE_SYMBOL: Kernel = Kernel {
    name: "scale_symbol",
    source: text!("parts/arithmetic", "parts/elements", "parts/scale", "kernels/scale_symbol"),
    bindings: &[("extent", Uniform), ("gains", Read), ("input", Read), ("symbols_out", Write)],
    sizes: &["groups", "channels4"],
    workgroup_size: [64, 1, 1],
    overrides: &[],
};

/// One step's latents from symbols.
pub const RECONSTRUCT: Kernel = Kernel {
    name: "reconstruct",
    source: text!("parts/arithmetic", "parts/elements", "parts/latents", "kernels/reconstruct"),
    bindings: &[("step", Uniform), ("tables", Read), ("mean", Read), ("symbols", Read), ("v_hat", Write), ("codes_out", Write)],
    sizes: STEP_SIZES,
    workgroup_size: [64, 1, 1],
    overrides: &[],
};

/// One step's symbols and latents from v.
pub const CHOOSE: Kernel = Kernel {
    name: "choose",
    source: text!("parts/arithmetic", "parts/elements", "parts/latents", "kernels/choose"),
    bindings: &[
        ("step", Uniform),
        ("tables", Read),
        ("mean", Read),
        ("v", Read),
        ("scale_index", Read),
        ("thresholds", Read),
        ("symbols", Write),
        ("v_hat", Write),
        ("codes_out", Write),
    ],
    sizes: STEP_SIZES,
    workgroup_size: [64, 1, 1],
    overrides: &[],
};

/// A rectangle of a map into another map.
pub const COPY: Kernel = Kernel {
    name: "copy",
    source: text!("parts/arithmetic", "parts/elements", "kernels/copy"),
    bindings: &[("extent", Uniform), ("input", Read), ("stream_out", Write)],
    sizes: &["groups", "channels4", "width", "from_width", "from_y", "from_x", "to_width", "to_y", "to_x"],
    workgroup_size: [64, 1, 1],
    overrides: &[],
};

/// Pixels to the input of g_a.
pub const INPUT: Kernel = Kernel {
    name: "input",
    source: text!("parts/arithmetic", "parts/elements", "parts/blocks", "kernels/input"),
    bindings: &[("extent", Uniform), ("pixels", Read), ("stream_out", Write)],
    sizes: &["groups", "width"],
    workgroup_size: [64, 1, 1],
    overrides: &[],
};

/// The output of g_s to pixels.
pub const PIXELS: Kernel = Kernel {
    name: "pixels",
    source: text!("parts/arithmetic", "parts/elements", "parts/blocks", "kernels/pixels"),
    bindings: &[("extent", Uniform), ("input", Read), ("pixels_out", Write)],
    sizes: &["groups", "width"],
    workgroup_size: [64, 1, 1],
    overrides: &[],
};

/// All kernels.
pub const KERNELS: &[&Kernel] = &[
    &POINTWISE_CODE,
    &POINTWISE_STREAM,
    &POINTWISE_ADD,
    &POINTWISE_INDEX,
    &WIDE_STREAM,
    &DEPTHWISE,
    &SCALE_CODE,
    &SCALE_SYMBOL,
    &RECONSTRUCT,
    &CHOOSE,
    &COPY,
    &INPUT,
    &PIXELS,
];

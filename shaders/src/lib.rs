//! The network as WGSL compute shaders: texts, and an index of kernels with their bindings, sizes and overrides.
//!
//! A kernel is a file of `kernels/` after the files of `parts/` that it needs; its text has one entry point, [`ENTRY`]. Pointwise kernels have
//! a text for each of [`TILES`].
//! All of them are exact: integers alone, within WebGPU's default limits, without optional features.
//! Bindings are numbered from 0 in group 0; binding 0 is the uniform with the sizes.

#![forbid(unsafe_code)]

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
    /// The WGSL text; for a pointwise kernel one for each of [`TILES`].
    pub sources: &'static [&'static str],
    /// Name and access of binding 0, 1, ... of group 0.
    pub bindings: &'static [(&'static str, Access)],
    /// The members of the uniform, all u32, in order.
    pub sizes: &'static [&'static str],
    /// Invocations of a workgroup in x, y, z.
    pub workgroup_size: [u32; 3],
    /// The names of its pipeline-overridable constants.
    pub overrides: &'static [&'static str],
}

/// How a pointwise kernel is cut into workgroups of 8 x 8 invocations. All tiles give the same bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tile {
    /// The stem of its part, with `_by_16` where it reads more inputs at a time.
    pub name: &'static str,
    /// K and the stride of the input must be multiples of this.
    pub inputs: usize,
    /// Positions of a workgroup.
    pub positions: u32,
    /// Groups of four outputs of a workgroup.
    pub outputs4: u32,
}

/// The tiles, the first of which fits every layer.
pub const TILES: [Tile; 5] = [
    Tile { name: "tile_8x4", inputs: 4, positions: 64, outputs4: 8 },
    Tile { name: "tile_4x4_by_16", inputs: 16, positions: 32, outputs4: 8 },
    Tile { name: "tile_8x4_by_16", inputs: 16, positions: 64, outputs4: 8 },
    Tile { name: "tile_8x8_by_16", inputs: 16, positions: 64, outputs4: 16 },
    Tile { name: "tile_shared_by_16", inputs: 16, positions: 64, outputs4: 16 },
];

/// Values of the override `WIDTHS`.
pub mod widths {
    /// The head of scales: its indices take the width indices off.
    pub const SCALES: u32 = 0;
    /// The head of widths, which runs first.
    pub const WIDTHS: u32 = 1;
}

use Access::{Read, Uniform, Write};

const LAYER_SIZES: &[&str] =
    &["positions", "width", "inputs4", "stride4", "outputs4", "out_width", "out_height", "top", "left", "codes4", "apart"];
const CELL_SIZES: &[&str] =
    &["groups", "width", "channels4", "first", "end", "columns", "apart", "top", "left", "stride4", "offset4", "skip_below", "latents4"];
const EMIT: &[&str] = &["CODES", "SHUFFLE", "STREAM", "UNSHUFFLE"];

macro_rules! text {
    ($($part:literal),*) => { concat!($(include_str!(concat!("../", $part, ".wgsl"))),*) };
}

/// The texts of a pointwise kernel, in the order of [`TILES`]: where it runs, sums of few and of many inputs a step, and what comes behind
/// the tile.
macro_rules! tiled {
    ($where:literal, $few:literal, $many:literal, $($end:literal),*) => {
        &[
            text!("parts/arithmetic", "parts/layer", $where, $few, "parts/tile_8x4", $($end),*),
            text!("parts/arithmetic", "parts/layer", $where, $many, "parts/tile_4x4", $($end),*),
            text!("parts/arithmetic", "parts/layer", $where, $many, "parts/tile_8x4", $($end),*),
            text!("parts/arithmetic", "parts/layer", $where, $many, "parts/tile_8x8", $($end),*),
            text!("parts/arithmetic", "parts/layer", $where, $many, "parts/tile_shared", $($end),*),
        ]
    };
}

/// An int8 layer, ends *code* and *active*.
pub const POINTWISE_CODE: Kernel = Kernel {
    name: "pointwise_code",
    sources: tiled!("parts/every_position", "parts/pointwise", "parts/pointwise_by_16", "kernels/pointwise_code"),
    bindings: &[("layer", Uniform), ("weights", Read), ("ends", Read), ("input", Read), ("codes_out", Write)],
    sizes: LAYER_SIZES,
    workgroup_size: [8, 8, 1],
    overrides: &["ACTIVE"],
};

/// An int8 layer, end *stream*.
pub const POINTWISE_STREAM: Kernel = Kernel {
    name: "pointwise_stream",
    sources: tiled!(
        "parts/every_position",
        "parts/pointwise",
        "parts/pointwise_by_16",
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
    sources: tiled!("parts/every_position", "parts/pointwise", "parts/pointwise_by_16", "parts/emit", "kernels/pointwise_add"),
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

/// The heads of widths and of scales with the look-up of tables.
pub const POINTWISE_INDEX: Kernel = Kernel {
    name: "pointwise_index",
    sources: tiled!("parts/every_position", "parts/pointwise", "parts/pointwise_by_16", "kernels/pointwise_index"),
    bindings: &[("layer", Uniform), ("weights", Read), ("ends", Read), ("input", Read), ("lut", Read), ("index_out", Write)],
    sizes: LAYER_SIZES,
    workgroup_size: [8, 8, 1],
    overrides: &["WIDTHS"],
};

/// A predictor's last layer where a step sets latents.
pub const POINTWISE_CELL: Kernel = Kernel {
    name: "pointwise_cell",
    sources: tiled!("parts/some_positions", "parts/pointwise", "parts/pointwise_by_16", "kernels/pointwise_cell"),
    bindings: &[("layer", Uniform), ("weights", Read), ("ends", Read), ("input", Read), ("means_out", Write)],
    sizes: LAYER_SIZES,
    workgroup_size: [8, 8, 1],
    overrides: &[],
};

/// A wide layer, end *stream*.
pub const WIDE_STREAM: Kernel = Kernel {
    name: "wide_stream",
    sources: tiled!("parts/every_position", "parts/wide", "parts/wide_by_8", "parts/emit", "parts/stream_end", "kernels/wide_stream"),
    bindings: &[("layer", Uniform), ("weights", Read), ("ends", Read), ("input", Read), ("stream_out", Write), ("codes_out", Write)],
    sizes: LAYER_SIZES,
    workgroup_size: [8, 8, 1],
    overrides: EMIT,
};

/// A depthwise layer.
pub const DEPTHWISE: Kernel = Kernel {
    name: "depthwise",
    sources: &[text!("parts/arithmetic", "parts/elements", "kernels/depthwise")],
    bindings: &[("extent", Uniform), ("weights", Read), ("ends", Read), ("input", Read), ("codes_out", Write)],
    sizes: &["groups", "height", "width", "channels4"],
    workgroup_size: [64, 1, 1],
    overrides: &[],
};

/// Values times gains, as codes.
pub const SCALE_CODE: Kernel = Kernel {
    name: "scale_code",
    sources: &[text!("parts/arithmetic", "parts/elements", "parts/scale", "kernels/scale_code")],
    bindings: &[("extent", Uniform), ("gains", Read), ("input", Read), ("codes_out", Write)],
    sizes: &["groups", "channels4"],
    workgroup_size: [64, 1, 1],
    overrides: &[],
};

/// Values times gains, as symbols.
pub const SCALE_SYMBOL: Kernel = Kernel {
    name: "scale_symbol",
    sources: &[text!("parts/arithmetic", "parts/elements", "parts/scale", "kernels/scale_symbol")],
    bindings: &[("extent", Uniform), ("gains", Read), ("input", Read), ("symbols_out", Write)],
    sizes: &["groups", "channels4"],
    workgroup_size: [64, 1, 1],
    overrides: &[],
};

/// Latents of a step from symbols.
pub const RECONSTRUCT: Kernel = Kernel {
    name: "reconstruct",
    sources: &[text!("parts/arithmetic", "parts/elements", "parts/latents", "kernels/reconstruct")],
    bindings: &[
        ("cell", Uniform),
        ("tables", Read),
        ("mean", Read),
        ("index", Read),
        ("symbols", Read),
        ("v_hat", Write),
        ("codes_out", Write),
    ],
    sizes: CELL_SIZES,
    workgroup_size: [64, 1, 1],
    overrides: &[],
};

/// Symbols and latents of a step from v.
pub const CHOOSE: Kernel = Kernel {
    name: "choose",
    sources: &[text!("parts/arithmetic", "parts/elements", "parts/latents", "kernels/choose")],
    bindings: &[
        ("cell", Uniform),
        ("tables", Read),
        ("mean", Read),
        ("index", Read),
        ("v", Read),
        ("thresholds", Read),
        ("symbols", Write),
        ("v_hat", Write),
        ("codes_out", Write),
    ],
    sizes: CELL_SIZES,
    workgroup_size: [64, 1, 1],
    overrides: &[],
};

/// A rectangle of a map into another map.
pub const COPY: Kernel = Kernel {
    name: "copy",
    sources: &[text!("parts/arithmetic", "parts/elements", "kernels/copy")],
    bindings: &[("extent", Uniform), ("input", Read), ("stream_out", Write)],
    sizes: &["groups", "channels4", "width", "from_width", "from_y", "from_x", "to_width", "to_y", "to_x"],
    workgroup_size: [64, 1, 1],
    overrides: &[],
};

/// Pixels to the input of g_a.
pub const INPUT: Kernel = Kernel {
    name: "input",
    sources: &[text!("parts/arithmetic", "parts/elements", "parts/blocks", "kernels/input")],
    bindings: &[("extent", Uniform), ("pixels", Read), ("stream_out", Write)],
    sizes: &["groups", "width"],
    workgroup_size: [64, 1, 1],
    overrides: &[],
};

/// The output of g_s to pixels.
pub const PIXELS: Kernel = Kernel {
    name: "pixels",
    sources: &[text!("parts/arithmetic", "parts/elements", "parts/blocks", "kernels/pixels")],
    bindings: &[("extent", Uniform), ("input", Read), ("pixels_out", Write)],
    sizes: &["groups", "width"],
    workgroup_size: [64, 1, 1],
    overrides: &[],
};

/// Pixels as a texture takes them.
pub const TEXELS: Kernel = Kernel {
    name: "texels",
    sources: &[text!("parts/elements", "kernels/texels")],
    bindings: &[("extent", Uniform), ("pixels", Read), ("texels_out", Write)],
    sizes: &["groups", "width4", "pitch4"],
    workgroup_size: [64, 1, 1],
    overrides: &[],
};

/// Texels at half their sides.
pub const HALVE: Kernel = Kernel {
    name: "halve",
    sources: &[text!("parts/elements", "kernels/halve")],
    bindings: &[("extent", Uniform), ("texels", Read), ("halved_out", Write)],
    sizes: &["groups", "width", "pitch", "half_pitch"],
    workgroup_size: [64, 1, 1],
    overrides: &[],
};

/// int8 dot products on registers alone.
pub const PEAK_DOT: Kernel = Kernel {
    name: "peak_dot",
    sources: &[text!("parts/elements", "parts/peak", "kernels/peak_dot")],
    bindings: &[("extent", Uniform), ("sums", Write)],
    sizes: &["groups", "rounds"],
    workgroup_size: [64, 1, 1],
    overrides: &[],
};

/// Multiplications on registers alone.
pub const PEAK_MULTIPLY: Kernel = Kernel {
    name: "peak_multiply",
    sources: &[text!("parts/elements", "parts/peak", "kernels/peak_multiply")],
    bindings: &[("extent", Uniform), ("sums", Write)],
    sizes: &["groups", "rounds"],
    workgroup_size: [64, 1, 1],
    overrides: &[],
};

/// A copy of memory.
pub const PEAK_COPY: Kernel = Kernel {
    name: "peak_copy",
    sources: &[text!("parts/elements", "kernels/peak_copy")],
    bindings: &[("extent", Uniform), ("input", Read), ("copied", Write)],
    sizes: &["groups"],
    workgroup_size: [64, 1, 1],
    overrides: &[],
};

/// All kernels.
pub const KERNELS: &[&Kernel] = &[
    &POINTWISE_CODE,
    &POINTWISE_STREAM,
    &POINTWISE_ADD,
    &POINTWISE_INDEX,
    &POINTWISE_CELL,
    &WIDE_STREAM,
    &DEPTHWISE,
    &SCALE_CODE,
    &SCALE_SYMBOL,
    &RECONSTRUCT,
    &CHOOSE,
    &COPY,
    &INPUT,
    &PIXELS,
    &TEXELS,
    &HALVE,
    &PEAK_DOT,
    &PEAK_MULTIPLY,
    &PEAK_COPY,
];

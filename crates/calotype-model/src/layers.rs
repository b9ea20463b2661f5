//! Layers and the networks made of them, as plain structs (docs/MODEL.md section 2).
//!
//! `name` is the layer's key in the model file, which is also its key in PyTorch and in errors.

/// An int8 pointwise layer: codes (i8) of K channels to N accumulators.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pointwise {
    /// Key in the model file, e.g. `g_s.blocks.0.pw1`.
    pub name: String,
    /// K, input channels.
    pub inputs: usize,
    /// N, output channels.
    pub outputs: usize,
    /// `[N, K]`, in -127..=127.
    pub weight: Vec<i8>,
    /// `[N]`.
    pub bias: Vec<i32>,
    /// `[N]`, at most 30.
    pub shift: Vec<u8>,
}

/// A wide pointwise layer: a stream (i16) of K channels to N accumulators.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wide {
    /// Key in the model file, e.g. `g_s.first`.
    pub name: String,
    /// K, input channels.
    pub inputs: usize,
    /// N, output channels.
    pub outputs: usize,
    /// `[N, K]`, in -2047..=2047.
    pub weight: Vec<i16>,
    /// `[N]`.
    pub bias: Vec<i32>,
    /// `[N]`, at most 30.
    pub shift: Vec<u8>,
}

/// A depthwise 3x3 layer: codes (i8) of N channels to N accumulators, zeros outside the map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Depthwise {
    /// Key in the model file, e.g. `g_s.blocks.0.dw`.
    pub name: String,
    /// N.
    pub channels: usize,
    /// `[N, 9]` (in the file `[N, 3, 3]`: channel, row, column), in -127..=127.
    pub weight: Vec<i8>,
    /// `[N]`.
    pub bias: Vec<i32>,
    /// `[N]`, at most 30.
    pub shift: Vec<u8>,
}

/// A residual block: a depthwise branch, then a feed-forward branch, each added to a stream (i16).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// `[channels]`, at most 15: how `pw1` reads the stream.
    pub pw1_read: Vec<u8>,
    /// channels to channels, active.
    pub pw1: Pointwise,
    /// channels, code.
    pub dw: Depthwise,
    /// channels to channels, added to the stream.
    pub pw2: Pointwise,
    /// `[channels]`, at most 15: how `ffn1` reads the stream.
    pub ffn1_read: Vec<u8>,
    /// channels to e * channels, active.
    pub ffn1: Pointwise,
    /// e * channels to channels, added to the stream.
    pub ffn2: Pointwise,
}

/// h_s: codes `[zh, zw, Z]` to a stream `[4zh, 4zw, P]` (docs/MODEL.md section 5.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HyperSynthesis {
    /// Z to 4P.
    pub first: Pointwise,
    /// P channels at twice the size of z.
    pub block1: Block,
    /// `[P]`, at most 15.
    pub mid_read: Vec<u8>,
    /// P to 4P.
    pub mid: Pointwise,
    /// P channels at four times the size of z.
    pub block2: Block,
}

/// One context step: codes of P + M channels (h first) to means of M channels (docs/MODEL.md section 5.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContextStep {
    /// P + M to P.
    pub first: Pointwise,
    /// P channels.
    pub block: Block,
    /// `[P]`, at most 15.
    pub last_read: Vec<u8>,
    /// P to M.
    pub last: Pointwise,
}

/// g_a or g_s: a wide layer in, blocks at 1/8 resolution, a wide layer out (docs/MODEL.md sections 5.4 and 6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transform {
    /// g_a: 192 to C; g_s: M to 4C.
    pub first: Wide,
    /// C channels, e = 2.
    pub blocks: Vec<Block>,
    /// g_a: 4C to M; g_s: C to 192.
    pub last: Wide,
}

/// h_a: a stream v `[4zh, 4zw, M]` to a stream `[zh, zw, Z]` (docs/MODEL.md section 6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HyperAnalysis {
    /// `[M]`, at most 15.
    pub first_read: Vec<u8>,
    /// M to P.
    pub first: Pointwise,
    /// P channels at the size of v.
    pub block1: Block,
    /// `[P]`, at most 15.
    pub mid_read: Vec<u8>,
    /// 4P to P.
    pub mid: Pointwise,
    /// P channels at half the size of v.
    pub block2: Block,
    /// `[P]`, at most 15.
    pub last_read: Vec<u8>,
    /// 4P to Z.
    pub last: Pointwise,
}

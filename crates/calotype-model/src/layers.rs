//! Layers and blocks, as plain structs (docs/MODEL.md section 2).
//!
//! `name` is the layer's key in the model file, which is also its key in PyTorch and in errors.

/// A pointwise layer: K channels to N accumulators; of codes by int8 weights, unless `W` says another type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pointwise<W = i8> {
    /// Key in the model file, e.g. `g_s.blocks.0.pw1`.
    pub name: String,
    /// K, input channels.
    pub inputs: usize,
    /// N, output channels.
    pub outputs: usize,
    /// `[N, K]`, in -127..=127 or, in a wide layer, -2047..=2047.
    pub weight: Vec<W>,
    /// `[N]`.
    pub bias: Vec<i32>,
    /// `[N]`, at most 30.
    pub shift: Vec<u8>,
}

/// A wide pointwise layer: of a stream.
pub type Wide = Pointwise<i16>;

/// A depthwise 3x3 layer: codes (i8) of N channels to N accumulators; outside the map stands its nearest position.
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

impl<W> Pointwise<W> {
    /// Without elements.
    pub(crate) fn empty(name: String, outputs: usize, inputs: usize) -> Pointwise<W> {
        Pointwise { name, inputs, outputs, weight: Vec::new(), bias: Vec::new(), shift: Vec::new() }
    }
}

impl Block {
    /// Without elements; `name` is what the keys of its layers begin with, e.g. `g_s.blocks.0`.
    pub(crate) fn empty(name: &str, channels: usize, expansion: usize) -> Block {
        let (layer, hidden) = (|layer: &str| format!("{name}.{layer}"), expansion.saturating_mul(channels));
        let pointwise = |name: &str, outputs, inputs| Pointwise::empty(layer(name), outputs, inputs);
        Block {
            pw1_read: Vec::new(),
            pw1: pointwise("pw1", channels, channels),
            dw: Depthwise { name: layer("dw"), channels, weight: Vec::new(), bias: Vec::new(), shift: Vec::new() },
            pw2: pointwise("pw2", channels, channels),
            ffn1_read: Vec::new(),
            ffn1: pointwise("ffn1", hidden, channels),
            ffn2: pointwise("ffn2", channels, hidden),
        }
    }

    /// What the keys of its layers begin with.
    pub(crate) fn name(&self) -> &str {
        self.pw1.name.trim_end_matches(".pw1")
    }

    /// Channels inside its feed-forward branch, for each of the stream's.
    pub(crate) fn expansion(&self) -> usize {
        self.ffn1.outputs / self.pw1.inputs.max(1)
    }
}

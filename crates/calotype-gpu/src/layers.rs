//! Layers and blocks as dispatches.

use calotype_shaders as shaders;
use calotype_shaders::{Kernel, Tile};

use crate::Error;
use crate::commands::{Call, Commands};
use crate::packed::{PackedBlock, PackedDepthwise, PackedPointwise};
use crate::pool::Buffer;

/// Rows and columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Size {
    pub height: usize,
    pub width: usize,
}

/// Codes in: a buffer with `stride` codes from one position to the next.
#[derive(Clone, Copy)]
pub(crate) struct Codes<'a> {
    pub size: Size,
    pub stride: usize,
    pub buffer: &'a Buffer,
}

/// Where a stream goes (shaders/parts/emit.wgsl).
#[derive(Clone, Copy)]
pub(crate) struct Emit<'a> {
    /// The factor of a shuffle; 1 is none.
    pub shuffle: usize,
    /// The factor of an unshuffle, after the crop; 1 is none.
    pub unshuffle: usize,
    /// Of the map that is written.
    pub size: Size,
    /// Rows and columns cropped away above and left; below 0, rows and columns of the map above and left that are not written.
    pub origin: (isize, isize),
    pub stream: Option<&'a Buffer>,
    pub codes: Option<&'a Buffer>,
    /// Codes from one position of `codes` to the next, if there are other channels behind them.
    pub codes_stride: Option<usize>,
}

impl Size {
    pub fn new(height: usize, width: usize) -> Size {
        Size { height, width }
    }

    pub fn positions(self) -> usize {
        self.height * self.width
    }

    pub fn times(self, factor: usize) -> Size {
        Size { height: self.height * factor, width: self.width * factor }
    }

    pub fn over(self, divisor: usize) -> Size {
        Size { height: self.height / divisor, width: self.width / divisor }
    }
}

impl<'a> Emit<'a> {
    /// To the same place, whole.
    pub fn same(size: Size, stream: Option<&'a Buffer>, codes: Option<&'a Buffer>) -> Emit<'a> {
        Emit { shuffle: 1, unshuffle: 1, size, origin: (0, 0), stream, codes, codes_stride: None }
    }

    fn overrides(&self) -> [(&'static str, u32); 4] {
        let [codes, stream] = [self.codes, self.stream].map(|buffer| buffer.is_some().into());
        [("CODES", codes), ("SHUFFLE", self.shuffle as u32), ("STREAM", stream), ("UNSHUFFLE", self.unshuffle as u32)]
    }
}

/// The workgroups of a pointwise kernel.
fn workgroups(layer: &PackedPointwise, tile: usize, positions: usize) -> Result<[u32; 2], Error> {
    let Tile { positions: rows, outputs4, .. } = shaders::TILES[tile];
    let y = positions.div_ceil(rows as usize) as u64;
    let limit = u64::from(u16::MAX);
    if y > limit {
        let bytes_per_row = u64::from(rows) * layer.inputs as u64;
        return Err(Error::TooLarge { bytes: y * bytes_per_row, limit: limit * bytes_per_row });
    }
    Ok([(layer.outputs as u32 / 4).div_ceil(outputs4), y as u32])
}

/// The uniform of a pointwise kernel; wrapping around where the crop is below 0.
fn layer_sizes(layer: &PackedPointwise, input: Codes<'_>, emit: &Emit<'_>) -> [u32; 11] {
    let (width, out, (top, left)) = (input.size.width, emit.size, emit.origin);
    let written = layer.outputs / emit.shuffle.pow(2) * emit.unshuffle.pow(2);
    let [positions, inputs4, stride4, outputs4] = [input.size.positions(), layer.inputs / 4, input.stride / 4, layer.outputs / 4];
    let codes4 = emit.codes_stride.unwrap_or(written) / 4;
    let sizes = [positions, width, inputs4, stride4, outputs4, out.width, out.height, top as usize, left as usize, codes4, 1];
    sizes.map(|size| size as u32)
}

/// Every `apart`-th row and column of a map, from (top, left) on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Places {
    pub apart: usize,
    pub top: usize,
    pub left: usize,
    /// How many there are.
    pub size: Size,
}

impl Places {
    /// Those of a map whose rows and columns leave the remainders `top` and `left`.
    pub fn new(map: Size, apart: usize, (top, left): (usize, usize)) -> Places {
        let count = |length: usize, first: usize| length.saturating_sub(first).div_ceil(apart);
        Places { apart, top, left, size: Size::new(count(map.height, top), count(map.width, left)) }
    }
}

/// A rectangle of a map of i16 in a larger one.
#[derive(Clone, Copy)]
pub(crate) struct Part<'a> {
    pub buffer: &'a Buffer,
    /// Columns of the larger map.
    pub width: usize,
    /// The first row and column.
    pub origin: (usize, usize),
}

impl Commands<'_> {
    /// Copies a rectangle of a map into another map of as many channels.
    pub fn copy(&mut self, from: Part<'_>, to: Part<'_>, size: Size, channels: usize) {
        let groups = size.positions() * channels / 4;
        let place = |part: Part<'_>| [part.width, part.origin.0, part.origin.1];
        let sizes = [&[channels / 4, size.width][..], &place(from), &place(to)].concat();
        self.elements(&shaders::COPY, groups, &sizes, &[from.buffer, to.buffer]);
    }

    fn pointwise(
        &mut self,
        kernel: &'static Kernel,
        layer: &PackedPointwise,
        input: Codes<'_>,
        emit: &Emit<'_>,
        extra: &[&Buffer],
    ) -> Result<(), Error> {
        let (stream, codes) = (self.idle(emit.stream)?, self.idle(emit.codes)?);
        let tile = layer.fitting_tile(input.stride);
        let buffers: Vec<&Buffer> =
            [&layer.weights, &layer.ends, input.buffer].into_iter().chain(extra.iter().copied()).chain([&stream, &codes]).collect();
        self.dispatch(Call {
            kernel,
            tile,
            overrides: &emit.overrides(),
            sizes: &layer_sizes(layer, input, emit),
            buffers: &buffers,
            workgroups: workgroups(layer, tile, input.size.positions())?,
            work: (input.size.positions() * layer.inputs * layer.outputs) as u64,
        });
        Ok(())
    }

    /// A buffer to bind where nothing is written.
    fn idle(&self, buffer: Option<&Buffer>) -> Result<Buffer, Error> {
        buffer.map_or_else(|| self.take(0), |buffer| Ok(buffer.clone()))
    }

    /// An int8 layer to a stream.
    pub fn stream(&mut self, layer: &PackedPointwise, input: Codes<'_>, emit: &Emit<'_>) -> Result<(), Error> {
        self.pointwise(&shaders::POINTWISE_STREAM, layer, input, emit, &[])
    }

    /// A wide layer to a stream.
    pub fn wide(&mut self, layer: &PackedPointwise, size: Size, stream: &Buffer, emit: &Emit<'_>) -> Result<(), Error> {
        let input = Codes { size, stride: layer.inputs, buffer: stream };
        self.pointwise(&shaders::WIDE_STREAM, layer, input, emit, &[])
    }

    /// An int8 layer added to a stream of the input's size.
    pub fn add(&mut self, layer: &PackedPointwise, input: Codes<'_>, stream: &Buffer, emit: &Emit<'_>) -> Result<(), Error> {
        self.pointwise(&shaders::POINTWISE_ADD, layer, input, emit, &[stream])
    }

    /// An int8 layer to codes, with the end *active* or *code*.
    pub fn code(&mut self, layer: &PackedPointwise, active: u32, input: Codes<'_>, codes_out: &Buffer) -> Result<(), Error> {
        let tile = layer.fitting_tile(input.stride);
        self.dispatch(Call {
            kernel: &shaders::POINTWISE_CODE,
            tile,
            overrides: &[("ACTIVE", active)],
            sizes: &layer_sizes(layer, input, &Emit::same(input.size, None, None)),
            buffers: &[&layer.weights, &layer.ends, input.buffer, codes_out],
            workgroups: workgroups(layer, tile, input.size.positions())?,
            work: (input.size.positions() * layer.inputs * layer.outputs) as u64,
        });
        Ok(())
    }

    /// A head to indices; `widths` is one of [`shaders::widths`].
    pub fn index(&mut self, layer: &PackedPointwise, widths: u32, input: Codes<'_>, lut: &Buffer, out: &Buffer) -> Result<(), Error> {
        let tile = layer.fitting_tile(input.stride);
        self.dispatch(Call {
            kernel: &shaders::POINTWISE_INDEX,
            tile,
            overrides: &[("WIDTHS", widths)],
            sizes: &layer_sizes(layer, input, &Emit::same(input.size, None, None)),
            buffers: &[&layer.weights, &layer.ends, input.buffer, lut, out],
            workgroups: workgroups(layer, tile, input.size.positions())?,
            work: (input.size.positions() * layer.inputs * layer.outputs) as u64,
        });
        Ok(())
    }

    /// A predictor's last layer at some places, to means `[places][N]`.
    pub fn cell(&mut self, layer: &PackedPointwise, input: Codes<'_>, places: Places, means: &Buffer) -> Result<(), Error> {
        let (tile, positions) = (layer.fitting_tile(input.stride), places.size.positions());
        let [inputs4, stride4, outputs4] = [layer.inputs / 4, input.stride / 4, layer.outputs / 4];
        let Places { apart, top, left, size } = places;
        let sizes = [positions, input.size.width, inputs4, stride4, outputs4, size.width, size.height, top, left, 0, apart];
        self.dispatch(Call {
            kernel: &shaders::POINTWISE_CELL,
            tile,
            overrides: &[],
            sizes: &sizes.map(|size| size as u32),
            buffers: &[&layer.weights, &layer.ends, input.buffer, means],
            workgroups: workgroups(layer, tile, positions)?,
            work: (positions * layer.inputs * layer.outputs) as u64,
        });
        Ok(())
    }

    /// A depthwise layer.
    pub fn depthwise(&mut self, layer: &PackedDepthwise, size: Size, input: &Buffer, codes_out: &Buffer) {
        let groups = size.positions() * layer.channels / 4;
        let sizes = [size.height, size.width, layer.channels / 4];
        self.elements(&shaders::DEPTHWISE, groups, &sizes, &[&layer.weights, &layer.ends, input, codes_out]);
    }
}

/// A stream with its codes, and room for blocks to run on it.
pub(crate) struct Field {
    size: Size,
    channels: usize,
    pub stream: Buffer,
    pub codes: Buffer,
    second: Buffer,
    hidden: [Buffer; 3],
}

impl Field {
    /// Room for a stream of `channels`, whose blocks widen it `expansion` times.
    pub fn new(commands: &mut Commands<'_>, size: Size, channels: usize, expansion: usize) -> Result<Field, Error> {
        let codes = size.positions() * channels;
        Ok(Field {
            size,
            channels,
            stream: commands.take(2 * codes)?,
            codes: commands.take(codes)?,
            second: commands.take(2 * codes)?,
            hidden: [commands.take(codes)?, commands.take(codes)?, commands.take(expansion * codes)?],
        })
    }

    /// Where a layer that fills the field writes.
    pub fn fill(&self) -> Emit<'_> {
        Emit::same(self.size, Some(&self.stream), Some(&self.codes))
    }

    /// The codes, to read.
    pub fn input(&self) -> Codes<'_> {
        self.codes_in(&self.codes)
    }

    fn codes_in<'a>(&self, buffer: &'a Buffer) -> Codes<'a> {
        Codes { size: self.size, stride: self.channels, buffer }
    }

    /// A block from the field to `emit`; [`Field::fill`] is allowed.
    pub fn block(&self, commands: &mut Commands<'_>, block: &PackedBlock, emit: &Emit<'_>) -> Result<(), Error> {
        let [a, b, f] = &self.hidden;
        commands.code(&block.pw1, 1, self.input(), a)?;
        commands.depthwise(&block.dw, self.size, a, b);
        commands.add(&block.pw2, self.codes_in(b), &self.stream, &Emit::same(self.size, Some(&self.second), Some(a)))?;
        commands.code(&block.ffn1, 1, self.codes_in(a), f)?;
        let wide = Codes { size: self.size, stride: block.ffn1.outputs, buffer: f };
        commands.add(&block.ffn2, wide, &self.second, emit)
    }
}

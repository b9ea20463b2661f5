//! A stream with the codes between two depthwise layers, and the step that runs a block on it.

use std::ops::Range;

use super::Network;
use super::packed::{Block, Stage};
use super::scratch::{Scratch, job_rows, lock, room};
use crate::kernels::{Kernels, Out, Rows};
use crate::measure::Phase;

/// Rows `top..` of a map whose blocks are being run.
pub(super) struct Field<K: Kernels> {
    /// Whom its work is counted for.
    phase: Phase,
    /// The first row in memory.
    pub top: usize,
    /// Rows of the whole map: beyond lie the first and the last once more, while rows of it outside this field are just not in memory.
    pub height: usize,
    /// Positions in a row.
    pub width: usize,
    /// Elements in a row.
    pub row: usize,
    /// `[rows, width, channels]`.
    pub stream: Vec<i16>,
    /// Codes that the next depthwise layer reads, of the same shape.
    pub active: Vec<K::Code>,
    /// Where the codes after it go.
    spare: Vec<K::Code>,
    /// Codes that lie above those in `active`, where the map comes piece by piece.
    pub above: Above<K>,
}

/// Some whole rows of a field.
pub(super) struct FieldRows<'a, C> {
    pub stream: &'a mut [i16],
    /// Codes that the next depthwise layer reads.
    pub active: &'a mut [C],
}

/// The last rows of codes that a depthwise layer had before the ones that are new.
pub(super) struct Above<K: Kernels> {
    /// The row after the last.
    pub end: usize,
    /// At most two rows.
    pub codes: Vec<K::Code>,
}

/// The memory of a field, for the next one: fresh pages cost as much as a small layer.
pub(super) struct Memory<K: Kernels> {
    stream: Vec<i16>,
    active: Vec<K::Code>,
    spare: Vec<K::Code>,
}

impl<K: Kernels> Field<K> {
    /// Where rows lie in the memory of stream and codes.
    pub fn place(&self, rows: &Range<usize>) -> Range<usize> {
        (rows.start - self.top) * self.row..(rows.end - self.top) * self.row
    }

    /// Stream and codes of a whole map, in pieces of `count` rows; there are as many pieces where rows hold nothing.
    pub fn rows_mut(&mut self, count: usize) -> impl Iterator<Item = FieldRows<'_, K::Code>> {
        let (pieces, length) = (self.height.div_ceil(count), count * self.row);
        let (mut stream, mut active) = (&mut self.stream[..], &mut self.active[..]);
        (0..pieces).map(move |_| {
            let at = length.min(stream.len());
            FieldRows { stream: stream.split_off_mut(..at).expect("within"), active: active.split_off_mut(..at).expect("within") }
        })
    }

    /// Drops the stream above row `top`; rows up to `end` stay.
    pub fn slide(&mut self, top: usize, end: usize) {
        let kept = self.place(&(top..end));
        self.stream.copy_within(kept, 0);
        self.top = top;
    }

    /// Row y of the codes.
    fn codes(&self, y: usize) -> &[K::Code] {
        match self.above.end.checked_sub(y) {
            None | Some(0) => &self.active[(y - self.top) * self.row..][..self.row],
            Some(before) => &self.above.codes[self.above.codes.len() - before * self.row..][..self.row],
        }
    }

    /// Row y - 1 of the codes, or the nearest of the map.
    fn codes_before(&self, y: usize) -> &[K::Code] {
        self.codes(y.saturating_sub(1).min(self.height - 1))
    }

    /// The last two of the codes above row `end`, or the one that there is from row `first` on.
    pub fn last_codes(&self, first: usize, end: usize) -> Above<K> {
        let rows = end.saturating_sub(2).max(first)..end;
        Above { end, codes: rows.flat_map(|y| self.codes(y)).copied().collect() }
    }
}

impl<K: Kernels> Above<K> {
    /// None.
    pub fn none() -> Above<K> {
        Above { end: 0, codes: Vec::new() }
    }
}

impl<K: Kernels> Network<K> {
    /// Rows `rows` of a map `[height, width, channels]`, not yet filled.
    pub(super) fn field(&self, phase: Phase, rows: Range<usize>, (height, width, channels): (usize, usize, usize)) -> Field<K> {
        let row = width * channels;
        let length = rows.len() * row;
        let memory = lock(&self.memories).pop();
        let mut memory = memory.unwrap_or_else(|| Memory { stream: Vec::new(), active: Vec::new(), spare: Vec::new() });
        resize(&mut memory.stream, length);
        resize(&mut memory.active, length);
        resize(&mut memory.spare, length);
        let Memory { stream, active, spare } = memory;
        Field { phase, top: rows.start, height, width, row, stream, active, spare, above: Above::none() }
    }

    /// A whole map.
    pub(super) fn whole_field(&self, phase: Phase, shape: (usize, usize, usize)) -> Field<K> {
        self.field(phase, 0..shape.0, shape)
    }

    /// Keeps a field's memory.
    pub(super) fn retire(&self, field: Field<K>) {
        lock(&self.memories).push(Memory { stream: field.stream, active: field.active, spare: field.spare });
    }

    /// Runs a block on rows `rows` of a field whose codes are its pw1's output for these rows and one more on each side,
    /// and the following block's pw1 on the result.
    pub(super) fn run_block(&self, field: &mut Field<K>, block: &Block<K>, next: Option<&Block<K>>, rows: Range<usize>) {
        let (mut stream, mut spare) = (std::mem::take(&mut field.stream), std::mem::take(&mut field.spare));
        let length = job_rows(rows.len(), field.width) * field.row;
        let place = field.place(&rows);
        let chunks = stream[place.clone()].chunks_mut(length).zip(spare[place].chunks_mut(length));
        let jobs: Vec<_> = chunks.enumerate().map(|(i, chunk)| (rows.start + i * length / field.row, chunk)).collect();
        self.scratches.run(field.phase, jobs, |scratch, (y, (stream, active))| {
            self.branch(block, field, scratch, y, stream);
            self.feed_forward(block, scratch, stream);
            if let Some(next) = next {
                self.enter(next, scratch, stream, active);
            }
        });
        field.stream = stream;
        field.spare = std::mem::replace(&mut field.active, spare);
    }

    /// Fills rows `rows` of a field: `fill(scratch, y, stream)` makes the stage's stream from row y on, in multiples of its shuffle;
    /// then comes the first block's pw1.
    pub(super) fn fill(
        &self,
        field: &mut Field<K>,
        rows: Range<usize>,
        stage: &Stage<K>,
        fill: impl Fn(&mut Scratch<K>, usize, &mut [i16]) + Sync,
    ) {
        let place = field.place(&rows);
        let height = stage.shuffle * job_rows(rows.len().div_ceil(stage.shuffle), stage.shuffle * field.width);
        let length = height * field.row;
        let chunks = field.stream[place.clone()].chunks_mut(length).zip(field.active[place].chunks_mut(length));
        let jobs: Vec<_> = chunks.enumerate().collect();
        self.scratches.run(field.phase, jobs, |scratch, (i, (stream, active))| {
            fill(scratch, rows.start + i * height, stream);
            if let Some(first) = stage.blocks.first() {
                self.enter(first, scratch, stream, active);
            }
        });
    }

    /// `a = active(pw1, read(s))`.
    pub(super) fn enter(&self, block: &Block<K>, scratch: &mut Scratch<K>, stream: &[i16], active: &mut [K::Code]) {
        let codes = room(&mut scratch.narrow, stream.len());
        self.kernels.read(stream, &block.pw1_read, codes, block.channels);
        self.kernels.pointwise(&block.pw1, rows_of(codes, block.channels), Out::Active(active));
    }

    /// `s = add(pw2, code(dw, a))` on rows from y on.
    fn branch(&self, block: &Block<K>, field: &Field<K>, scratch: &mut Scratch<K>, y: usize, stream: &mut [i16]) {
        let codes = room(&mut scratch.narrow, stream.len());
        for (i, row) in codes.chunks_exact_mut(field.row).enumerate() {
            let rows = [field.codes_before(y + i), field.codes_before(y + i + 1), field.codes_before(y + i + 2)];
            self.kernels.depthwise(&block.dw, rows, row);
        }
        self.kernels.pointwise(&block.pw2, rows_of(codes, block.channels), Out::Add(stream));
    }

    /// `s = add(ffn2, active(ffn1, read(s)))`.
    fn feed_forward(&self, block: &Block<K>, scratch: &mut Scratch<K>, stream: &mut [i16]) {
        let codes = room(&mut scratch.narrow, stream.len());
        self.kernels.read(stream, &block.ffn1_read, codes, block.channels);
        let hidden = room(&mut scratch.hidden, stream.len() / block.channels * block.hidden);
        self.kernels.pointwise(&block.ffn1, rows_of(codes, block.channels), Out::Active(hidden));
        self.kernels.pointwise(&block.ffn2, rows_of(hidden, block.hidden), Out::Add(stream));
    }
}

/// Exactly `length` elements; a vector that must grow starts afresh, without copying what is in it.
fn resize<T: Copy + Default>(memory: &mut Vec<T>, length: usize) {
    if memory.capacity() < length {
        *memory = vec![T::default(); length];
    }
    memory.resize(length, T::default());
}

/// Contiguous positions.
pub(super) fn rows_of<T>(data: &[T], channels: usize) -> Rows<'_, T> {
    Rows { data, stride: channels, count: data.len() / channels }
}

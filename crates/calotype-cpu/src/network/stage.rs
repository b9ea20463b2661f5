//! A stage's layer on some rows, and chains whose maps fit in memory whole.

use super::Network;
use super::field::{Field, rows_of};
use super::packed::{Stage, Weights};
use super::scratch::{Scratch, room};
use crate::kernels::{Kernels, Out};
use crate::measure::Phase;

/// What a layer is given: contiguous positions.
#[derive(Clone, Copy)]
pub(super) enum Given<'a, C> {
    Codes(&'a [C]),
    Stream(&'a [i16]),
}

/// Rows and columns.
#[derive(Clone, Copy)]
pub(super) struct Extent {
    pub height: usize,
    pub width: usize,
}

impl<'a, C> Given<'a, C> {
    /// Some elements of it.
    fn part(self, first: usize, length: usize) -> Given<'a, C> {
        match self {
            Given::Codes(codes) => Given::Codes(&codes[first..][..length]),
            Given::Stream(stream) => Given::Stream(&stream[first..][..length]),
        }
    }
}

impl<K: Kernels> Network<K> {
    /// All stages of a chain without bias on a map of the size `extent`. What is left is the last one's stream.
    pub(super) fn run_chain(&self, phase: Phase, stages: &[Stage<K>], given: Given<'_, K::Code>, mut extent: Extent) -> Field<K> {
        let mut last: Option<Field<K>> = None;
        for stage in stages {
            let given = last.as_ref().map_or(given, |field| Given::Stream(&field.stream));
            let field = self.run_stage(phase, stage, given, extent);
            extent = Extent { height: field.height, width: field.width };
            last.replace(field).into_iter().for_each(|field| self.retire(field));
        }
        last.expect("a chain has a stage")
    }

    fn run_stage(&self, phase: Phase, stage: &Stage<K>, given: Given<'_, K::Code>, extent: Extent) -> Field<K> {
        let folded = Extent { height: extent.height / stage.unshuffle, width: extent.width / stage.unshuffle };
        let shape = (folded.height * stage.shuffle, folded.width * stage.shuffle, stage.channels);
        let mut field = self.whole_field(phase, shape);
        let row = field.row;
        self.fill(&mut field, 0..shape.0, stage, |scratch, y, stream| {
            let positions = stream.len() / row / stage.shuffle * folded.width;
            let first = y / stage.shuffle * folded.width * stage.inputs;
            self.layer(scratch, stage, given.part(first, positions * stage.inputs), folded.width, stream);
        });
        for (i, block) in stage.blocks.iter().enumerate() {
            self.run_block(&mut field, block, stage.blocks.get(i + 1), 0..shape.0);
        }
        field
    }

    /// `shuffle(stream(layer, unshuffle(read(given))))` on whole rows; the layer has `width` positions in a row.
    pub(super) fn layer(&self, scratch: &mut Scratch<K>, stage: &Stage<K>, given: Given<'_, K::Code>, width: usize, out: &mut [i16]) {
        let Scratch { narrow, hidden, stream, folded, .. } = scratch;
        let shuffled = stage.shuffle > 1;
        let sums = if shuffled { room(stream, out.len()) } else { &mut *out };
        match (&stage.weights, given) {
            (Weights::Int8 { read, pointwise }, given) => {
                let codes = match (given, read) {
                    (Given::Stream(stream), Some(shift)) => {
                        let codes = room(narrow, stream.len());
                        self.kernels.read(stream, shift, codes, shift.len());
                        &*codes
                    }
                    (Given::Codes(codes), None) => codes,
                    _ => panic!("codes are not read, and streams are"),
                };
                self.kernels.pointwise(pointwise, rows_of(unshuffled(codes, stage, width, hidden), stage.inputs), Out::Stream(sums));
            }
            (Weights::Wide(wide), Given::Stream(stream)) => {
                self.kernels.wide(wide, rows_of(unshuffled(stream, stage, width, folded), stage.inputs), sums);
            }
            (Weights::Wide(_), Given::Codes(_)) => panic!("a wide layer reads a stream"),
        }
        if shuffled {
            shuffle(&room(stream, out.len())[..], stage.shuffle, width, stage.channels, out);
        }
    }
}

/// Rows as a stage's layer of `width` positions in a row reads them; `memory` is there to be used.
fn unshuffled<'a, K: Kernels, T: Copy + Default>(rows: &'a [T], stage: &Stage<K>, width: usize, memory: &'a mut Vec<T>) -> &'a [T] {
    if stage.unshuffle == 1 {
        return rows;
    }
    let folded = room(memory, rows.len());
    unshuffle(rows, stage.unshuffle, width, stage.channels_in(), folded);
    folded
}

/// Rows of `width` positions with r * r * C channels to r times as many rows of r times as many positions with C.
fn shuffle<T: Copy>(folded: &[T], r: usize, width: usize, channels: usize, out: &mut [T]) {
    let (line, row) = (r * channels, r * width * channels);
    for (folded, out) in folded.chunks_exact(r * row).zip(out.chunks_exact_mut(r * row)) {
        for (dy, out) in out.chunks_exact_mut(row).enumerate() {
            let lines = folded.chunks_exact(r * line).map(|position| &position[dy * line..][..line]);
            out.chunks_exact_mut(line).zip(lines).for_each(|(out, line)| out.copy_from_slice(line));
        }
    }
}

/// The inverse of [`shuffle`].
fn unshuffle<T: Copy>(rows: &[T], r: usize, width: usize, channels: usize, folded: &mut [T]) {
    let (line, row) = (r * channels, r * width * channels);
    for (rows, folded) in rows.chunks_exact(r * row).zip(folded.chunks_exact_mut(r * row)) {
        for (dy, row) in rows.chunks_exact(row).enumerate() {
            let places = folded.chunks_exact_mut(r * line).map(|position| &mut position[dy * line..][..line]);
            row.chunks_exact(line).zip(places).for_each(|(line, place)| place.copy_from_slice(line));
        }
    }
}

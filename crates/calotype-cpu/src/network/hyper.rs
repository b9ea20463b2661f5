//! h_s with the heads of scales and widths, and h_a: the networks around z (docs/MODEL.md sections 5.1, 5.2 and 6).

use calotype_engine::{Hyper, Map, Side, TileSize};
use calotype_model::QualityTables;

use super::Network;
use super::field::{Field, rows_of};
use super::scratch::{Scratch, job_rows, room};
use super::stage::{Extent, Given};
use crate::kernels::{Code, Kernels, Out, rounding};
use crate::measure::Phase;

/// A row of a tile, from the stream of h to what it says.
struct HeadRow<'a> {
    stream: &'a [i16],
    h8: &'a mut [i8],
    /// Empty where all widths are 1.
    width_index: &'a mut [u8],
    scale_index: &'a mut [u8],
}

/// Log sigma to entries of `scale_lut`, less the width indices: the offset has their middle.
#[inline(always)]
fn to_eighths(values: &mut [i16], offset: &[i32], width_index: &[u8]) {
    for values in values.chunks_exact_mut(offset.len()) {
        for (value, &offset) in values.iter_mut().zip(offset) {
            *value = ((i32::from(*value) + offset) >> 3).clamp(-32768, 32767) as i16;
        }
    }
    for (value, &width) in values.iter_mut().zip(width_index) {
        *value = value.saturating_sub(width.into());
    }
    values.iter_mut().for_each(|value| *value = (*value).clamp(0, 511));
}

impl<K: Kernels> Network<K> {
    /// Sections 5.1 and 5.2.
    pub(super) fn run_hyper(&self, q: &QualityTables, z: &[i16], tile: TileSize) -> Hyper {
        let Some(head) = &self.decoder.scales else {
            let side = Side { h8: Map::zeros(tile.lh, tile.lw, 0), width_index: Vec::new() };
            return Hyper { side, scale_index: q.scale_index_y.repeat(tile.lh * tile.lw) };
        };
        let (height, width) = tile.hyper();
        let z8 = self.z_codes(q, z, tile);
        let field = self.run_chain(Phase::HyperSynthesis, &self.decoder.h_s, Given::Codes(&z8), Extent { height, width });
        let hyper = self.heads(q, head, &field, tile);
        self.retire(field);
        hyper
    }

    fn z_codes(&self, q: &QualityTables, z: &[i16], tile: TileSize) -> Vec<K::Code> {
        let (zh, zw) = tile.hyper();
        let decoder = self.model.decoder();
        assert_eq!(z.len(), zh * zw * decoder.config.z, "z symbols of the tile");
        let shift = &decoder.tables.gain_z_dec.shift;
        let code = |(i, &symbol): (usize, &i16)| {
            let c = i % shift.len();
            let product = i32::from(symbol) * i32::from(q.gain_z_dec[c]);
            K::Code::of(((product + rounding(shift[c])) >> shift[c]).clamp(-127, 127) as i8)
        };
        z.iter().enumerate().map(code).collect()
    }

    /// Section 5.2, and h as codes.
    fn heads(&self, q: &QualityTables, head: &K::Pointwise, field: &Field<K>, tile: TileSize) -> Hyper {
        let (config, channels) = (&self.model.decoder().config, field.row / field.width);
        let mut h8 = Map::zeros(tile.lh, tile.lw, channels);
        let mut scale_index = vec![0; tile.lh * tile.lw * config.m];
        let mut width_index = vec![0; if self.decoder.widths.is_some() { scale_index.len() } else { 0 }];
        let rows = job_rows(tile.lh, tile.lw);
        let mut widths = width_index.chunks_mut(tile.lw * config.m);
        let places = h8.data.chunks_mut(tile.lw * channels).zip(scale_index.chunks_mut(tile.lw * config.m));
        let mut places: Vec<_> = places
            .zip(field.stream.chunks_exact(field.row))
            .map(|((h8, scale_index), stream)| {
                let width_index = widths.next().unwrap_or_default();
                HeadRow { stream: &stream[..h8.len()], h8, width_index, scale_index }
            })
            .collect();
        let offset = config.scale_lut_offset + 8 * self.model.decoder().widths.middle();
        let offset: Vec<i32> = q.log_gain_y.iter().map(|&gain| i32::from(gain) + offset).collect();
        self.scratches.run(Phase::Scales, places.chunks_mut(rows).collect(), |scratch, places: &mut [HeadRow<'_>]| {
            places.iter_mut().for_each(|row| self.head_row(scratch, head, &offset, row));
        });
        Hyper { side: Side { h8, width_index }, scale_index }
    }

    fn head_row(&self, scratch: &mut Scratch<K>, head: &K::Pointwise, offset: &[i32], row: &mut HeadRow<'_>) {
        let (decoder, channels) = (self.model.decoder(), self.model.decoder().h_read.len());
        let codes = room(&mut scratch.narrow, row.stream.len());
        self.kernels.read(row.stream, &decoder.h_read, codes, channels);
        row.h8.iter_mut().zip(&*codes).for_each(|(value, &code)| *value = code.value());
        let values = room(&mut scratch.stream, row.scale_index.len());
        if let Some(widths) = &self.decoder.widths {
            self.kernels.pointwise(&widths.head, rows_of(codes, channels), Out::Stream(values));
            self.kernels.vectorise(|| decoder.widths.indices(values, row.width_index));
        }
        self.kernels.pointwise(head, rows_of(codes, channels), Out::Stream(values));
        let lut: &[u8; 512] = decoder.scale_lut.first_chunk().expect("512 entries, checked on loading");
        self.kernels.vectorise(|| to_eighths(values, offset, row.width_index));
        row.scale_index.iter_mut().zip(values).for_each(|(index, &mut entry)| *index = lut[entry as usize & 511]);
    }

    /// h_a (section 6).
    pub(super) fn run_hyper_analysis(&self, gain_z: &[i16], v_tile: &Map<i16>) -> Vec<i16> {
        let (encoder, packed) = self.encoder();
        if packed.h_a.is_empty() {
            return Vec::new();
        }
        let extent = Extent { height: v_tile.height, width: v_tile.width };
        let field = self.run_chain(Phase::HyperAnalysis, &packed.h_a, Given::Stream(&v_tile.data), extent);
        let symbol = |(i, &value): (usize, &i16)| {
            let (gain, shift) = (gain_z[i % gain_z.len()], encoder.gain_z.shift[i % gain_z.len()]);
            let z = (i32::from(value) * i32::from(gain) + rounding(shift)) >> shift;
            z.clamp(-32767, 32767) as i16
        };
        let symbols = field.stream.iter().enumerate().map(symbol).collect();
        self.retire(field);
        symbols
    }
}

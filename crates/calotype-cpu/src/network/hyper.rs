//! h_s with the scale head, and h_a: the networks around z (docs/MODEL.md sections 5.1, 5.2 and 6).

use calotype_engine::{Hyper, Map, TileSize};
use calotype_model::QualityTables;

use super::Network;
use super::field::{Field, rows_of};
use super::scratch::{Scratch, job_rows, room};
use super::stage::{Extent, Given};
use crate::kernels::{Code, Kernels, Out, rounding};
use crate::measure::Phase;

impl<K: Kernels> Network<K> {
    /// Sections 5.1 and 5.2.
    pub(super) fn run_hyper(&self, q: &QualityTables, z: &[i16], tile: TileSize) -> Hyper {
        let Some(head) = &self.decoder.scales else {
            return Hyper { h8: Map::zeros(tile.lh, tile.lw, 0), scale_index: q.scale_index_y.repeat(tile.lh * tile.lw) };
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
        let rows = job_rows(tile.lh, tile.lw);
        let chunks = h8.data.chunks_mut(rows * tile.lw * channels).zip(scale_index.chunks_mut(rows * tile.lw * config.m));
        let jobs: Vec<_> = chunks.enumerate().collect();
        let offset: Vec<i32> = q.log_gain_y.iter().map(|&gain| i32::from(gain) + config.scale_lut_offset).collect();
        self.scratches.run(Phase::Scales, jobs, |scratch, (i, (h8, scale_index))| {
            let stream = field.stream[i * rows * field.row..].chunks_exact(field.row);
            let places = h8.chunks_mut(tile.lw * channels).zip(scale_index.chunks_mut(tile.lw * config.m));
            for (stream, (h8, index)) in stream.zip(places) {
                self.head_row(scratch, &stream[..h8.len()], head, &offset, h8, index);
            }
        });
        Hyper { h8, scale_index }
    }

    fn head_row(
        &self,
        scratch: &mut Scratch<K>,
        stream: &[i16],
        head: &K::Pointwise,
        offset: &[i32],
        h8: &mut [i8],
        scale_index: &mut [u8],
    ) {
        let (decoder, channels) = (self.model.decoder(), self.model.decoder().h_read.len());
        let codes = room(&mut scratch.narrow, stream.len());
        self.kernels.read(stream, &decoder.h_read, codes, channels);
        h8.iter_mut().zip(&*codes).for_each(|(value, &code)| *value = code.value());
        let log_sigma = room(&mut scratch.stream, scale_index.len());
        self.kernels.pointwise(head, rows_of(codes, channels), Out::Stream(log_sigma));
        let lut: &[u8; 512] = decoder.scale_lut.first_chunk().expect("512 entries, checked on loading");
        for (indices, log_sigma) in scale_index.chunks_exact_mut(offset.len()).zip(log_sigma.chunks_exact(offset.len())) {
            for ((index, &s), &offset) in indices.iter_mut().zip(log_sigma).zip(offset) {
                *index = lut[((i32::from(s) + offset) >> 3).clamp(0, 511) as usize];
            }
        }
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

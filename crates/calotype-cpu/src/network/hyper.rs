//! h_s with the scale head, and h_a: the networks around z (docs/MODEL.md sections 5.1, 5.2 and 6).

use calotype_model::QualityTables;

use super::Network;
use super::field::{Field, rows_of, shuffle2, unshuffle2};
use super::scratch::{Scratch, job_rows, room};
use crate::kernels::{Code, Kernels, Out, rounding};
use crate::measure::Phase;
use calotype_model::{Hyper, Map, TileSize};

impl<K: Kernels> Network<K> {
    /// Sections 5.1 and 5.2.
    pub(super) fn run_hyper(&self, q: &QualityTables, z: &[i16], tile: TileSize) -> Hyper {
        let field = self.hyper_synthesis(&self.z_codes(q, z, tile), tile);
        let hyper = self.heads(q, &field, tile);
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

    /// The stream `[4zh, 4zw, P]`.
    fn hyper_synthesis(&self, z8: &[K::Code], tile: TileSize) -> Field<K> {
        let (zh, zw) = tile.hyper();
        let (config, h_s) = (&self.model.decoder().config, &self.decoder.h_s);
        let mut field = self.whole_field(Phase::HyperSynthesis, (2 * zh, 2 * zw, config.p));
        self.fill(&mut field, 0..2 * zh, Some(&h_s.block1), |scratch, y, stream| {
            let codes = &z8[y / 2 * zw * config.z..][..stream.len() / (4 * config.p) * config.z];
            self.unfold(&mut scratch.stream, (&h_s.first, codes, config.z), zw, stream);
        });
        self.run_block(&mut field, &h_s.block1, None, 0..2 * zh);
        let mut wide = self.whole_field(Phase::HyperSynthesis, (4 * zh, 4 * zw, config.p));
        let mid_read = &self.model.decoder().h_s.mid_read;
        self.fill(&mut wide, 0..4 * zh, Some(&h_s.block2), |scratch, y, stream| {
            let below = &field.stream[y / 2 * field.row..][..stream.len() / 4];
            let codes = room(&mut scratch.narrow, below.len());
            self.kernels.read(below, mid_read, codes, config.p);
            self.unfold(&mut scratch.stream, (&h_s.mid, codes, config.p), 2 * zw, stream);
        });
        self.retire(field);
        self.run_block(&mut wide, &h_s.block2, None, 0..4 * zh);
        wide
    }

    /// `shuffle2(stream(layer, codes))` on rows of `width` positions.
    fn unfold(&self, memory: &mut Vec<i16>, (layer, codes, channels): (&K::Dense, &[K::Code], usize), width: usize, out: &mut [i16]) {
        let folded = room(memory, out.len());
        self.kernels.dense(layer, rows_of(codes, channels), Out::Stream(folded));
        shuffle2(folded, width, 2 * self.model.decoder().config.p, out);
    }

    /// Section 5.2, and h as codes.
    fn heads(&self, q: &QualityTables, field: &Field<K>, tile: TileSize) -> Hyper {
        let config = &self.model.decoder().config;
        let mut h8 = Map::zeros(tile.lh, tile.lw, config.p);
        let mut scale_index = vec![0; tile.lh * tile.lw * config.m];
        let rows = job_rows(tile.lh, tile.lw);
        let chunks = h8.data.chunks_mut(rows * tile.lw * config.p).zip(scale_index.chunks_mut(rows * tile.lw * config.m));
        let jobs: Vec<_> = chunks.enumerate().collect();
        let offset: Vec<i32> = q.log_gain_y.iter().map(|&gain| i32::from(gain) + config.scale_lut_offset).collect();
        self.scratches.run(Phase::Scales, jobs, |scratch, (i, (h8, scale_index))| {
            let stream = field.stream[i * rows * field.row..].chunks_exact(field.row);
            let places = h8.chunks_mut(tile.lw * config.p).zip(scale_index.chunks_mut(tile.lw * config.m));
            for (stream, (h8, index)) in stream.zip(places) {
                self.head_row(scratch, &stream[..h8.len()], &offset, (h8, index));
            }
        });
        Hyper { h8, scale_index }
    }

    fn head_row(&self, scratch: &mut Scratch<K>, stream: &[i16], offset: &[i32], (h8, scale_index): (&mut [i8], &mut [u8])) {
        let (decoder, channels) = (self.model.decoder(), self.model.decoder().config.p);
        let codes = room(&mut scratch.narrow, stream.len());
        self.kernels.read(stream, &decoder.h_read, codes, channels);
        h8.iter_mut().zip(&*codes).for_each(|(value, &code)| *value = code.value());
        let log_sigma = room(&mut scratch.stream, scale_index.len());
        self.kernels.dense(&self.decoder.scale_head, rows_of(codes, channels), Out::Stream(log_sigma));
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
        let (config, h_a) = (&encoder.config, &encoder.h_a);
        let mut field = self.whole_field(Phase::HyperAnalysis, (v_tile.height, v_tile.width, config.p));
        let v_row = v_tile.width * config.m;
        self.fill(&mut field, 0..v_tile.height, Some(&packed.block1), |scratch, y, stream| {
            let v = &v_tile.data[y * v_row..][..stream.len() / config.p * config.m];
            let codes = room(&mut scratch.narrow, v.len());
            self.kernels.read(v, &h_a.first_read, codes, config.m);
            self.kernels.dense(&packed.first, rows_of(codes, config.m), Out::Stream(stream));
        });
        self.run_block(&mut field, &packed.block1, None, 0..v_tile.height);
        let mut half = self.whole_field(Phase::HyperAnalysis, (v_tile.height / 2, v_tile.width / 2, config.p));
        self.fill(&mut half, 0..v_tile.height / 2, Some(&packed.block2), |scratch, y, stream| {
            let above = &field.stream[2 * y * field.row..][..4 * stream.len()];
            self.fold(scratch, (&packed.mid, &h_a.mid_read), (above, field.width), stream);
        });
        self.retire(field);
        self.run_block(&mut half, &packed.block2, None, 0..v_tile.height / 2);
        let symbols = self.z_symbols(gain_z, &half);
        self.retire(half);
        symbols
    }

    fn z_symbols(&self, gain_z: &[i16], half: &Field<K>) -> Vec<i16> {
        let (encoder, packed) = self.encoder();
        let row = half.width / 2 * encoder.config.z;
        let mut symbols = vec![0; half.height / 2 * row];
        let rows = job_rows(half.height / 2, half.width / 2);
        let jobs: Vec<_> = symbols.chunks_mut(rows * row).enumerate().collect();
        self.scratches.run(Phase::HyperAnalysis, jobs, |scratch, (i, symbols)| {
            let stream = &half.stream[2 * i * rows * half.row..][..2 * symbols.len() / row * half.row];
            self.fold(scratch, (&packed.last, &encoder.h_a.last_read), (stream, half.width), symbols);
        });
        for (i, symbol) in symbols.iter_mut().enumerate() {
            let (gain, shift) = (gain_z[i % gain_z.len()], encoder.gain_z.shift[i % gain_z.len()]);
            let z = (i32::from(*symbol) * i32::from(gain) + rounding(shift)) >> shift;
            *symbol = z.clamp(-32767, 32767) as i16;
        }
        symbols
    }

    /// `stream(layer, unshuffle2(read(s)))` on rows of `width` positions.
    fn fold(&self, scratch: &mut Scratch<K>, (layer, shift): (&K::Dense, &[u8]), (stream, width): (&[i16], usize), out: &mut [i16]) {
        let channels = shift.len();
        let codes = room(&mut scratch.narrow, stream.len());
        self.kernels.read(stream, shift, codes, channels);
        let folded = room(&mut scratch.hidden, stream.len());
        unshuffle2(codes, width / 2, 2 * channels, folded);
        self.kernels.dense(layer, rows_of(folded, 4 * channels), Out::Stream(out));
    }
}

//! Means and v_hat in four steps, for decoding and for choosing symbols (docs/MODEL.md section 5.3).
//!
//! A step sets one quarter of the channels at each position, so only that quarter of the last layer runs there.

use calotype_model::{QualityTables, Quantiser};

use super::Network;
use super::field::{Field, rows_of};
use super::scratch::{Scratch, job_rows, room};
use crate::kernels::{Code, Kernels, Out, Rows};
use crate::measure::Phase;
use calotype_model::{Hyper, Map};

/// The phase of a latent by the parities of its row and column.
const PHASE: [[usize; 2]; 2] = [[0, 2], [3, 1]];

/// `ORDER[k][j]`: the phase of the latents that step k sets in channel quarter j.
const ORDER: [[usize; 4]; 4] = [[0, 1, 2, 3], [1, 0, 3, 2], [2, 3, 0, 1], [3, 2, 1, 0]];

/// Where symbols come from: some whole rows of them.
enum Symbols<'a> {
    Known(&'a [i16]),
    Chosen(Choice<'a>),
}

/// The encoder's choice.
struct Choice<'a> {
    symbols: &'a mut [i16],
    scale_index: &'a [u8],
    /// The row of `v` where the symbols begin.
    top: usize,
    v: &'a Map<i16>,
    quantiser: &'a Quantiser,
    skip_below: u8,
}

/// Rows of latents from `y` on.
struct Job<'a, C> {
    y: usize,
    width: usize,
    h8: &'a [i8],
    v_hat: &'a mut [i16],
    symbols: Symbols<'a>,
    stream: &'a mut [i16],
    active: &'a mut [C],
}

/// A quarter's channels in the quality tables.
#[derive(Clone, Copy)]
struct Scales<'a> {
    /// The first of them.
    first: usize,
    gain: &'a [i16],
    shift: &'a [u8],
    gain_dec: &'a [i16],
    shift_dec: &'a [u8],
}

impl<'a> Symbols<'a> {
    /// In pieces of `length` symbols, each `rows` rows.
    fn split(&mut self, length: usize, rows: usize) -> Vec<Symbols<'_>> {
        match self {
            Symbols::Known(symbols) => symbols.chunks(length).map(Symbols::Known).collect(),
            Symbols::Chosen(choice) => {
                let chunks = choice.symbols.chunks_mut(length).zip(choice.scale_index.chunks(length));
                let (v, quantiser, skip_below, top) = (choice.v, choice.quantiser, choice.skip_below, choice.top);
                let piece = |(i, (symbols, scale_index))| {
                    Symbols::Chosen(Choice { symbols, scale_index, top: top + i * rows, v, quantiser, skip_below })
                };
                chunks.enumerate().map(piece).collect()
            }
        }
    }
}

impl<K: Kernels> Network<K> {
    /// v_hat from symbols.
    pub(super) fn run_means(&self, q: &QualityTables, hyper: &Hyper, symbols: &[i16]) -> Map<i16> {
        assert_eq!(symbols.len(), hyper.scale_index.len(), "y symbols of the tile");
        self.run_steps(q, hyper, Symbols::Known(symbols))
    }

    /// Symbols from v, and the v_hat that they decode to.
    pub(super) fn run_code(&self, q: &QualityTables, hyper: &Hyper, v: &Map<i16>, quantiser: &Quantiser) -> (Vec<i16>, Map<i16>) {
        assert!(v.height >= hyper.h8.height && v.width >= hyper.h8.width && v.channels == self.model.decoder().config.m, "v of the tile");
        let mut symbols = vec![0; hyper.scale_index.len()];
        let skip_below = self.model.decoder().config.skip_below;
        let choice = Choice { symbols: &mut symbols, scale_index: &hyper.scale_index, top: 0, v, quantiser, skip_below };
        let v_hat = self.run_steps(q, hyper, Symbols::Chosen(choice));
        (symbols, v_hat)
    }

    fn run_steps(&self, q: &QualityTables, hyper: &Hyper, mut symbols: Symbols<'_>) -> Map<i16> {
        let config = &self.model.decoder().config;
        let (lh, lw) = (hyper.h8.height, hyper.h8.width);
        let mut v_hat = Map::zeros(lh, lw, config.m);
        let mut field = self.whole_field(Phase::Means, (lh, lw, config.p));
        for step in 0..4usize {
            if let Some(context) = step.checked_sub(1) {
                self.run_block(&mut field, &self.decoder.context[context].block, None, 0..lh);
            }
            self.run_step(q, step, (hyper, &mut v_hat), &mut symbols, &mut field);
        }
        self.retire(field);
        v_hat
    }

    /// One step on every row, and the next one's layers up to its depthwise layer.
    fn run_step(
        &self,
        q: &QualityTables,
        step: usize,
        (hyper, v_hat): (&Hyper, &mut Map<i16>),
        symbols: &mut Symbols<'_>,
        field: &mut Field<K>,
    ) {
        let width = v_hat.width;
        let rows = job_rows(v_hat.height, width);
        let length = rows * width * v_hat.channels;
        let stream = field.stream.chunks_mut(rows * field.row).zip(field.active.chunks_mut(rows * field.row));
        let latents = v_hat.data.chunks_mut(length).zip(symbols.split(length, rows)).zip(hyper.h8.data.chunks(rows * field.row));
        let job = |(i, (((v_hat, symbols), h8), (stream, active)))| Job { y: i * rows, width, h8, v_hat, symbols, stream, active };
        let jobs: Vec<_> = latents.zip(stream).enumerate().map(job).collect();
        self.scratches.run(Phase::Means, jobs, |scratch, mut job| {
            self.set_latents(q, step, scratch, &mut job);
            if step < 3 {
                self.begin_context(step, scratch, &mut job);
            }
        });
    }

    /// The latents of step k in a job's rows.
    fn set_latents(&self, q: &QualityTables, step: usize, scratch: &mut Scratch<K>, job: &mut Job<'_, K::Code>) {
        let channels = self.model.decoder().config.p;
        let codes = room(&mut scratch.narrow, job.h8.len());
        let layers = self.step_input(step, job, codes);
        for (row, codes) in codes.chunks_exact(job.width * channels).enumerate() {
            for parity in 0..job.width.min(2) {
                let phase = PHASE[(job.y + row) & 1][parity];
                let quarter = (0..4).find(|&j| ORDER[step][j] == phase).expect("each phase is in each step");
                let input = Rows { data: &codes[parity * channels..], stride: 2 * channels, count: (job.width - parity).div_ceil(2) };
                self.set_quarter(&layers[quarter], input, &mut scratch.stream, (job, row, parity, self.scales(q, quarter)));
            }
        }
    }

    /// What step k's last layer reads, and the quarters of that layer.
    fn step_input(&self, step: usize, job: &Job<'_, K::Code>, codes: &mut [K::Code]) -> &[K::Dense; 4] {
        match step.checked_sub(1) {
            None => {
                codes.iter_mut().zip(job.h8).for_each(|(code, &value)| *code = K::Code::of(value));
                &self.decoder.mean_head
            }
            Some(context) => {
                let decoder = self.model.decoder();
                self.kernels.read(job.stream, &decoder.context[context].last_read, codes, decoder.config.p);
                &self.decoder.context[context].last
            }
        }
    }

    fn scales<'a>(&'a self, q: &'a QualityTables, quarter: usize) -> Scales<'a> {
        let tables = &self.model.decoder().tables;
        let length = q.gain_y.len() / 4;
        let channels = quarter * length..(quarter + 1) * length;
        Scales {
            first: channels.start,
            gain: &q.gain_y[channels.clone()],
            shift: &tables.gain_y.shift[channels.clone()],
            gain_dec: &q.gain_y_dec[channels.clone()],
            shift_dec: &tables.gain_y_dec.shift[channels],
        }
    }

    /// A quarter of the channels at every other position of a row.
    fn set_quarter(
        &self,
        layer: &K::Dense,
        input: Rows<'_, K::Code>,
        memory: &mut Vec<i16>,
        (job, row, parity, scales): (&mut Job<'_, K::Code>, usize, usize, Scales<'_>),
    ) {
        let length = scales.gain.len();
        let (means, y) = room(memory, (input.count + 1) * length).split_at_mut(input.count * length);
        self.kernels.dense(layer, input, Out::Stream(means));
        for (i, mu) in means.chunks_exact_mut(length).enumerate() {
            let x = parity + 2 * i;
            let at = (row * job.width + x) * 4 * length + scales.first;
            let v_hat = &mut job.v_hat[at..][..length];
            match &mut job.symbols {
                Symbols::Known(symbols) => self.kernels.vectorise(|| decode(mu, &symbols[at..][..length], v_hat, scales)),
                Symbols::Chosen(choice) => {
                    y.copy_from_slice(&choice.v.at(choice.top + row, x)[scales.first..][..length]);
                    self.kernels.vectorise(|| to_q6(mu, y, scales));
                    choice.choose(at, mu, y);
                    self.kernels.vectorise(|| reconstruct(mu, &choice.symbols[at..][..length], v_hat, scales));
                }
            }
        }
    }

    /// The following step's layers up to its depthwise layer.
    fn begin_context(&self, context: usize, scratch: &mut Scratch<K>, job: &mut Job<'_, K::Code>) {
        let (step, decoder) = (&self.decoder.context[context], self.model.decoder());
        let (p, inputs) = (decoder.config.p, decoder.config.p + decoder.config.m);
        let codes = room(&mut scratch.hidden, job.h8.len() / p * inputs);
        for (codes, h8) in codes.chunks_exact_mut(inputs).zip(job.h8.chunks_exact(p)) {
            codes.iter_mut().zip(h8).for_each(|(code, &value)| *code = K::Code::of(value));
        }
        self.kernels.read(job.v_hat, &decoder.v_hat_read, &mut codes[p..], inputs);
        self.kernels.dense(&step.first, rows_of(codes, inputs), Out::Stream(job.stream));
        self.enter(&step.block, scratch, job.stream, job.active);
    }
}

impl Choice<'_> {
    /// Symbols from `at` on, from y and mu. The rule is symmetric, so the sign is applied afterwards: it is a coin toss that no processor
    /// predicts, as is what is skipped.
    fn choose(&mut self, at: usize, mu: &[i16], y: &[i16]) {
        let places = self.symbols[at..].iter_mut().zip(&self.scale_index[at..]);
        for ((symbol, &index), (&y, &mu)) in places.zip(y.iter().zip(mu)) {
            let delta = i32::from(y) - i32::from(mu);
            let sign = (delta >> 31) as i16;
            let coded = -i16::from(index >= self.skip_below);
            *symbol = ((self.quantiser.symbol(index, delta.abs()) ^ sign) - sign) & coded;
        }
    }
}

/// Means (v units, becoming Q6) and symbols to v_hat.
#[inline(always)]
fn decode(mu: &mut [i16], symbols: &[i16], v_hat: &mut [i16], scales: Scales<'_>) {
    scale(mu, scales.gain, scales.shift);
    reconstruct(mu, symbols, v_hat, scales);
}

/// Means and v, from v units to Q6.
#[inline(always)]
fn to_q6(mu: &mut [i16], y: &mut [i16], scales: Scales<'_>) {
    scale(mu, scales.gain, scales.shift);
    scale(y, scales.gain, scales.shift);
}

#[inline(always)]
fn scale(values: &mut [i16], gain: &[i16], shift: &[u8]) {
    for ((value, &gain), &shift) in values.iter_mut().zip(gain).zip(shift) {
        *value = scaled(*value, gain, shift);
    }
}

#[inline(always)]
fn reconstruct(mu: &[i16], symbols: &[i16], v_hat: &mut [i16], scales: Scales<'_>) {
    let gains = scales.gain_dec.iter().zip(scales.shift_dec);
    for (((v_hat, &mu), &symbol), (&gain, &shift)) in v_hat.iter_mut().zip(mu).zip(symbols).zip(gains) {
        let y_hat = (64 * i32::from(symbol) + i32::from(mu)).clamp(-32768, 32767) as i16;
        *v_hat = scaled(y_hat, gain, shift);
    }
}

#[inline(always)]
fn scaled(value: i16, gain: i16, shift: u8) -> i16 {
    let shift = u32::from(shift) & 31;
    let round = (1i32 << shift) >> 1;
    ((i32::from(value) * i32::from(gain) + round) >> shift).clamp(-32768, 32767) as i16
}

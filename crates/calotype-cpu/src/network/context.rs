//! Means and v_hat step by step, for decoding and for choosing symbols (docs/MODEL.md section 5.3).
//!
//! A step sets some of the channels at each position, so only these of its predictor's last layer run there.

use calotype_engine::{Hyper, Map, Quantiser, Side};
use calotype_model::{Input, QualityTables, WidthTables};

use super::Network;
use super::field::{Field, FieldRows};
use super::packed::{Cell, Factors, Stage, Step};
use super::scratch::{Scratch, job_rows, room};
use super::stage::{Extent, Given};
use crate::kernels::{Code, Kernels, Out, Rows};
use crate::measure::Phase;

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
    /// Empty where all widths are 1.
    width_index: &'a [u8],
    v_hat: &'a mut [i16],
    symbols: Symbols<'a>,
    /// What the step's last layer reads, if not what its predictor sees.
    field: FieldRows<'a, C>,
    /// Where the next step begins, if not there as well.
    next: Option<FieldRows<'a, C>>,
}

impl<C> Job<'_, C> {
    /// How many there are.
    fn positions(&self, channels: usize) -> usize {
        self.v_hat.len() / channels
    }
}

/// A cell's channels in the quality tables.
#[derive(Clone, Copy)]
struct Scales<'a> {
    /// The first of them.
    first: usize,
    gain: &'a [i16],
    shift: &'a [u8],
    gain_dec: &'a [i16],
    shift_dec: &'a [u8],
    width: &'a [Factors],
}

/// Working memory of a cell.
struct CellMemory<'a> {
    stream: &'a mut Vec<i16>,
    q6: &'a mut Vec<i32>,
    factors: &'a mut Vec<Factors>,
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
    pub(super) fn run_means(&self, q: &QualityTables, side: &Side, symbols: &[i16]) -> Map<i16> {
        assert_eq!(symbols.len(), side.h8.height * side.h8.width * self.model.decoder().config.m, "y symbols of the tile");
        self.run_steps(q, side, Symbols::Known(symbols))
    }

    /// Symbols from v, and the v_hat that they decode to.
    pub(super) fn run_code(&self, q: &QualityTables, hyper: &Hyper, v: &Map<i16>, quantiser: &Quantiser) -> (Vec<i16>, Map<i16>) {
        let h8 = &hyper.side.h8;
        assert!(v.height >= h8.height && v.width >= h8.width && v.channels == self.model.decoder().config.m, "v of the tile");
        let mut symbols = vec![0; hyper.scale_index.len()];
        let skip_below = self.model.decoder().config.skip_below;
        let choice = Choice { symbols: &mut symbols, scale_index: &hyper.scale_index, top: 0, v, quantiser, skip_below };
        let v_hat = self.run_steps(q, &hyper.side, Symbols::Chosen(choice));
        (symbols, v_hat)
    }

    fn run_steps(&self, q: &QualityTables, side: &Side, mut symbols: Symbols<'_>) -> Map<i16> {
        let (lh, lw) = (side.h8.height, side.h8.width);
        let mut v_hat = Map::zeros(lh, lw, self.model.decoder().config.m);
        let mut field = self.step_field(0, (lh, lw));
        self.begin_first_step(&side.h8, &mut v_hat, &mut field);
        for k in 0..self.decoder.steps.len() {
            self.run_step(q, k, side, &mut v_hat, &mut symbols, &mut field);
        }
        self.retire(field);
        v_hat
    }

    /// Room for the stream of a step's first stage; without one, for nothing.
    fn step_field(&self, step: usize, (height, width): (usize, usize)) -> Field<K> {
        let channels = self.decoder.steps.get(step).and_then(Step::first).map_or(0, |first| first.channels);
        self.whole_field(Phase::Means, (height, width, channels))
    }

    /// The first layers of the first step, if its predictor has more than one: the other steps begin where the step before sets latents.
    fn begin_first_step(&self, h8: &Map<i8>, v_hat: &mut Map<i16>, field: &mut Field<K>) {
        let step = &self.decoder.steps[0];
        if step.stages.is_empty() {
            return;
        }
        let (width, rows) = (v_hat.width, job_rows(v_hat.height, v_hat.width));
        let chunks = v_hat.data.chunks_mut(rows * width * v_hat.channels).zip(field.rows_mut(rows));
        let job = |(i, (v_hat, field))| {
            let h8 = h8.some_rows(i * rows, rows);
            Job { y: i * rows, width, h8, width_index: &[], v_hat, symbols: Symbols::Known(&[]), field, next: None }
        };
        let jobs = chunks.enumerate().map(job).collect();
        self.scratches.run(Phase::Means, jobs, |scratch, job| self.begin_step(step, scratch, job));
    }

    /// One step on every row, and the next one's layers up to its depthwise layer: in `field`, or in another one of its own size.
    fn run_step(&self, q: &QualityTables, step: usize, side: &Side, v_hat: &mut Map<i16>, symbols: &mut Symbols<'_>, field: &mut Field<K>) {
        self.run_predictor(&self.decoder.steps[step], field);
        let width = v_hat.width;
        let following = self.decoder.steps.get(step + 1).filter(|step| !step.stages.is_empty());
        let fits = |first: &Stage<K>| first.channels * width == field.row;
        let mut next = (!following.and_then(Step::first).is_none_or(fits)).then(|| self.step_field(step + 1, (v_hat.height, width)));
        let rows = job_rows(v_hat.height, width);
        let length = rows * width * v_hat.channels;
        let latents = v_hat.data.chunks_mut(length).zip(symbols.split(length, rows)).zip(field.rows_mut(rows));
        let mut begun = next.iter_mut().flat_map(|next| next.rows_mut(rows)).collect::<Vec<_>>().into_iter();
        let job = |(i, ((v_hat, symbols), field))| {
            let h8 = side.h8.some_rows(i * rows, rows);
            let width_index = side.width_index.chunks(length).nth(i).unwrap_or_default();
            Job { y: i * rows, width, h8, width_index, v_hat, symbols, field, next: begun.next() }
        };
        let jobs = latents.enumerate().map(job).collect();
        self.scratches.run(Phase::Means, jobs, |scratch, mut job| {
            self.set_latents(q, step, scratch, &mut job);
            if let Some(step) = following {
                self.begin_step(step, scratch, job);
            }
        });
        if let Some(next) = next {
            self.retire(std::mem::replace(field, next));
        }
    }

    /// The stages of a step whose first layers `field` has already, but its last.
    fn run_predictor(&self, step: &Step<K>, field: &mut Field<K>) {
        let Some((first, others)) = step.stages.split_first() else { return };
        let height = field.height;
        for (i, block) in first.blocks.iter().enumerate() {
            self.run_block(field, block, first.blocks.get(i + 1), 0..height);
        }
        if !others.is_empty() {
            let extent = Extent { height, width: field.width };
            let last = self.run_chain(Phase::Means, others, Given::Stream(&field.stream), extent);
            self.retire(std::mem::replace(field, last));
        }
    }

    /// The latents of step k in a job's rows.
    fn set_latents(&self, q: &QualityTables, step: usize, scratch: &mut Scratch<K>, job: &mut Job<'_, K::Code>) {
        let (step, period) = (&self.decoder.steps[step], self.model.decoder().schedule.period);
        let rows = job.positions(self.model.decoder().config.m) / job.width;
        let codes = self.step_input(step, job, &mut scratch.narrow);
        let columns = job.width.min(period);
        for (row, column) in (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column))) {
            let phase = 1 << ((job.y + row) % period * period + column);
            let count = (job.width - column).div_ceil(period);
            let first = (row * job.width + column) * step.inputs;
            let input = Rows { data: &codes[first..], stride: period * step.inputs, count };
            for cell in step.cells.iter().filter(|cell| cell.phases & phase != 0) {
                let places = Places { row, column, period };
                let memory = CellMemory { stream: &mut scratch.stream, q6: &mut scratch.q6, factors: &mut scratch.factors };
                self.set_cell(cell, input, memory, job, places, self.scales(q, cell));
            }
        }
    }

    /// What a step's last layer reads.
    fn step_input<'a>(&self, step: &Step<K>, job: &Job<'_, K::Code>, memory: &'a mut Vec<K::Code>) -> &'a [K::Code] {
        let codes = room(memory, job.positions(self.model.decoder().config.m) * step.inputs);
        match &step.read {
            Some(shift) => self.kernels.read(job.field.stream, shift, codes, step.inputs),
            None => self.seen(step, job, codes),
        }
        codes
    }

    /// What a step's predictor sees, as far as latents are set.
    fn seen(&self, step: &Step<K>, job: &Job<'_, K::Code>, codes: &mut [K::Code]) {
        let decoder = self.model.decoder();
        let (h_channels, stride) = (decoder.h_read.len(), codes.len() / job.positions(decoder.config.m));
        let mut first = 0;
        for input in &step.from {
            match input {
                Input::H => {
                    for (codes, h8) in codes[first..].chunks_mut(stride).zip(job.h8.chunks_exact(h_channels)) {
                        codes.iter_mut().zip(h8).for_each(|(code, &value)| *code = K::Code::of(value));
                    }
                    first += h_channels;
                }
                Input::VHat => {
                    self.kernels.read(job.v_hat, &decoder.v_hat_read, &mut codes[first..], stride);
                    first += decoder.v_hat_read.len();
                }
                other => panic!("a predictor does not see {other:?}"),
            }
        }
    }

    /// The first layers of a step, up to its depthwise layer.
    fn begin_step(&self, step: &Step<K>, scratch: &mut Scratch<K>, mut job: Job<'_, K::Code>) {
        let Some(first) = step.first() else { return };
        let mut seen = std::mem::take(&mut scratch.seen);
        let codes = room(&mut seen, job.positions(self.model.decoder().config.m) * first.inputs);
        self.seen(step, &job, codes);
        let FieldRows { stream, active } = job.next.take().unwrap_or(job.field);
        self.layer(scratch, first, Given::Codes(codes), job.width, stream);
        scratch.seen = seen;
        if let Some(block) = first.blocks.first() {
            self.enter(block, scratch, stream, active);
        }
    }

    /// The factors of latents from `at` on.
    fn factors(&self, width_index: &[u8], at: usize, factors: &mut [Factors]) {
        let Some(widths) = &self.decoder.widths else { return factors.fill(Factors::ONE) };
        factors.iter_mut().zip(&width_index[at..]).for_each(|(factors, &index)| *factors = widths.factors[usize::from(index)]);
    }

    fn scales<'a>(&'a self, q: &'a QualityTables, cell: &Cell<K>) -> Scales<'a> {
        let tables = &self.model.decoder().tables;
        let channels = cell.channels.clone();
        Scales {
            first: channels.start,
            gain: &q.gain_y[channels.clone()],
            shift: &tables.gain_y.shift[channels.clone()],
            gain_dec: &q.gain_y_dec[channels.clone()],
            shift_dec: &tables.gain_y_dec.shift[channels],
            width: &[],
        }
    }

    /// The channels of a cell at some places of a row.
    fn set_cell(
        &self,
        cell: &Cell<K>,
        input: Rows<'_, K::Code>,
        memory: CellMemory<'_>,
        job: &mut Job<'_, K::Code>,
        places: Places,
        scales: Scales<'_>,
    ) {
        let (length, channels) = (scales.gain.len(), self.model.decoder().config.m);
        let (means, differences_q6) = (room(memory.stream, input.count * length), room(memory.q6, length));
        let factors = room(memory.factors, length);
        match &cell.pointwise {
            Some(pointwise) => self.kernels.pointwise(pointwise, input, Out::Stream(means)),
            None => means.fill(0),
        }
        for (i, mean) in means.chunks_exact(length).enumerate() {
            let x = places.column + places.period * i;
            let at = (places.row * job.width + x) * channels + scales.first;
            let v_hat = &mut job.v_hat[at..][..length];
            self.factors(job.width_index, at, factors);
            let scales = Scales { width: factors, ..scales };
            match &mut job.symbols {
                Symbols::Known(symbols) => self.kernels.vectorise(|| reconstruct(mean, &symbols[at..][..length], v_hat, scales)),
                Symbols::Chosen(choice) => {
                    let v = &choice.v.at(choice.top + places.row, x)[scales.first..][..length];
                    self.kernels.vectorise(|| differences(v, mean, differences_q6, scales));
                    choice.choose(at, differences_q6);
                    self.kernels.vectorise(|| reconstruct(mean, &choice.symbols[at..][..length], v_hat, scales));
                }
            }
        }
    }
}

/// Every `period`th position of a row, from `column` on.
#[derive(Clone, Copy)]
struct Places {
    row: usize,
    column: usize,
    period: usize,
}

impl Choice<'_> {
    /// Symbols from `at` on, from y - mu. The rule is symmetric, so the sign is applied afterwards: it is a coin toss that no processor
    /// predicts, as is what is skipped.
    fn choose(&mut self, at: usize, differences: &[i32]) {
        let places = self.symbols[at..].iter_mut().zip(&self.scale_index[at..]);
        for ((symbol, &index), &delta) in places.zip(differences) {
            let sign = (delta >> 31) as i16;
            let coded = -i16::from(index >= self.skip_below);
            *symbol = ((self.quantiser.symbol(index, delta.abs()) ^ sign) - sign) & coded;
        }
    }
}

/// v less its mean, Q6.
#[inline(always)]
fn differences(v: &[i16], mean: &[i16], differences: &mut [i32], scales: Scales<'_>) {
    let gains = scales.gain.iter().zip(scales.shift).zip(scales.width);
    for ((difference, (&v, &mean)), ((&gain, &shift), factors)) in differences.iter_mut().zip(v.iter().zip(mean)).zip(gains) {
        *difference = widened(scaled(v, gain, shift), factors.y) - widened(scaled(mean, gain, shift), factors.y);
    }
}

/// Means and symbols to v_hat.
#[inline(always)]
fn reconstruct(mean: &[i16], symbols: &[i16], v_hat: &mut [i16], scales: Scales<'_>) {
    let gains = scales.gain.iter().zip(scales.shift).zip(scales.gain_dec.iter().zip(scales.shift_dec)).zip(scales.width);
    for ((v_hat, (&mean, &symbol)), (((&gain, &shift), (&gain_dec, &shift_dec)), factors)) in
        v_hat.iter_mut().zip(mean.iter().zip(symbols)).zip(gains)
    {
        let mu = widened(scaled(mean, gain, shift), factors.y);
        let y_hat = widened((64 * i32::from(symbol) + mu).clamp(-65535, 65535), factors.y_dec);
        *v_hat = scaled(y_hat.clamp(-32768, 32767) as i16, gain_dec, shift_dec) as i16;
    }
}

/// Times a gain, saturated to an i16.
#[inline(always)]
fn scaled(value: i16, gain: i16, shift: u8) -> i32 {
    let shift = u32::from(shift) & 31;
    let round = (1i32 << shift) >> 1;
    ((i32::from(value) * i32::from(gain) + round) >> shift).clamp(-32768, 32767)
}

/// Times a factor of a width, saturated to 17 bits.
#[inline(always)]
fn widened(value: i32, factor: i16) -> i32 {
    ((value * i32::from(factor) + (1 << (WidthTables::SHIFT - 1))) >> WidthTables::SHIFT).clamp(-65535, 65535)
}

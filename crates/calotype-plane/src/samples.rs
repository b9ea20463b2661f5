//! Samples as bits in contexts: the same walk writes and reads.

use crate::Size;

/// log2 of the weight of the past in a probability.
const ADAPTATION: u32 = 5;
const HALF: u16 = 1 << 15;
/// Values of `steep`: binary digits of a difference of 16-bit samples, and 0.
const STEEPS: usize = 17;
/// Values of k.
const LENGTHS: usize = 16;

/// What turns bits into bytes, or bytes into bits.
pub trait Coder {
    /// When writing, what the prediction of this sample misses; `None` when reading.
    fn residual(&mut self, position: usize, prediction: u16) -> Option<i32>;

    /// Codes a bit that is 0 with `probability / 2^16` and returns it; `known` is it when writing.
    fn bit(&mut self, probability: u16, known: bool) -> bool;
}

/// The probabilities of all contexts.
pub struct Model {
    size: Size,
    zero: [u16; 32],
    sign: [[u16; 3]; STEEPS],
    more: [[u16; LENGTHS]; STEEPS],
    high: [u16; LENGTHS],
}

/// A sample's neighbours.
#[derive(Clone, Copy)]
struct Near {
    w: u16,
    n: u16,
    nw: u16,
    ne: u16,
    ww: u16,
    nn: u16,
}

impl Model {
    pub fn new(size: Size) -> Model {
        Model { size, zero: [HALF; 32], sign: [[HALF; 3]; STEEPS], more: [[HALF; LENGTHS]; STEEPS], high: [HALF; LENGTHS] }
    }

    /// Fills `samples`, `[height][width]`, from the first to the last.
    pub fn run(&mut self, samples: &mut [u16], coder: &mut impl Coder) {
        let largest = self.size.largest();
        for position in 0..samples.len() {
            let near = Near::of(samples, position, self.size);
            let prediction = near.prediction();
            let known = coder.residual(position, prediction).map_or(0, |residual| self.size.wrapped(residual));
            let residual = self.residual(near, known, coder);
            samples[position] = (i32::from(prediction) + residual) as u16 & largest;
        }
    }

    fn residual(&mut self, near: Near, known: i32, coder: &mut impl Coder) -> i32 {
        if !adaptive(&mut self.zero[near.equal()], known != 0, coder) {
            return 0;
        }
        let (steep, tilt) = (near.steep(), near.tilt());
        let negative = adaptive(&mut self.sign[steep][tilt], known < 0, coder);
        let magnitude = self.magnitude(steep, known.unsigned_abs(), coder) as i32;
        if negative { -magnitude } else { magnitude }
    }

    /// At least 1, less than `2^depth`.
    fn magnitude(&mut self, steep: usize, known: u32, coder: &mut impl Coder) -> u32 {
        let most = u32::from(self.size.depth) - 1;
        let known_length = known.checked_ilog2().unwrap_or(0);
        let mut length = 0;
        while length < most && adaptive(&mut self.more[steep][length as usize], length < known_length, coder) {
            length += 1;
        }
        let mut magnitude = 1;
        for at in (0..length).rev() {
            let known_bit = known >> at & 1 == 1;
            let bit =
                if at + 1 == length { adaptive(&mut self.high[length as usize], known_bit, coder) } else { coder.bit(HALF, known_bit) };
            magnitude = magnitude << 1 | u32::from(bit);
        }
        magnitude
    }
}

impl Size {
    /// The residual of least magnitude that leads to the same sample.
    fn wrapped(self, residual: i32) -> i32 {
        let unused = 32 - u32::from(self.depth);
        residual << unused >> unused
    }
}

impl Near {
    fn of(samples: &[u16], position: usize, size: Size) -> Near {
        let (x, y) = (position % size.width, position / size.width);
        let n = if y > 0 { samples[position - size.width] } else { size.largest() };
        let w = if x > 0 { samples[position - 1] } else { n };
        let nw = match (x, y) {
            (0, _) => n,
            (_, 0) => w,
            _ => samples[position - size.width - 1],
        };
        let ne = if y > 0 && x + 1 < size.width { samples[position - size.width + 1] } else { n };
        let ww = if x > 1 { samples[position - 2] } else { w };
        let nn = if y > 1 { samples[position - 2 * size.width] } else { n };
        Near { w, n, nw, ne, ww, nn }
    }

    /// The median edge detector of JPEG-LS.
    fn prediction(self) -> u16 {
        let gradient = i32::from(self.w) + i32::from(self.n) - i32::from(self.nw);
        gradient.clamp(self.w.min(self.n).into(), self.w.max(self.n).into()) as u16
    }

    fn equal(self) -> usize {
        let same = [self.w == self.nw, self.n == self.nw, self.n == self.ne, self.w == self.ww, self.n == self.nn];
        same.iter().enumerate().map(|(bit, &same)| usize::from(same) << bit).sum()
    }

    fn steep(self) -> usize {
        let steepest = self.w.abs_diff(self.nw).max(self.n.abs_diff(self.nw)).max(self.n.abs_diff(self.ne));
        (u16::BITS - steepest.leading_zeros()) as usize
    }

    fn tilt(self) -> usize {
        match self.w.cmp(&self.n) {
            std::cmp::Ordering::Equal => 0,
            std::cmp::Ordering::Less => 1,
            std::cmp::Ordering::Greater => 2,
        }
    }
}

/// Codes a bit in a context.
fn adaptive(probability: &mut u16, known: bool, coder: &mut impl Coder) -> bool {
    let bit = coder.bit(*probability, known);
    if bit {
        *probability -= *probability >> ADAPTATION;
    } else {
        *probability += (((1 << 16) - u32::from(*probability)) >> ADAPTATION) as u16;
    }
    bit
}

//! Exact coding of one plane of samples, such as alpha (docs/FORMAT.md section 3.1): each sample is predicted from its
//! neighbours, and what the prediction misses goes through an adaptive binary range coder. All arithmetic is integer.
//!
//! ```
//! use calotype_plane::{Size, decode, encode};
//!
//! let size = Size { width: 3, height: 2, depth: 8 };
//! let samples = [255, 255, 0, 255, 128, 0];
//! let stream = encode(&samples, size)?;
//! assert_eq!(decode(&stream, size)?, samples);
//! assert!(encode(&[255; 6], size)?.is_empty());
//! # Ok::<(), calotype_plane::Error>(())
//! ```

#![forbid(unsafe_code)]

mod range;
mod samples;

use range::{RangeDecoder, RangeEncoder};
use samples::{Coder, Model};

/// What a stream codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Samples in a row, at least 1.
    pub width: usize,
    /// Rows, at least 1.
    pub height: usize,
    /// Bits of a sample, 1 to 16.
    pub depth: u8,
}

/// Why a stream could not be written or read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The stream ends before its last sample.
    #[error("the stream ends too early")]
    Truncated,
    /// Bytes after the last sample, or a state that no encoder leaves.
    #[error("the stream does not end with its last sample")]
    End,
    /// Usage: a depth outside 1..=16, or samples that do not fit the size or the depth.
    #[error("{samples} samples do not make {width}x{height} samples of {depth} bits")]
    Size {
        /// Samples given.
        samples: usize,
        /// Samples in a row.
        width: usize,
        /// Rows.
        height: usize,
        /// Bits of a sample.
        depth: u8,
    },
}

impl Size {
    /// The largest sample, `2^depth - 1`.
    pub fn largest(self) -> u16 {
        u16::MAX >> (16 - u32::from(self.depth.clamp(1, 16)))
    }

    fn count(self) -> Option<usize> {
        let count = self.width.checked_mul(self.height)?;
        ((1..=16).contains(&self.depth) && count > 0).then_some(count)
    }

    fn misfit(self, samples: usize) -> Error {
        Error::Size { samples, width: self.width, height: self.height, depth: self.depth }
    }
}

/// The stream of `samples`, `[height][width]`, each at most [`Size::largest`]; empty where all of them are that.
///
/// # Errors
/// [`Error::Size`].
pub fn encode(samples: &[u16], size: Size) -> Result<Vec<u8>, Error> {
    let largest = size.largest();
    if size.count() != Some(samples.len()) || samples.iter().any(|&sample| sample > largest) {
        return Err(size.misfit(samples.len()));
    }
    if samples.iter().all(|&sample| sample == largest) {
        return Ok(Vec::new());
    }
    let mut coder = RangeEncoder::default();
    let mut model = Model::new(size);
    let mut done = vec![0; samples.len()];
    model.run(&mut done, &mut Writing { coder: &mut coder, samples });
    Ok(coder.finish())
}

/// The samples of a stream, `[height][width]`. Allocates nothing but them.
///
/// # Errors
/// [`Error::Truncated`], [`Error::End`] for streams that [`encode`] does not write; [`Error::Size`] for a size of no samples.
pub fn decode(stream: &[u8], size: Size) -> Result<Vec<u16>, Error> {
    let count = size.count().ok_or_else(|| size.misfit(0))?;
    if stream.is_empty() {
        return Ok(vec![size.largest(); count]);
    }
    let mut samples = vec![0; count];
    let mut coder = RangeDecoder::new(stream);
    Model::new(size).run(&mut samples, &mut coder);
    coder.finish()?;
    Ok(samples)
}

/// The encoder as a [`Coder`]: what is "read" is what the samples say.
struct Writing<'a> {
    coder: &'a mut RangeEncoder,
    samples: &'a [u16],
}

impl Coder for Writing<'_> {
    fn residual(&mut self, position: usize, prediction: u16) -> Option<i32> {
        Some(i32::from(self.samples[position]) - i32::from(prediction))
    }

    fn bit(&mut self, probability: u16, known: bool) -> bool {
        self.coder.put(probability, known);
        known
    }
}

impl Coder for RangeDecoder<'_> {
    fn residual(&mut self, _: usize, _: u16) -> Option<i32> {
        None
    }

    fn bit(&mut self, probability: u16, _: bool) -> bool {
        self.take(probability)
    }
}

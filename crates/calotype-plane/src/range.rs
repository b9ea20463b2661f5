//! The binary range coder: 40-bit codes, 16-bit probabilities, carries propagated by the encoder.

use crate::Error;

/// Below this, range takes a byte more.
const LOW: u64 = 1 << 32;
const FULL: u64 = 1 << 40;
/// Bytes of a code.
const CODE_BYTES: usize = 5;

fn bound(range: u64, probability: u16) -> u64 {
    (range >> 16) * u64::from(probability)
}

/// Writes bits.
pub struct RangeEncoder {
    /// The lower end of the interval; bit 40 is a carry into the bytes already written.
    low: u64,
    range: u64,
    bytes: Vec<u8>,
}

impl Default for RangeEncoder {
    fn default() -> RangeEncoder {
        RangeEncoder { low: 0, range: FULL, bytes: Vec::new() }
    }
}

impl RangeEncoder {
    /// Writes a bit that is 0 with `probability / 2^16`.
    pub fn put(&mut self, probability: u16, bit: bool) {
        let bound = bound(self.range, probability);
        if bit {
            self.low += bound;
            self.range -= bound;
        } else {
            self.range = bound;
        }
        while self.range < LOW {
            self.shift();
            self.range <<= 8;
        }
    }

    /// The whole stream.
    pub fn finish(mut self) -> Vec<u8> {
        for _ in 0..CODE_BYTES {
            self.shift();
        }
        self.bytes
    }

    /// Moves low's highest byte out.
    fn shift(&mut self) {
        if self.low >= FULL {
            self.low -= FULL;
            self.carry();
        }
        self.bytes.push((self.low >> 32) as u8);
        self.low = self.low << 8 & (FULL - 1);
    }

    /// Adds 1 to the bytes as one number; the interval lies below 1, so some byte is not 255.
    fn carry(&mut self) {
        for byte in self.bytes.iter_mut().rev() {
            *byte = byte.wrapping_add(1);
            if *byte != 0 {
                break;
            }
        }
    }
}

/// Reads bits; past the end of its stream it reads zeros and remembers.
pub struct RangeDecoder<'a> {
    code: u64,
    range: u64,
    bytes: &'a [u8],
    /// Bytes read, beyond the stream's end included.
    read: usize,
}

impl<'a> RangeDecoder<'a> {
    pub fn new(bytes: &'a [u8]) -> RangeDecoder<'a> {
        let mut decoder = RangeDecoder { code: 0, range: FULL, bytes, read: 0 };
        for _ in 0..CODE_BYTES {
            decoder.shift();
        }
        decoder
    }

    /// Reads a bit that is 0 with `probability / 2^16`.
    #[inline]
    pub fn take(&mut self, probability: u16) -> bool {
        let bound = bound(self.range, probability);
        let bit = self.code >= bound;
        if bit {
            self.code -= bound;
            self.range -= bound;
        } else {
            self.range = bound;
        }
        while self.range < LOW {
            self.shift();
            self.range <<= 8;
        }
        bit
    }

    /// Whether the stream ended with the last bit.
    pub fn finish(&self) -> Result<(), Error> {
        match self.read.cmp(&self.bytes.len()) {
            std::cmp::Ordering::Greater => Err(Error::Truncated),
            std::cmp::Ordering::Equal if self.code == 0 => Ok(()),
            _ => Err(Error::End),
        }
    }

    fn shift(&mut self) {
        self.code = self.code << 8 | self.bytes.get(self.read).copied().map_or(0, u64::from);
        self.read += 1;
    }
}

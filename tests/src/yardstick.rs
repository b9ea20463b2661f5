//! Fabian Giesen's rANS, which `rans` binds, on the tables and symbols of ours: what our coder is measured with. It checks no bounds,
//! so it sees streams of its own alone.

use rans::byte_decoder::{ByteRansDecSymbol, ByteRansDecoder};
use rans::byte_encoder::{ByteRansEncSymbol, ByteRansEncoder};
use rans::{RansDecSymbol, RansDecoder, RansEncSymbol, RansEncoder, RansEncoderMulti};

const BITS: u32 = 15;

/// A slot of a table.
struct Slot {
    frequency: u32,
    encode: ByteRansEncSymbol,
    decode: ByteRansDecSymbol,
}

/// Tables, one for each scale index.
pub struct Yardstick {
    slots: Vec<Vec<Slot>>,
    /// The slot of each cumulative frequency.
    found: Vec<Vec<u16>>,
}

impl Yardstick {
    /// From the frequencies of the symbols -n..=n and the escape of each table, which sum to 2^15.
    pub fn new(frequencies: &[Vec<u32>]) -> Yardstick {
        let slots: Vec<Vec<Slot>> = frequencies.iter().map(|frequencies| slots(frequencies)).collect();
        let found = |slots: &Vec<Slot>| {
            slots.iter().enumerate().flat_map(|(i, slot)| std::iter::repeat_n(i as u16, slot.frequency as usize)).collect()
        };
        Yardstick { found: slots.iter().map(found).collect(), slots }
    }

    /// Symbols without escapes to bytes.
    pub fn encode(&self, symbols: &[i16], scale_index: &[u8]) -> Vec<u8> {
        let mut encoder = ByteRansEncoder::new(2 * symbols.len() + 64);
        for (&symbol, &index) in symbols.iter().zip(scale_index).rev() {
            let index = usize::from(index);
            encoder.put(&self.slots[index][(symbol + self.largest(index)) as usize].encode);
        }
        encoder.flush();
        encoder.data().to_vec()
    }

    /// The symbols of bytes that [`Yardstick::encode`] made.
    pub fn decode(&self, bytes: &[u8], scale_index: &[u8], symbols: &mut [i16]) {
        let mut decoder = ByteRansDecoder::new(bytes.to_vec());
        for (symbol, &index) in symbols.iter_mut().zip(scale_index) {
            let index = usize::from(index);
            let slot = self.found[index][decoder.get(BITS) as usize];
            decoder.advance(&self.slots[index][usize::from(slot)].decode, BITS);
            *symbol = slot as i16 - self.largest(index);
        }
    }

    /// The largest symbol of a table that is no escape.
    pub fn largest(&self, scale_index: usize) -> i16 {
        (self.slots[scale_index].len() / 2 - 1) as i16
    }
}

fn slots(frequencies: &[u32]) -> Vec<Slot> {
    let starts = frequencies.iter().scan(0, |start, frequency| Some(std::mem::replace(start, *start + frequency)));
    let slot = |(start, &frequency): (u32, &u32)| Slot {
        frequency,
        encode: ByteRansEncSymbol::new(start, frequency, BITS),
        decode: ByteRansDecSymbol::new(start, frequency),
    };
    starts.zip(frequencies).map(slot).collect()
}

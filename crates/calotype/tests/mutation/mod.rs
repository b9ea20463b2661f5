//! Files that are wrong somewhere, from a seed: what tests of hostile input share.

use std::ops::Range;

/// Random numbers, the same for a seed everywhere (SplitMix64).
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Random {
        Random(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ mixed >> 31
    }

    /// 0 to `end - 1`; 0 for an `end` of 0.
    pub fn below(&mut self, end: usize) -> usize {
        if end == 0 { 0 } else { (self.next() % end as u64) as usize }
    }

    pub fn one<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }

    /// Some bytes of a file, mostly few.
    fn some(&mut self, length: usize) -> Range<usize> {
        let begin = self.below(length);
        let most = *self.one(&[2, 8, 64, length]);
        begin..begin + self.below((length - begin).min(most) + 1)
    }
}

/// Numbers at which programs go wrong.
const EDGES: [u32; 12] = [0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF];

/// Changes a file in one to four places.
pub fn mutate(bytes: &mut Vec<u8>, random: &mut Random) {
    for _ in 0..=random.below(4) {
        mutate_once(bytes, random);
    }
}

fn mutate_once(bytes: &mut Vec<u8>, random: &mut Random) {
    let (length, at) = (bytes.len(), random.below(bytes.len()));
    if length == 0 {
        return bytes.push(random.next() as u8);
    }
    match random.below(9) {
        0 => bytes[at] ^= 1 << random.below(8),
        1 => bytes[at] = random.next() as u8,
        2 => bytes[at] = *random.one(&EDGES) as u8,
        3 => overwrite(bytes, at, &random.one(&EDGES).to_le_bytes()[..1 << random.below(3)]),
        4 => overwrite(bytes, at, &random.one(&EDGES).to_be_bytes()[..4 >> random.below(3)]),
        5 => drop(bytes.drain(random.some(length))),
        6 => {
            let copied = bytes[random.some(length)].to_vec();
            bytes.splice(at..at, copied);
        }
        7 => {
            let copied = bytes[random.some(length)].to_vec();
            overwrite(bytes, at, &copied);
        }
        _ => bytes.truncate(if random.below(4) == 0 { at } else { length - at.min(9) }),
    }
}

/// As far as there are bytes.
fn overwrite(bytes: &mut [u8], at: usize, with: &[u8]) {
    bytes[at..].iter_mut().zip(with).for_each(|(byte, with)| *byte = *with);
}

/// How many files to try: few, or as many as `CALOTYPE_MUTATIONS` asks for.
pub fn count(few: u64) -> u64 {
    std::env::var("CALOTYPE_MUTATIONS").map_or(few, |count| count.parse().expect("CALOTYPE_MUTATIONS is a number"))
}

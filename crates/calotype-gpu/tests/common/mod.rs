//! Adapters to test on, and numbers to test with.

use calotype_gpu::Adapter;

/// All adapters of this machine. Without any the test is skipped, unless CALOTYPE_REQUIRE_GPU=1.
pub fn adapters() -> Vec<Adapter> {
    let adapters = calotype_gpu::adapters();
    if adapters.is_empty() {
        assert!(std::env::var("CALOTYPE_REQUIRE_GPU").as_deref() != Ok("1"), "no adapter, and CALOTYPE_REQUIRE_GPU=1");
        println!("skipped: no adapter");
    }
    adapters
}

/// A small generator of test numbers (an LCG; the upper bits are used).
pub struct Random(pub u64);

impl Random {
    /// 31 bits.
    pub fn next(&mut self) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as u32
    }

    /// Numbers of all magnitudes up to `most`, among them both extremes.
    pub fn spread(&mut self, most: i32, count: usize) -> Vec<i16> {
        let value = |random: &mut Random| {
            let largest = most >> (random.next() % 16);
            let sign = if random.next() & 64 == 0 { 1 } else { -1 };
            if random.next().is_multiple_of(8) { largest * sign } else { (random.next() % (2 * largest as u32 + 1)) as i32 - largest }
        };
        (0..count).map(|_| value(self).clamp(-32768, 32767) as i16).collect()
    }
}

//! Each kernel on every adapter against its twin in the scalar oracle, bit for bit, over odd shapes; the whole engine against the CPU's;
//! and a negative control for each.

mod elements;
mod engine;
mod pointwise;

use std::sync::OnceLock;

use calotype_cpu::scalar;
use calotype_engine::{Map, Quantiser};
use calotype_model::{Depthwise, Pointwise, Wide, synthetic};
use calotype_shaders as shaders;

use crate::commands::Commands;
use crate::gpu::Gpu;
use crate::layers::{Codes, Emit, Part, Places, Size};
use crate::packed::{Next, PackedDepthwise, PackedPointwise, columns, factors, gains, halves, to_halves, widened, words};
use crate::pool::Buffer;
use crate::{Adapter, Error, adapters};

/// Rows, columns; the last is over a workgroup of the pointwise kernels.
const SHAPES: [(usize, usize); 6] = [(1, 1), (1, 7), (3, 5), (8, 8), (17, 13), (2, 66)];
/// Inputs and outputs, all multiples of 4 as in models; some inputs are multiples of 16.
const CHANNELS: [(usize, usize); 6] = [(4, 4), (20, 36), (64, 64), (12, 132), (192, 28), (16, 84)];

struct Random(u64);

impl Random {
    fn next(&mut self) -> i64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as i64
    }

    /// Uniform in -most..=most, with the extremes more often.
    fn within(&mut self, most: i64) -> i64 {
        match self.next() % 8 {
            0 => most,
            1 => -most,
            _ => self.next() % (2 * most + 1) - most,
        }
    }

    /// Numbers of all magnitudes up to `most`, among them both extremes.
    fn spread(&mut self, most: i64, count: usize) -> Vec<i16> {
        let value = |random: &mut Random| {
            let largest = most >> (random.next() % 16);
            let sign = if random.next() & 64 == 0 { 1 } else { -1 };
            if random.next() % 8 == 0 { largest * sign } else { random.next() % (2 * largest + 1) - largest }
        };
        (0..count).map(|_| value(self).clamp(-32768, 32767) as i16).collect()
    }

    fn codes(&mut self, (height, width): (usize, usize), channels: usize) -> Map<i8> {
        let data = (0..height * width * channels).map(|_| self.within(127) as i8).collect();
        Map { height, width, channels, data }
    }

    fn stream(&mut self, (height, width): (usize, usize), channels: usize) -> Map<i16> {
        let data = (0..height * width * channels).map(|i| if i % 7 == 0 { -32768 } else { self.within(32767) as i16 }).collect();
        Map { height, width, channels, data }
    }

    fn shifts(&mut self, most: i64, count: usize) -> Vec<u8> {
        (0..count).map(|_| (self.next() % (most + 1)) as u8).collect()
    }

    /// About the size of the sums, so that the ends neither always saturate nor always vanish.
    fn biases(&mut self, count: usize) -> Vec<i32> {
        (0..count).map(|_| self.within(1 << 17) as i32).collect()
    }

    fn pointwise(&mut self, inputs: usize, outputs: usize) -> Pointwise {
        let weight = (0..inputs * outputs).map(|_| self.within(127) as i8).collect();
        let (bias, shift) = (self.biases(outputs), self.shifts(15, outputs));
        Pointwise { name: "twin".to_owned(), inputs, outputs, weight, bias, shift }
    }

    /// Sums stay below 2^31: weights of 12 bits where there are few inputs.
    fn wide(&mut self, inputs: usize, outputs: usize) -> Wide {
        let most = (2047 * 16 / inputs as i64).clamp(1, 2047);
        let weight = (0..inputs * outputs).map(|_| self.within(most) as i16).collect();
        let (bias, shift) = (self.biases(outputs), self.shifts(24, outputs));
        Wide { name: "twin".to_owned(), inputs, outputs, weight, bias, shift }
    }

    fn depthwise(&mut self, channels: usize) -> Depthwise {
        let weight = (0..9 * channels).map(|_| self.within(127) as i8).collect();
        let (bias, shift) = (self.biases(channels), self.shifts(15, channels));
        Depthwise { name: "twin".to_owned(), channels, weight, bias, shift }
    }
}

/// All adapters of this machine. Without any the test is skipped, unless CALOTYPE_REQUIRE_GPU=1.
fn all_adapters() -> Vec<Adapter> {
    let adapters = adapters();
    if adapters.is_empty() {
        assert!(std::env::var("CALOTYPE_REQUIRE_GPU").as_deref() != Ok("1"), "no adapter, and CALOTYPE_REQUIRE_GPU=1");
        println!("skipped: no adapter");
    }
    adapters
}

/// The same, open.
fn open() -> &'static [(Adapter, Gpu)] {
    static OPEN: OnceLock<Vec<(Adapter, Gpu)>> = OnceLock::new();
    OPEN.get_or_init(|| {
        let open: Vec<_> = all_adapters().into_iter().map(|adapter| (adapter.clone(), Gpu::open(&adapter).unwrap())).collect();
        open.iter().for_each(|(adapter, _)| println!("kernels on {}", adapter.facts()));
        open
    })
}

fn bytes(codes: &[i8]) -> Vec<u8> {
    codes.iter().map(|&code| code as u8).collect()
}

fn size<T>(map: &Map<T>) -> Size {
    Size::new(map.height, map.width)
}

/// What a kernel makes: the first bytes of the buffers that `record` returns.
fn outputs(gpu: &Gpu, record: impl FnOnce(&mut Commands<'_>) -> Result<Vec<(Buffer, usize)>, Error>) -> Vec<Vec<u8>> {
    let mut commands = Commands::new(gpu).unwrap();
    let buffers = record(&mut commands).unwrap();
    buffers.iter().for_each(|(buffer, bytes)| commands.download(buffer, *bytes));
    let mut outputs = commands.run().unwrap();
    outputs.iter_mut().zip(&buffers).for_each(|(output, (_, bytes))| output.truncate(*bytes));
    outputs
}

/// The comparator of all twins: equal, and unequal once the weights or shifts are `damaged`.
/// `outputs(gpu, trial)` is the kernel's, `truth` its twin's.
/// A pointwise kernel runs with all tiles that fit its `inputs`; for others these are 0, and there is one.
fn compare_tiles(
    (kernel, inputs): (&shaders::Kernel, usize),
    truth: &[Vec<u8>],
    outputs: impl Fn(&Gpu, Trial) -> Vec<Vec<u8>>,
    damages: &[Damage],
) {
    let fits = |tile: &usize| *tile == 0 || inputs > 0 && inputs.is_multiple_of(shaders::TILES[*tile].inputs);
    for ((adapter, gpu), tile) in open().iter().flat_map(|open| (0..kernel.sources.len()).filter(fits).map(move |tile| (open, tile))) {
        let what = format!("{} with {} on {}", kernel.name, shaders::TILES[tile].name, adapter.facts());
        assert!(outputs(gpu, Trial { tile, damage: Damage::None }) == truth, "{what}");
        for &damage in damages {
            assert!(outputs(gpu, Trial { tile, damage }) != truth, "{what}: {damage:?} is not noticed");
        }
    }
}

/// The same for a kernel without tiles.
fn compare(kernel: &shaders::Kernel, truth: &[Vec<u8>], outputs: impl Fn(&Gpu, Trial) -> Vec<Vec<u8>>, damages: &[Damage]) {
    compare_tiles((kernel, 0), truth, outputs, damages);
}

/// One run of a kernel.
#[derive(Clone, Copy)]
struct Trial {
    /// Of [`shaders::TILES`].
    tile: usize,
    damage: Damage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Damage {
    None,
    /// One bit of one weight, gain, table entry or input; or an origin that is one less.
    Weight,
    /// One shift is one more.
    Shift,
}

const BOTH: &[Damage] = &[Damage::Weight, Damage::Shift];

/// Sets shifts to 14, which no test gives to an output that shows every change.
fn damage_shift(damage: Damage, shift: &mut [u8]) {
    if damage == Damage::Shift {
        shift.iter_mut().for_each(|shift| *shift = 14);
    }
}

/// Buffers over the limit are refused before the driver sees them, and the device goes on.
#[test]
fn too_large_buffers_are_errors() {
    for (_, gpu) in open() {
        let commands = Commands::new(gpu).unwrap();
        let limit = gpu.largest_binding();
        assert_eq!(commands.take(limit as usize + 1).err(), Some(Error::TooLarge { bytes: limit + 1, limit }));
        assert_eq!(gpu.check(), Ok(()));
    }
}

/// Elements over 65535 workgroups take the second dimension.
#[test]
fn many_elements() {
    let count = 4 * 64 * 65_535 + 4 * 64 * 3 + 8;
    let input: Vec<i16> = (0..count).map(|i| (i / 7 % 60_001) as i16).collect();
    let truth: Vec<i16> = input.iter().map(|&value| scalar::round_shift(i32::from(value) * 3, 1).clamp(-32767, 32767) as i16).collect();
    for (adapter, gpu) in open() {
        let run = outputs(gpu, |commands| {
            let (gains, buffer) = (commands.upload(&gains(&[3; 8], &[1; 8]))?, commands.upload(&halves(&input))?);
            let out = commands.take(2 * count)?;
            commands.elements(&shaders::SCALE_SYMBOL, count / 4, &[2], &[&gains, &buffer, &out]);
            Ok(vec![(out, 2 * count)])
        });
        assert!(to_halves(&run[0], count) == truth, "{}", adapter.facts());
    }
}

//! The kernels without a sum over channels: depthwise, gains, latents, copies, pixels, texels.

use std::ops::Range;

use calotype_model::WidthTables;

use super::*;

#[test]
fn depthwise() {
    let mut random = Random(8);
    for (case, channels) in SHAPES.into_iter().flat_map(|shape| [4, 20, 68].map(|channels| (shape, channels))) {
        let mut layer = random.depthwise(channels);
        (layer.shift[0], layer.bias[0]) = (9, 77);
        let input = random.codes(case, channels);
        let truth = bytes(&scalar::code_end(&scalar::depthwise(&layer, &input), &layer.shift).data);
        let run = |gpu: &Gpu, Trial { damage, .. }: Trial| {
            outputs(gpu, |commands| {
                let mut layer = layer.clone();
                if damage == Damage::Weight {
                    layer.weight[4] ^= 64;
                }
                damage_shift(damage, &mut layer.shift[..1]);
                let (layer, buffer) = (PackedDepthwise::new(gpu, &layer)?, commands.upload(&bytes(&input.data))?);
                let out = commands.take(truth.len())?;
                commands.depthwise(&layer, size(&input), &buffer, &out);
                Ok(vec![(out, truth.len())])
            })
        };
        compare(&shaders::DEPTHWISE, std::slice::from_ref(&truth), run, if case == (17, 13) { BOTH } else { &[] });
    }
}

/// Gains and shifts as in a table of a model; channel 0 has `shift`.
fn random_gains(random: &mut Random, channels: usize, shift_0: u8) -> (Vec<i16>, Vec<u8>) {
    let mut gain: Vec<i16> = (0..channels).map(|_| random.within(32767).unsigned_abs() as i16).collect();
    let mut shift = random.shifts(30, channels);
    (gain[0], shift[0]) = (23_456, shift_0);
    (gain, shift)
}

fn damaged_gains(gain: &[i16], shift: &[u8], damage: Damage) -> Vec<u8> {
    let (mut gain, mut shift) = (gain.to_vec(), shift.to_vec());
    if damage == Damage::Weight {
        gain[0] ^= 1 << 13;
    }
    damage_shift(damage, &mut shift[..1]);
    gains(&gain, &shift)
}

#[test]
fn scale_code_and_scale_symbol() {
    let mut random = Random(9);
    for (case, channels) in SHAPES.into_iter().flat_map(|shape| [4, 20, 68].map(|channels| (shape, channels))) {
        let ((gain, shift), input) = (random_gains(&mut random, channels, 22), random.stream(case, channels));
        let scaled = |i: usize, value: i16| scalar::round_shift(i32::from(value) * i32::from(gain[i % channels]), shift[i % channels]);
        let values: Vec<i32> = input.data.iter().enumerate().map(|(i, &value)| scaled(i, value)).collect();
        let codes: Vec<i8> = values.iter().map(|&value| scalar::sat8(value)).collect();
        let symbols: Vec<i16> = values.iter().map(|&value| value.clamp(-32767, 32767) as i16).collect();
        for (kernel, truth) in [(&shaders::SCALE_CODE, bytes(&codes)), (&shaders::SCALE_SYMBOL, halves(&symbols))] {
            let run = |gpu: &Gpu, Trial { damage, .. }: Trial| {
                outputs(gpu, |commands| {
                    let (gains, buffer) = (commands.upload(&damaged_gains(&gain, &shift, damage))?, commands.upload(&halves(&input.data))?);
                    let out = commands.take(truth.len())?;
                    commands.elements(kernel, input.data.len() / 4, &[channels / 4], &[&gains, &buffer, &out]);
                    Ok(vec![(out, truth.len())])
                })
            };
            compare(kernel, std::slice::from_ref(&truth), run, if case == (17, 13) { BOTH } else { &[] });
        }
    }
}

/// A tile in the middle of the four steps.
struct Latents {
    v_hat: Map<i16>,
    mean: Map<i16>,
    v: Map<i16>,
    symbols: Vec<i16>,
    /// Scale indices, behind them width indices.
    index: Vec<u8>,
    widths: WidthTables,
    gain_y: (Vec<i16>, Vec<u8>),
    gain_dec: (Vec<i16>, Vec<u8>),
    read: Vec<u8>,
}

/// A cell of a map of so many channels: how far apart its places are, the first of them, its channels.
type Cell = (usize, (usize, usize), Range<usize>);

/// The whole map, then quarters, which need not begin at a group of four.
fn cells(channels: usize) -> [Cell; 4] {
    let quarter = |j: usize| j * channels / 4..(j + 1) * channels / 4;
    [(1, (0, 0), 0..channels), (2, (0, 1), quarter(1)), (2, (1, 0), quarter(2)), (3, (2, 1), quarter(3))]
}

const SKIP_BELOW: u8 = 20;
/// Codes of h in front of v_hat's.
const H: usize = 8;

impl Latents {
    fn new(random: &mut Random, case: (usize, usize), channels: usize) -> Latents {
        let count = case.0 * case.1 * channels;
        Latents {
            v_hat: random.stream(case, channels),
            mean: random.stream(case, channels),
            v: random.stream(case, channels),
            symbols: (0..count).map(|_| random.within(400) as i16).collect(),
            index: (0..2 * count).map(|_| (random.next() % 64) as u8).collect(),
            widths: WidthTables { y: random_gains(random, 64, 12).0, y_dec: random_gains(random, 64, 12).0 },
            gain_y: random_gains(random, channels, 18),
            gain_dec: random_gains(random, channels, 18),
            read: random.shifts(15, channels),
        }
    }

    /// docs/MODEL.md section 5.3 for one latent; `choose` gives the symbol for y - mu and a scale index.
    fn set(&self, (apart, first, channels): &Cell, choose: Option<&Quantiser>) -> (Vec<i16>, Map<i16>) {
        let (map_channels, width) = (self.v.channels, self.v.width);
        let (mut symbols, mut v_hat) = (self.symbols.clone(), self.v_hat.clone());
        let symbols_count = symbols.len();
        for (i, symbol) in symbols.iter_mut().enumerate() {
            let (m, x, y) = (i % map_channels, i / map_channels % width, i / map_channels / width);
            if (y % apart, x % apart) != *first || !channels.contains(&m) {
                continue;
            }
            let width = usize::from(self.index[symbols_count + i]);
            let widened = |value: i32, factors: &[i16]| scalar::round_shift(value * i32::from(factors[width]), WidthTables::SHIFT);
            let to_q6 =
                |value| scalar::sat17(widened(i32::from(scalar::scaled(value, self.gain_y.0[m], self.gain_y.1[m])), &self.widths.y));
            let mu = to_q6(self.mean.data[i]);
            if let Some(quantiser) = choose {
                let chosen = quantiser.symbol(self.index[i], to_q6(self.v.data[i]) - mu);
                *symbol = if self.index[i] < SKIP_BELOW { 0 } else { chosen };
            }
            let y_hat = scalar::sat17(64 * i32::from(*symbol) + mu);
            v_hat.data[i] = scalar::scaled(scalar::sat16(widened(y_hat, &self.widths.y_dec)), self.gain_dec.0[m], self.gain_dec.1[m]);
        }
        (symbols, v_hat)
    }

    /// h of 7 everywhere, then the codes of v_hat.
    fn codes(&self, v_hat: &Map<i16>) -> Vec<u8> {
        let codes = scalar::read(v_hat, &self.read);
        codes.data.chunks_exact(v_hat.channels).flat_map(|v| [vec![7; H], bytes(v)].concat()).collect()
    }

    fn tables(&self, damage: Damage) -> Vec<u8> {
        let ((mut gain, mut shift), (dec, dec_shift)) = (self.gain_y.clone(), self.gain_dec.clone());
        if damage == Damage::Weight {
            gain[0] ^= 1 << 13;
        }
        damage_shift(damage, &mut shift[..1]);
        let wide = |gain: &[i16]| gain.iter().map(|&gain| i32::from(gain)).collect::<Vec<i32>>();
        let gains = columns(&[&wide(&gain), &widened(&shift), &wide(&dec), &widened(&dec_shift), &widened(&self.read)]);
        [gains, factors(&self.widths)].concat()
    }

    fn sizes(&self, places: Places, cell: &Range<usize>) -> [usize; 12] {
        let (Places { apart, top, left, size }, channels) = (places, self.v.channels);
        let (stride4, latents4) = ((H + channels) / 4, self.symbols.len() / 4);
        [self.v.width, channels / 4, cell.start, cell.end, size.width, apart, top, left, stride4, H / 4, SKIP_BELOW.into(), latents4]
    }

    /// Means at some places, in the groups of four that hold the cell's channels.
    fn means(&self, places: Places, cell: &Range<usize>) -> Vec<i16> {
        let Places { apart, top, left, size } = places;
        let rows = (0..size.height).flat_map(|y| (0..size.width).map(move |x| (y * apart + top, x * apart + left)));
        rows.flat_map(|(y, x)| &self.mean.at(y, x)[cell.start / 4 * 4..cell.end.next_multiple_of(4)]).copied().collect()
    }
}

#[test]
fn reconstruct_and_choose() {
    let mut random = Random(10);
    let thresholds = std::array::from_fn(|index| 20 + (index % 45) as u8);
    let quantiser = Quantiser::with_thresholds(thresholds);
    let cases = SHAPES.into_iter().flat_map(|shape| [4, 24, 68].map(|channels| (shape, channels)));
    for ((case, channels), i) in cases.flat_map(|case| [0, 1, 2, 3].map(|i| (case, i))) {
        let cell = &cells(channels)[i];
        let places = Places::new(Size::new(case.0, case.1), cell.0, cell.1);
        if places.size.positions() == 0 {
            continue;
        }
        let latents = Latents::new(&mut random, case, channels);
        let (count, means) = (latents.v.data.len(), latents.means(places, &cell.2));
        let before = |commands: &mut Commands<'_>| commands.upload(&latents.codes(&latents.v_hat));
        let damages: &[Damage] = if case == (17, 13) && i == 0 { BOTH } else { &[] };
        for encode in [false, true] {
            let kernel = if encode { &shaders::CHOOSE } else { &shaders::RECONSTRUCT };
            let (symbols, v_hat) = latents.set(cell, encode.then_some(&quantiser));
            let truth = [halves(&symbols), halves(&v_hat.data), latents.codes(&v_hat)];
            let run = |gpu: &Gpu, Trial { damage, .. }: Trial| {
                outputs(gpu, |commands| {
                    let tables = commands.upload(&latents.tables(damage))?;
                    let (mean, v) = (commands.upload(&halves(&means))?, commands.upload(&halves(&latents.v.data))?);
                    let symbols = commands.upload(&halves(&latents.symbols))?;
                    let v_hat = commands.upload(&halves(&latents.v_hat.data))?;
                    let index = commands.upload(&latents.index)?;
                    let thresholds = commands.upload(&words(&thresholds.map(i32::from)))?;
                    let codes = before(commands)?;
                    if encode {
                        let buffers = [&tables, &mean, &index, &v, &thresholds, &symbols, &v_hat, &codes];
                        commands.elements(kernel, means.len() / 4, &latents.sizes(places, &cell.2), &buffers);
                    } else {
                        commands.elements(
                            kernel,
                            means.len() / 4,
                            &latents.sizes(places, &cell.2),
                            &[&tables, &mean, &index, &symbols, &v_hat, &codes],
                        );
                    }
                    Ok(vec![(symbols, 2 * count), (v_hat, 2 * count), (codes, count / channels * (H + channels))])
                })
            };
            compare(kernel, &truth, run, damages);
        }
    }
}

#[test]
fn copy() {
    let mut random = Random(12);
    for ((height, width), channels) in SHAPES.into_iter().flat_map(|shape| [4, 20, 68].map(|channels| (shape, channels))) {
        let (from, mut to) = (random.stream((height + 4, width + 3), channels), random.stream((height + 1, width + 6), channels));
        let (before, (from_origin, to_origin)) = (to.clone(), ((3, 2), (1, 5)));
        for (y, x) in (0..height).flat_map(|y| (0..width).map(move |x| (y, x))) {
            to.at_mut(y + to_origin.0, x + to_origin.1).copy_from_slice(from.at(y + from_origin.0, x + from_origin.1));
        }
        let run = |gpu: &Gpu, Trial { damage, .. }: Trial| {
            outputs(gpu, |commands| {
                let (input, out) = (commands.upload(&halves(&from.data))?, commands.upload(&halves(&before.data))?);
                let origin = if damage == Damage::None { from_origin } else { (2, 2) };
                let part = Part { buffer: &input, width: width + 3, origin };
                let target = Part { buffer: &out, width: width + 6, origin: to_origin };
                commands.copy(part, target, Size::new(height, width), channels);
                Ok(vec![(out.clone(), 2 * to.data.len())])
            })
        };
        compare(&shaders::COPY, &[halves(&to.data)], run, &[Damage::Weight]);
    }
}

#[test]
fn input_and_pixels() {
    let mut random = Random(11);
    for (height, width) in SHAPES {
        let rgb: Vec<u8> = (0..height * width * 192).map(|_| random.next() as u8).collect();
        let picture =
            Map { height: 8 * height, width: 8 * width, channels: 3, data: rgb.iter().map(|&p| 2 * i16::from(p) - 255).collect() };
        let values = scalar::unshuffle(&picture, 8);
        let groups = values.data.len() / 4;
        let run = |gpu: &Gpu, Trial { damage, .. }: Trial| {
            outputs(gpu, |commands| {
                let mut rgb = rgb.clone();
                rgb[100] ^= u8::from(damage == Damage::Weight);
                let (pixels, out) = (commands.upload(&rgb)?, commands.take(8 * groups)?);
                commands.elements(&shaders::INPUT, groups, &[width], &[&pixels, &out]);
                Ok(vec![(out, 8 * groups)])
            })
        };
        compare(&shaders::INPUT, &[halves(&values.data)], run, &[Damage::Weight]);

        let q4 = random.stream((height, width), 192);
        let q4 = Map { data: q4.data.iter().map(|&p| if p % 3 == 0 { p } else { p >> 3 }).collect(), ..q4 };
        let truth: Vec<u8> = scalar::shuffle(&q4, 8).data.iter().map(|&p| ((i32::from(p) + 8) >> 4).clamp(0, 255) as u8).collect();
        let run = |gpu: &Gpu, Trial { damage, .. }: Trial| {
            outputs(gpu, |commands| {
                let mut q4 = q4.clone();
                q4.data[77] = if damage == Damage::Weight { 2000 + 16 * i16::from(truth[0] < 128) } else { q4.data[77] };
                let (values, out) = (commands.upload(&halves(&q4.data))?, commands.take(4 * groups)?);
                commands.elements(&shaders::PIXELS, groups, &[width], &[&values, &out]);
                Ok(vec![(out, 4 * groups)])
            })
        };
        compare(&shaders::PIXELS, std::slice::from_ref(&truth), run, &[Damage::Weight]);
    }
}

#[test]
fn texels() {
    let mut random = Random(13);
    for (height, width4, pitch4) in [(1, 1, 16), (3, 5, 16), (17, 40, 48)] {
        let rgb: Vec<u8> = (0..12 * height * width4).map(|_| random.next() as u8).collect();
        let opaque = |row: &[u8]| row.as_chunks::<3>().0.iter().flat_map(|&[r, g, b]| [r, g, b, 255]).collect::<Vec<u8>>();
        let truth: Vec<u8> = rgb.chunks(12 * width4).flat_map(|row| [opaque(row), vec![9; 16 * (pitch4 - width4)]].concat()).collect();
        let run = |gpu: &Gpu, Trial { damage, .. }: Trial| {
            outputs(gpu, |commands| {
                let mut rgb = rgb.clone();
                rgb[7] ^= u8::from(damage == Damage::Weight);
                let (pixels, out) = (commands.upload(&rgb)?, commands.upload(&vec![9; truth.len()])?);
                commands.elements(&shaders::TEXELS, height * width4, &[width4, pitch4], &[&pixels, &out]);
                Ok(vec![(out, truth.len())])
            })
        };
        compare(&shaders::TEXELS, std::slice::from_ref(&truth), run, &[Damage::Weight]);
    }
}

#[test]
fn halve() {
    let mut random = Random(14);
    for (height, width, pitch, half_pitch) in [(1, 1, 3, 1), (5, 3, 7, 4), (17, 66, 140, 80)] {
        let texels: Vec<u8> = (0..8 * pitch * height).map(|_| random.within(127) as u8).collect();
        let mean = |x: usize, y: usize, channel: usize| {
            let places = [(0, 0), (1, 0), (0, 1), (1, 1)].map(|(right, down)| 4 * ((2 * y + down) * pitch + 2 * x + right) + channel);
            (places.iter().map(|&place| u32::from(texels[place])).sum::<u32>() + 2) / 4
        };
        let row = |y: usize| (0..half_pitch).flat_map(move |x| (0..4).map(move |c| (x, y, c)));
        let truth: Vec<u8> = (0..height).flat_map(row).map(|(x, y, c)| if x < width { mean(x, y, c) as u8 } else { 9 }).collect();
        let run = |gpu: &Gpu, Trial { damage, .. }: Trial| {
            outputs(gpu, |commands| {
                let mut texels = texels.clone();
                texels[2] ^= if damage == Damage::Weight { 64 } else { 0 };
                let (input, out) = (commands.upload(&texels)?, commands.upload(&vec![9; truth.len()])?);
                commands.elements(&shaders::HALVE, height * width, &[width, pitch, half_pitch], &[&input, &out]);
                Ok(vec![(out, truth.len())])
            })
        };
        compare(&shaders::HALVE, std::slice::from_ref(&truth), run, &[Damage::Weight]);
    }
}

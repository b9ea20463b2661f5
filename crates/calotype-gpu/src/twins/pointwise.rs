//! The pointwise kernels with all their tiles: int8 and wide layers, at every place that they write to.

use super::*;

fn damaged_pointwise(layer: &Pointwise, damage: Damage) -> Pointwise {
    let mut layer = layer.clone();
    if damage == Damage::Weight {
        layer.weight[layer.inputs - 1] ^= 64;
    }
    damage_shift(damage, &mut layer.shift[..1]);
    layer
}

/// A layer whose output 0 shows every change, with a middle shift and a small bias; and whose outputs 1 and 2 have the largest weights
/// and biases that docs/MODEL.md section 7 allows.
fn sensitive(mut layer: Pointwise) -> Pointwise {
    (layer.shift[0], layer.bias[0]) = (9, 77);
    for (n, sign, shift) in [(1, 1, 23), (2, -1, 30)] {
        layer.weight[n * layer.inputs..][..layer.inputs].iter_mut().for_each(|weight| *weight = 127 * sign);
        layer.bias[n] = i32::from(sign) * (i32::MAX - 127 * 127 * layer.inputs as i32 - (1 << (shift - 1)));
        layer.shift[n] = shift;
    }
    layer
}

#[test]
fn pointwise_code() {
    let mut random = Random(1);
    for (case, (inputs, outputs_)) in SHAPES.into_iter().flat_map(|shape| CHANNELS.map(|channels| (shape, channels))) {
        let layer = sensitive(random.pointwise(inputs, outputs_));
        let input = random.codes(case, inputs);
        let sums = scalar::pointwise(&layer, &input);
        for (active, truth) in [(0, scalar::code_end(&sums, &layer.shift)), (1, scalar::active_end(&sums, &layer.shift))] {
            let run = |gpu: &Gpu, Trial { damage, tile }: Trial| {
                outputs(gpu, |commands| {
                    let layer = PackedPointwise::int8(gpu, &damaged_pointwise(&layer, damage), Next::default())?.with_tile(tile);
                    let buffer = commands.upload(&bytes(&input.data))?;
                    let out = commands.take(truth.data.len())?;
                    commands.code(&layer, active, Codes { size: size(&input), stride: inputs, buffer: &buffer }, &out)?;
                    Ok(vec![(out, truth.data.len())])
                })
            };
            compare_tiles((&shaders::POINTWISE_CODE, inputs), &[bytes(&truth.data)], run, if case == (17, 13) { BOTH } else { &[] });
        }
    }
}

#[test]
fn pointwise_cell() {
    let mut random = Random(14);
    let cases = SHAPES.into_iter().flat_map(|shape| CHANNELS.map(|channels| (shape, channels)));
    for ((case, (inputs, outputs_)), i) in cases.flat_map(|case| [0, 1, 2].map(|i| (case, i))) {
        let (apart, first) = [(1, (0, 0)), (2, (1, 0)), (3, (0, 2))][i];
        let places = Places::new(Size::new(case.0, case.1), apart, first);
        if places.size.positions() == 0 {
            continue;
        }
        let (layer, input) = (sensitive(random.pointwise(inputs, outputs_)), random.codes(case, inputs));
        let stream = scalar::stream_end(&scalar::pointwise(&layer, &input), &layer.shift);
        let rows = (0..places.size.height).flat_map(|y| (0..places.size.width).map(move |x| (y * apart + first.0, x * apart + first.1)));
        let truth: Vec<i16> = rows.flat_map(|(y, x)| stream.at(y, x)).copied().collect();
        let run = |gpu: &Gpu, Trial { damage, tile }: Trial| {
            outputs(gpu, |commands| {
                let packed = PackedPointwise::int8(gpu, &damaged_pointwise(&layer, damage), Next::default())?.with_tile(tile);
                let (from, means) = (commands.upload(&bytes(&input.data))?, commands.zeros(2 * truth.len())?);
                commands.cell(&packed, Codes { size: size(&input), stride: inputs, buffer: &from }, places, &means)?;
                Ok(vec![(means, 2 * truth.len())])
            })
        };
        let damages = if case == (17, 13) && apart == 1 { BOTH } else { &[] };
        compare_tiles((&shaders::POINTWISE_CELL, inputs), &[halves(&truth)], run, damages);
    }
}

/// The factors of shuffle and unshuffle, the size that is written, the crop's origin, what must be written.
type Place = ([usize; 2], Size, (isize, isize), Map<i16>);

/// What the oracle makes of a stream at every place that its shape allows.
fn places(stream: &Map<i16>) -> Vec<Place> {
    let whole = size(stream);
    let mut places = vec![([1, 1], whole, (0, 0), stream.clone())];
    if stream.height > 1 {
        let cropped = Size::new(stream.height - 1, stream.width - 1);
        places.push(([1, 1], cropped, (1, 0), stream.crop((1, 0), (cropped.height, cropped.width))));
    }
    for r in [2, 4] {
        if stream.channels.is_multiple_of(4 * r * r) {
            places.push(([r, 1], whole.times(r), (0, 0), scalar::shuffle(stream, r)));
        }
        if stream.height.is_multiple_of(r) && stream.width.is_multiple_of(r) {
            places.push(([1, r], whole.over(r), (0, 0), scalar::unshuffle(stream, r)));
        }
    }
    // Into the middle of a larger map of zeros.
    let large = Size::new(stream.height + 3, stream.width + 5);
    let mut pasted: Map<i16> = Map::zeros(large.height, large.width, stream.channels);
    for (y, x) in (0..stream.height).flat_map(|y| (0..stream.width).map(move |x| (y, x))) {
        pasted.at_mut(y + 2, x + 1).copy_from_slice(stream.at(y, x));
    }
    places.push(([1, 1], large, (-2, -1), pasted));
    if stream.height > 4 {
        let inner = Size::new(stream.height / 4 * 2, stream.width / 4 * 2);
        let crop = stream.crop((2, 2), (inner.height, inner.width));
        places.push(([1, 2], inner.over(2), (2, 2), scalar::unshuffle(&crop, 2)));
    }
    places
}

/// Where there is a shuffle, the read shifts repeat.
fn repeated(read: Vec<u8>) -> Vec<u8> {
    let phases = [16, 4].into_iter().find(|phases| read.len().is_multiple_of(4 * phases)).unwrap_or(1);
    read[..read.len() / phases].repeat(phases)
}

/// Codes with `behind` zeros behind those of each position.
fn spaced(codes: &Map<i16>, behind: usize) -> Vec<u8> {
    let position = |codes: &[i16]| codes.iter().map(|&code| code as u8).chain(std::iter::repeat_n(0, behind)).collect::<Vec<u8>>();
    codes.data.chunks_exact(codes.channels).flat_map(position).collect()
}

/// `stream` and its codes at every place, from `record(commands, emit, damage)`.
fn compare_streams(
    kernel: (&shaders::Kernel, usize),
    (stream, read): (&Map<i16>, &[u8]),
    record: impl Fn(&mut Commands<'_>, &Emit<'_>, Trial) -> Result<(), Error>,
    damages: &[Damage],
) {
    let codes = scalar::read(stream, read);
    let widened = Map { data: codes.data.iter().map(|&code| i16::from(code)).collect(), ..stream.clone() };
    for (([shuffle, unshuffle], size, origin, stream), (.., codes)) in places(stream).into_iter().zip(places(&widened)) {
        let count = stream.data.len();
        for (with_stream, with_codes, behind) in [(true, true, 0), (true, false, 0), (false, true, 0), (false, true, 12)] {
            let code_bytes = spaced(&codes, behind);
            let run = |gpu: &Gpu, trial: Trial| {
                outputs(gpu, |commands| {
                    let (s, c) = (commands.zeros(2 * count)?, commands.zeros(code_bytes.len())?);
                    let (to_stream, to_codes) = (with_stream.then_some(&s), with_codes.then_some(&c));
                    let codes_stride = (behind > 0).then_some(stream.channels + behind);
                    let emit = Emit { shuffle, unshuffle, size, origin, stream: to_stream, codes: to_codes, codes_stride };
                    record(commands, &emit, trial)?;
                    let all = [(with_stream, (s.clone(), 2 * count)), (with_codes, (c.clone(), code_bytes.len()))];
                    Ok(all.into_iter().filter(|(with, _)| *with).map(|(_, output)| output).collect())
                })
            };
            let all = [(with_stream, halves(&stream.data)), (with_codes, code_bytes.clone())];
            let truth: Vec<Vec<u8>> = all.into_iter().filter(|(with, _)| *with).map(|(_, bytes)| bytes).collect();
            compare_tiles(kernel, &truth, run, if with_stream { damages } else { &[] });
        }
    }
}

#[test]
fn pointwise_stream() {
    let mut random = Random(2);
    for (case, (inputs, n)) in SHAPES.into_iter().flat_map(|shape| CHANNELS.map(|channels| (shape, channels))) {
        let layer = sensitive(random.pointwise(inputs, n));
        let (input, read) = (random.codes(case, inputs), random.shifts(15, n));
        let stream = scalar::stream_end(&scalar::pointwise(&layer, &input), &layer.shift);
        let read = repeated(read);
        let record = |commands: &mut Commands<'_>, emit: &Emit<'_>, Trial { damage, tile }: Trial| {
            let layer = PackedPointwise::int8(commands.gpu, &damaged_pointwise(&layer, damage), Next::read(&read))?.with_tile(tile);
            let buffer = commands.upload(&bytes(&input.data))?;
            commands.stream(&layer, Codes { size: size(&input), stride: inputs, buffer: &buffer }, emit)
        };
        compare_streams((&shaders::POINTWISE_STREAM, inputs), (&stream, &read), record, if case == (17, 13) { BOTH } else { &[] });
    }
}

/// Only the first channels of an input with more: as the heads read h in front of v_hat.
#[test]
fn pointwise_stream_with_a_stride() {
    let mut random = Random(3);
    for (inputs, stride) in [(12, 40), (16, 40), (48, 112)] {
        strided(&mut random, inputs, stride);
    }
}

fn strided(random: &mut Random, inputs: usize, stride: usize) {
    let layer = random.pointwise(inputs, 20);
    let input = random.codes((5, 9), stride);
    let front: Vec<i8> = input.data.chunks_exact(stride).flat_map(|position| &position[..inputs]).copied().collect();
    let front = Map { channels: inputs, data: front, ..input.clone() };
    let stream = scalar::stream_end(&scalar::pointwise(&layer, &front), &layer.shift);
    let record = |commands: &mut Commands<'_>, emit: &Emit<'_>, trial: Trial| {
        let layer = PackedPointwise::int8(commands.gpu, &layer, Next::read(&[3; 20]))?.with_tile(trial.tile);
        let buffer = commands.upload(&bytes(&input.data))?;
        commands.stream(&layer, Codes { size: size(&input), stride, buffer: &buffer }, emit)
    };
    compare_streams((&shaders::POINTWISE_STREAM, inputs), (&stream, &[3; 20]), record, &[]);
}

#[test]
fn pointwise_add() {
    let mut random = Random(4);
    for (case, (inputs, n)) in SHAPES.into_iter().flat_map(|shape| CHANNELS.map(|channels| (shape, channels))) {
        let layer = sensitive(random.pointwise(inputs, n));
        let (input, read, before) = (random.codes(case, inputs), random.shifts(15, n), random.stream(case, n));
        let read = repeated(read);
        let stream = scalar::add_end(&before, &scalar::pointwise(&layer, &input), &layer.shift);
        let record = |commands: &mut Commands<'_>, emit: &Emit<'_>, Trial { damage, tile }: Trial| {
            let layer = PackedPointwise::int8(commands.gpu, &damaged_pointwise(&layer, damage), Next::read(&read))?.with_tile(tile);
            let buffer = commands.upload(&bytes(&input.data))?;
            let before = commands.upload(&halves(&before.data))?;
            commands.add(&layer, Codes { size: size(&input), stride: inputs, buffer: &buffer }, &before, emit)
        };
        compare_streams((&shaders::POINTWISE_ADD, inputs), (&stream, &read), record, if case == (17, 13) { BOTH } else { &[] });
    }
}

#[test]
fn wide_stream() {
    let mut random = Random(5);
    for (case, (inputs, n)) in SHAPES.into_iter().flat_map(|shape| CHANNELS.map(|channels| (shape, channels))) {
        let mut layer = random.wide(inputs, n);
        (layer.shift[0], layer.bias[0]) = (13, 77);
        let reach: i64 = layer.weight[inputs..2 * inputs].iter().map(|&weight| 32768 * i64::from(weight).abs()).sum();
        (layer.shift[1], layer.bias[1]) = (20, (i64::from(i32::MAX) - reach - (1 << 19)) as i32);
        let (input, read, addend) = (random.stream(case, inputs), random.shifts(15, n), random.within(30_000) as i32);
        let read = repeated(read);
        let mut stream = scalar::stream_end(&scalar::pointwise(&layer, &input), &layer.shift);
        stream.data.iter_mut().for_each(|s| *s = scalar::sat16(i32::from(*s) + addend));
        let record = |commands: &mut Commands<'_>, emit: &Emit<'_>, Trial { damage, tile }: Trial| {
            let mut layer = layer.clone();
            if damage == Damage::Weight {
                layer.weight[inputs - 1] ^= 1 << 9;
            }
            damage_shift(damage, &mut layer.shift[..1]);
            let layer = PackedPointwise::wide(commands.gpu, &layer, Next { read: &read, addend: &[addend] })?.with_tile(tile);
            let buffer = commands.upload(&halves(&input.data))?;
            commands.wide(&layer, size(&input), &buffer, emit)
        };
        compare_streams((&shaders::WIDE_STREAM, inputs), (&stream, &read), record, if case == (17, 13) { BOTH } else { &[] });
    }
}

#[test]
fn pointwise_index() {
    let mut random = Random(6);
    let decoder = synthetic::pair(&synthetic::tiny(), 7).0;
    for (case, (inputs, n)) in SHAPES.into_iter().flat_map(|shape| CHANNELS.map(|channels| (shape, channels))) {
        let mut layer = sensitive(random.pointwise(inputs, n));
        layer.shift[0] = 4;
        let input = random.codes(case, inputs);
        let log_gain: Vec<i32> = (0..n).map(|output| if output == 0 { 900 } else { random.within(2000) as i32 }).collect();
        let log_sigma = scalar::stream_end(&scalar::pointwise(&layer, &input), &layer.shift);
        let widths: Vec<u8> = (0..log_sigma.data.len()).map(|_| (random.next() % 49) as u8).collect();
        let scale = |(i, &s): (usize, &i16)| decoder.scale_index(i32::from(s) + log_gain[i % n] - 8 * i32::from(widths[i]));
        let scales: Vec<u8> = log_sigma.data.iter().enumerate().map(scale).collect();
        let head = log_sigma.data.iter().map(|&s| decoder.widths.index(s)).collect();
        let middle = decoder.widths.middle();
        let width_lut: Vec<u8> = (0..512).map(|eighths: i32| eighths.min(2 * middle) as u8).collect();
        let addend: Vec<i32> = log_gain.iter().map(|gain| gain + decoder.config.scale_lut_offset).collect();
        let unset = vec![0; widths.len()];
        let of_scales = (shaders::widths::SCALES, addend, &decoder.scale_lut, [scales, widths.clone()].concat());
        let of_widths = (shaders::widths::WIDTHS, vec![8 * middle + 4; n], &width_lut, [unset.clone(), head].concat());
        for (kind, addend, lut, truth) in [of_scales, of_widths] {
            let run = |gpu: &Gpu, Trial { damage, tile }: Trial| {
                outputs(gpu, |commands| {
                    let layer = damaged_pointwise(&layer, damage);
                    let layer = PackedPointwise::int8(gpu, &layer, Next { read: &[], addend: &addend })?.with_tile(tile);
                    let (buffer, lut) = (commands.upload(&bytes(&input.data))?, commands.upload(lut)?);
                    let out = commands.upload(&[unset.clone(), widths.clone()].concat())?;
                    commands.index(&layer, kind, Codes { size: size(&input), stride: inputs, buffer: &buffer }, &lut, &out)?;
                    Ok(vec![(out, truth.len())])
                })
            };
            let damages = if case == (17, 13) && kind == shaders::widths::SCALES { BOTH } else { &[] };
            compare_tiles((&shaders::POINTWISE_INDEX, inputs), std::slice::from_ref(&truth), run, damages);
        }
    }
}

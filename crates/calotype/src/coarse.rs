//! A coarse picture early: what the first channels of the latents say of the pixels of each, without g_s.
//!
//! g_s is nearly linear where a picture is smooth. So it is asked once what a field of one channel more looks like on average, and the answers are added up.

use std::ops::Range;

use calotype_engine::{Map, Placed, Rect, assemble};
use calotype_format::{Held, TileRef};
use calotype_model::QualityTables;

use crate::codec::Codec;
use crate::error::Error;
use crate::picture::Image;
use crate::tile::{Decoded, Tiles};

/// The channels that are looked at. They are the first ones, which matter most.
const CHANNELS: usize = 16;

/// The parts of a tile's streams that hold these channels, or more of them (docs/FORMAT.md section 6); all where there is one part.
const PARTS: usize = 4;

/// Latents along a side of the spot that shows what a channel adds: nearer to a field than a single one, which g_s takes for a detail.
const SPOT: usize = 3;

/// What a picture's mean is made of: a colour, and what each channel adds to it for each unit.
struct Answers {
    colour: [f32; 3],
    per_unit: Vec<[f32; 3]>,
}

/// A tile without its later parts.
fn first_parts(streams: TileRef<'_>) -> TileRef<'_> {
    let split = streams.y[1..].iter().any(|part| !part.is_empty());
    let mut first = streams;
    if split {
        first.y[PARTS..].fill(&[]);
        first.held = if first.held == Held::Whole { Held::Scales } else { first.held };
    }
    first
}

/// The colours of what is coded, one for each latent.
pub(crate) fn picture(tiles: &Tiles<'_>) -> Result<Image, Error> {
    let latents = first_channels(tiles)?;
    let (means, deviations) = statistics(&latents);
    let answers = ask(tiles.codec, &tiles.quality, &means, &deviations);
    let colour = |position: &[i16]| {
        let apart = position.iter().zip(&means).map(|(value, mean)| f32::from(*value) - mean);
        let sum = apart.zip(&answers.per_unit).fold(answers.colour, |sum, (apart, unit)| std::array::from_fn(|c| sum[c] + apart * unit[c]));
        sum.map(|sample| sample.round() as u8)
    };
    let rgb = latents.data.chunks_exact(latents.channels).flat_map(colour).collect();
    Ok(Image { width: latents.width as u32, height: latents.height as u32, rgb })
}

/// The first channels of all latents, from the first parts of the y streams.
fn first_channels(tiles: &Tiles<'_>) -> Result<Map<i16>, Error> {
    let channels = CHANNELS.min(tiles.codec.model.decoder().config.m);
    let first = |Decoded { place, v_hat, .. }: Decoded<Map<i16>>| {
        let data = v_hat.data.chunks_exact(v_hat.channels).flat_map(|position| &position[..channels]).copied().collect();
        (place, Map { channels, data, ..v_hat })
    };
    let maps = tiles.each(first_parts, first)?;
    let maps: Vec<_> = maps.iter().map(|(place, tile)| Placed { place: *place, tile }).collect();
    Ok(assemble(&maps, tiles.picture()).into_owned())
}

/// Mean and standard deviation of each channel.
fn statistics(latents: &Map<i16>) -> (Vec<f32>, Vec<f32>) {
    let positions = (latents.height * latents.width) as f64;
    let of = |channel: usize| {
        let values = || latents.data.iter().skip(channel).step_by(latents.channels).map(|value| f64::from(*value));
        let mean = values().sum::<f64>() / positions;
        let variance = values().map(|value| (value - mean).powi(2)).sum::<f64>() / positions;
        (mean as f32, variance.sqrt().max(8.0) as f32)
    };
    (0..latents.channels).map(of).unzip()
}

/// Fields of latents in a row: the means everywhere, and in a spot in the middle of each field one channel a deviation more. The sum over a field is what
/// a picture full of that change shows in each place. The first two fields and the last one have no change: two are edges, one is to compare with.
fn ask(codec: &Codec, q: &QualityTables, means: &[f32], deviations: &[f32]) -> Answers {
    let (channels, side) = (codec.model.decoder().config.m, 2 * codec.cpu().halo() + 2 + SPOT);
    let mut fields = Map::<i16>::zeros(side, side * (means.len() + 3), channels);
    for position in fields.data.chunks_exact_mut(channels) {
        position.iter_mut().zip(means).for_each(|(value, mean)| *value = mean.round() as i16);
    }
    let begin = (side - SPOT) / 2;
    for (channel, deviation) in deviations.iter().enumerate() {
        for (row, column) in (0..SPOT * SPOT).map(|place| (begin + place / SPOT, begin + place % SPOT)) {
            fields.at_mut(row, side * (channel + 2) + column)[channel] += deviation.round() as i16;
        }
    }
    let rect = Rect { y: 0, x: 0, height: fields.height, width: fields.width };
    let stride = codec.stride();
    let (width, height) = (stride * rect.width, stride * rect.height);
    let q4 = codec.cpu().graph().pixels_q4(q, &[Placed { place: rect, tile: &fields }], rect, (width, height));
    let sum = |columns: Range<usize>, rows: Range<usize>| {
        let rows = rows.map(|row| &q4[3 * (row * width + columns.start)..3 * (row * width + columns.end)]);
        rows.flat_map(|row| row.as_chunks::<3>().0)
            .fold([0.0; 3], |sum: [f64; 3], pixel| std::array::from_fn(|c| sum[c] + f64::from(pixel[c])))
    };
    let field = |number: usize| sum(stride * side * number..stride * side * (number + 1), 0..height);
    // In Q4.
    let per_latent = 1.0 / (16 * stride * stride) as f64;
    let plain = field(1);
    let per_unit = deviations.iter().enumerate().map(|(channel, deviation)| {
        let changed = field(channel + 2);
        std::array::from_fn(|c| ((changed[c] - plain[c]) * per_latent) as f32 / ((SPOT * SPOT) as f32 * deviation.round()))
    });
    let (row, column) = (stride * (side / 2), stride * (side + side / 2));
    Answers { per_unit: per_unit.collect(), colour: sum(column..column + stride, row..row + stride).map(|sum| (sum * per_latent) as f32) }
}

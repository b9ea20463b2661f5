//! What a file's bits are spent on: the view inside.

use calotype_engine::{Map, Rect};

use crate::codec::Codec;
use crate::entropy::cross_entropy_bits;
use crate::error::Error;
use crate::tile::{Decoded, Tiles};

/// The latents of a picture and what they cost, by position: each stands for a square of pixels, or what the picture has of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Inside {
    /// Positions in a row: the pixels of a row divided by [`ModelFacts::stride`](crate::ModelFacts::stride), rounded up.
    pub columns: usize,
    /// Rows of positions.
    pub rows: usize,
    /// M, the channels of a latent, the most important first.
    pub channels: usize,
    /// What the symbols of each position take under the model's tables, in bits, `[rows, columns]`: those of y, and a share of those of z,
    /// of which one stands for 4 x 4 positions.
    pub bits: Vec<f32>,
    /// The mean over the channels of log2 of the standard deviation that y's symbols are coded with, `[rows, columns]`.
    pub log2_sigma: Vec<f32>,
    /// v_hat, what g_s develops, `[rows, columns, channels]` (docs/MODEL.md section 5.3).
    pub latents: Vec<i16>,
    /// Bits of all z symbols.
    pub z_bits: f64,
    /// Bits of all y symbols.
    pub y_bits: f64,
}

/// What is known of one tile.
struct TileInside {
    place: Rect,
    y_bits: Vec<f32>,
    z_bits: Map<f32>,
    log2_sigma: Vec<f32>,
    v_hat: Map<i16>,
}

impl Inside {
    pub(crate) fn of(tiles: &Tiles<'_>) -> Result<Inside, Error> {
        let picture = tiles.picture();
        let channels = tiles.codec.model.decoder().config.m;
        let positions = picture.height * picture.width;
        let mut inside = Inside {
            columns: picture.width,
            rows: picture.height,
            channels,
            bits: vec![0.0; positions],
            log2_sigma: vec![0.0; positions],
            latents: vec![0; positions * channels],
            z_bits: 0.0,
            y_bits: 0.0,
        };
        for tile in tiles.each(|streams| streams, |tile| TileInside::new(tiles.codec, &tiles.quality.scale_index_z, tile))? {
            inside.add(&tile);
        }
        Ok(inside)
    }

    fn add(&mut self, tile: &TileInside) {
        let place = tile.place;
        self.y_bits += tile.y_bits.iter().map(|bits| f64::from(*bits)).sum::<f64>();
        self.z_bits += tile.z_bits.data.iter().map(|bits| f64::from(*bits)).sum::<f64>();
        for y in 0..place.height {
            let (from, to) = (y * place.width, (place.y + y) * self.columns + place.x);
            self.log2_sigma[to..][..place.width].copy_from_slice(&tile.log2_sigma[from..][..place.width]);
            for x in 0..place.width {
                self.bits[to + x] = tile.y_bits[from + x] + share_of_z(tile, y, x);
            }
            let values = &tile.v_hat.data[from * self.channels..][..place.width * self.channels];
            self.latents[to * self.channels..][..values.len()].copy_from_slice(values);
        }
    }

    /// The values of one channel, `[rows, columns]`; empty if there is no such channel.
    pub fn channel(&self, channel: usize) -> Vec<i16> {
        self.latents
            .iter()
            .skip(channel)
            .step_by(self.channels)
            .copied()
            .take(if channel < self.channels { usize::MAX } else { 0 })
            .collect()
    }
}

/// The bits of the z position above a latent, divided among the latents below it.
fn share_of_z(tile: &TileInside, y: usize, x: usize) -> f32 {
    let (top, left) = (y / 4 * 4, x / 4 * 4);
    let below = (tile.place.height - top).min(4) * (tile.place.width - left).min(4);
    tile.z_bits.at(y / 4, x / 4)[0] / below as f32
}

impl TileInside {
    /// Of a tile; `scale_index_z` are the indices of z's channels.
    fn new(codec: &Codec, scale_index_z: &[u8], Decoded { place, symbols, v_hat }: Decoded<Map<i16>>) -> TileInside {
        let config = &codec.model.decoder().config;
        let ((zh, zw), channels) = (place.size().hyper(), scale_index_z.len());
        let z_position = |symbols: &[i16]| cross_entropy_bits(symbols, scale_index_z, 0, &codec.tables) as f32;
        let y_position =
            |(symbols, indices): (&[i16], &[u8])| cross_entropy_bits(symbols, indices, config.skip_below, &codec.tables) as f32;
        let sigmas = log2_sigmas(codec);
        let mean = |indices: &[u8]| indices.iter().map(|index| sigmas[usize::from(*index)]).sum::<f32>() / config.m as f32;
        // Without hyper-latents there is a position without bits.
        let z_bits = (0..zh * zw).map(|i| z_position(&symbols.z[i * channels..][..channels])).collect();
        let indices = symbols.scale_index.chunks_exact(config.m);
        TileInside {
            place,
            y_bits: symbols.y.chunks_exact(config.m).zip(indices.clone()).map(y_position).collect(),
            z_bits: Map { height: zh, width: zw, channels: 1, data: z_bits },
            log2_sigma: indices.map(mean).collect(),
            v_hat,
        }
    }
}

/// log2 of the standard deviation of each table's symbols; escapes count as the first symbol beyond.
fn log2_sigmas(codec: &Codec) -> Vec<f32> {
    let sizes = &codec.model.decoder().cdf_sizes;
    let of = |(index, size): (usize, &u16)| {
        let end = i32::from(*size) + 1;
        let square = |symbol: i32| {
            let (frequency, _) = codec.tables.frequency(index as u8, symbol as i16).unwrap_or((0, 0));
            // Both symbols beyond the table share the escape's slot.
            let share = if symbol.abs() == end { 0.5 } else { 1.0 };
            share * f64::from(symbol).powi(2) * f64::from(frequency) / f64::from(1 << calotype_rans::PROBABILITY_BITS)
        };
        ((-end..=end).map(square).sum::<f64>().log2() / 2.0) as f32
    };
    sizes.iter().enumerate().map(of).collect()
}

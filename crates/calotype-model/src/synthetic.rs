//! Deterministic random small models, for tests and benches: valid, lively (neither all saturated nor all zero), useless for pictures.
//!
//! The same config and seed give the same model on every machine. Some channels have zero weights, no shift, or the largest one.

mod gaussian;
mod layers;

use crate::synthetic::layers::Maker;
use crate::tables::KNOTS;
use crate::{Config, Decoder, Encoder, Error, GainTable, Input, Model, Tables, WidthTables};

/// The gain of y in the middle of the quality range, per channel about; `>> Y_SHIFT`.
const Y_GAIN: f64 = 2300.0;
const Y_SHIFT: u8 = 12;
const Y_DEC_SHIFT: u8 = 9;
/// The same for z: a stream of 600 gives symbols of 5, and those give codes of 35.
const Z_GAIN: f64 = 136.0;
const Z_SHIFT: u8 = 14;
const Z_DEC_GAIN: f64 = 1792.0;
const Z_DEC_SHIFT: u8 = 8;
/// Log gain (Q8) from one quality row to the next.
const Y_STEP: i16 = 20;
const Z_STEP: i16 = 9;

/// The sizes of a model for quick tests: every layer is there, nothing is a multiple of 16 by chance.
pub fn tiny() -> Config {
    Config { c: 20, m: 24, z: 8, p: 12, stride: 16, n_e: 1, n_d: 2, skip_below: 6, scale_lut_offset: 600, released: false }
}

/// The sizes of the first real model, `fast`, for benches.
pub fn fast() -> Config {
    Config { c: 128, m: 384, z: 64, p: 160, stride: 16, n_e: 4, n_d: 6, skip_below: 6, scale_lut_offset: 600, released: false }
}

/// A decoder and its encoder with weights from `seed`. `config` must be one that a loader accepts (channels are multiples of 4).
pub fn pair(config: &Config, seed: u64) -> (Decoder, Encoder) {
    filled(Decoder::v1(config), Encoder::v1(config), seed)
}

/// [`pair`], paired.
pub fn model(config: &Config, seed: u64) -> Model {
    let (decoder, encoder) = pair(config, seed);
    Model::from_pair(decoder, encoder)
}

/// Parts of any form, from a JSON object with the networks of both, `decoder` and `encoder` (docs/MODEL.md section 8).
pub fn network(json: &str, seed: u64) -> Result<(Decoder, Encoder), Error> {
    let networks: serde_json::Value = serde_json::from_str(json).unwrap_or_default();
    let [decoder, encoder] = ["decoder", "encoder"].map(|part| networks[part].to_string());
    Ok(filled(Decoder::parse(&decoder, tiny())?, Encoder::parse(&encoder, tiny())?, seed))
}

/// Parts that are there without elements.
fn filled(mut decoder: Decoder, mut encoder: Encoder, seed: u64) -> (Decoder, Encoder) {
    let mut maker = Maker::new(seed);
    fill_decoder(&mut maker, &mut decoder);
    fill_encoder(&mut maker, &mut encoder);
    encoder.decoder_id = decoder.id;
    (decoder, encoder)
}

fn fill_decoder(maker: &mut Maker, decoder: &mut Decoder) {
    decoder.name = "synthetic".to_owned();
    decoder.h_s.iter_mut().for_each(|h_s| maker.chain(h_s));
    let reads = |input| if decoder.predictors.iter().any(|chain| chain.from.contains(&input)) { decoder.channels_of(&[input]) } else { 0 };
    let [h, v_hat] = [Input::H, Input::VHat].map(reads);
    (decoder.h_read, decoder.v_hat_read) = (maker.read_shifts(h), maker.read_shifts(v_hat));
    fill_predictors(maker, decoder);
    maker.chain(&mut decoder.g_s);
    decoder.tables = tables(maker, &decoder.config);
    if decoder.width_predictor().is_some() {
        decoder.widths = widths();
    }
    decoder.scale_lut = gaussian::scale_lut(decoder.config.scale_lut_offset);
    (decoder.cdf_sizes, decoder.cdf) = gaussian::tables();
    decoder.g_s.stages.iter_mut().filter_map(|stage| stage.bias.as_mut()).for_each(|bias| maker.fill(bias));
    decoder.id = decoder.canonical_id();
}

/// In the order in which the schedule's steps use them.
fn fill_predictors(maker: &mut Maker, decoder: &mut Decoder) {
    let (predictors, mut means) = (&mut decoder.predictors, Vec::new());
    for step in &decoder.schedule.steps {
        if let Some(scale) = step.scale {
            maker.scale_predictor(&mut predictors[scale]);
        }
        if let Some(width) = step.width {
            maker.width_predictor(&mut predictors[width]);
        }
        if let Some(mean) = step.mean.filter(|mean| !means.contains(mean)) {
            maker.chain(&mut predictors[mean]);
            means.push(mean);
        }
    }
}

fn fill_encoder(maker: &mut Maker, encoder: &mut Encoder) {
    encoder.name = "synthetic".to_owned();
    encoder.chains_mut().for_each(|chain| maker.chain(chain));
    encoder.gain_z = gain(&vec![Z_GAIN; encoder.config.z], Z_STEP, Z_SHIFT);
}

/// With scales of their own where there are no hyper-latents.
fn tables(maker: &mut Maker, config: &Config) -> Tables {
    let gains: Vec<f64> = (0..config.m).map(|_| Y_GAIN * (0.5 + maker.unit())).collect();
    let inverse: Vec<f64> = gains.iter().map(|gain| f64::from(1 << (Y_SHIFT + Y_DEC_SHIFT)) / gain).collect();
    let (gained, alone) = if config.z > 0 { (config.m, 0) } else { (0, config.m) };
    Tables {
        gain_y: gain(&gains, Y_STEP, Y_SHIFT),
        gain_y_dec: gain(&inverse, -Y_STEP, Y_DEC_SHIFT),
        gain_z_dec: gain(&vec![Z_DEC_GAIN; config.z], -Z_STEP, Z_DEC_SHIFT),
        log_gain_y: ramp(0, Y_STEP, gained),
        log_sigma_y: ramp(280, Y_STEP, alone),
        log_sigma_z: ramp(412, Z_STEP, config.z),
    }
}

/// `exp(k / 32)` and its inverse for k in -24..=24.
fn widths() -> WidthTables {
    let factor = |k: f64| (gaussian::exp(k / 32.0) * f64::from(1 << WidthTables::SHIFT) + 0.5) as i16;
    let steps = || (-24..=24).map(f64::from);
    WidthTables { y: steps().map(|k| factor(-k)).collect(), y_dec: steps().map(factor).collect() }
}

/// Rows `middle[c] * exp(step / 256 * (row - 32))`.
fn gain(middle: &[f64], step: i16, shift: u8) -> GainTable {
    let factor = |row: usize| gaussian::exp(f64::from(step) / 256.0 * (row as f64 - 32.0));
    let rows = (0..KNOTS).flat_map(|row| middle.iter().map(move |gain| (gain * factor(row)).min(32767.0) as i16));
    GainTable { gain: rows.collect(), shift: vec![shift; middle.len()] }
}

/// Rows `middle + step * (row - 32)`, Q8 logarithms of [`gain`]'s.
fn ramp(middle: i16, step: i16, channels: usize) -> Vec<i16> {
    (0..KNOTS as i16).flat_map(|row| std::iter::repeat_n(middle + step * (row - 32), channels)).collect()
}

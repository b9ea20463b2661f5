//! Latents as colours.

use calotype::Inside;

use crate::side::Overlay;

/// A map of colours over the picture, one for each latent position, and what its ends mean.
#[derive(Clone, Debug, PartialEq)]
pub struct HeatMap {
    /// Positions in a row.
    pub columns: usize,
    /// Rows.
    pub rows: usize,
    /// RGB, row by row.
    pub rgb: Vec<u8>,
    /// The values of the first and the last colour.
    pub range: [f32; 2],
    /// What the values are.
    pub unit: String,
}

/// From nothing to much: black, violet, red, orange, light yellow.
const HEAT: [[f32; 3]; 5] = [[4.0, 4.0, 20.0], [86.0, 16.0, 110.0], [188.0, 55.0, 84.0], [249.0, 142.0, 9.0], [252.0, 255.0, 180.0]];
/// From negative over nothing to positive: blue, black, orange.
const SIGNED: [[f32; 3]; 3] = [[90.0, 170.0, 255.0], [10.0, 10.0, 10.0], [255.0, 150.0, 60.0]];

/// The colour at `place`, 0 to 1, of a scale.
fn colour(scale: &[[f32; 3]], place: f32) -> [u8; 3] {
    let place = place.clamp(0.0, 1.0) * (scale.len() - 1) as f32;
    let step = (place as usize).min(scale.len() - 2);
    let part = place - step as f32;
    [0, 1, 2].map(|c| (scale[step][c] * (1.0 - part) + scale[step + 1][c] * part).round() as u8)
}

/// The map of an overlay; `None` for none, and for a channel that does not exist.
pub fn heat_map(inside: &Inside, overlay: Overlay) -> Option<HeatMap> {
    let (values, unit) = match overlay {
        Overlay::None => return None,
        Overlay::Bits => (inside.bits.clone(), "bits per latent".to_owned()),
        Overlay::Sigma => (inside.log2_sigma.clone(), "mean log2 sigma".to_owned()),
        Overlay::Channel(channel) => {
            (inside.channel(channel).iter().map(|value| f32::from(*value)).collect(), format!("channel {channel}"))
        }
    };
    let signed = matches!(overlay, Overlay::Channel(_));
    let range = range(&values, overlay)?;
    let scale: &[[f32; 3]] = if signed { &SIGNED } else { &HEAT };
    let rgb = values.iter().flat_map(|value| colour(scale, (value - range[0]) / (range[1] - range[0]))).collect();
    Some(HeatMap { columns: inside.columns, rows: inside.rows, rgb, range, unit })
}

/// Ends of the scale: bits begin at 0, channels are symmetrical; the highest hundredth of the values has the last colour.
fn range(values: &[f32], overlay: Overlay) -> Option<[f32; 2]> {
    let mut sorted: Vec<f32> =
        values.iter().map(|value| if matches!(overlay, Overlay::Channel(_)) { value.abs() } else { *value }).collect();
    sorted.sort_by(f32::total_cmp);
    let (first, last) = (*sorted.first()?, sorted[((sorted.len() - 1) * 99).div_ceil(100)]);
    Some(match overlay {
        Overlay::Channel(_) => [-last.max(1.0), last.max(1.0)],
        Overlay::Sigma => [first, last.max(first + 0.1)],
        _ => [0.0, last.max(0.1)],
    })
}

/// `steps` colours from the first to the last of the scale that `overlay` uses.
pub fn legend(overlay: Overlay, steps: usize) -> Vec<[u8; 3]> {
    let scale: &[[f32; 3]] = if matches!(overlay, Overlay::Channel(_)) { &SIGNED } else { &HEAT };
    (0..steps).map(|step| colour(scale, step as f32 / (steps - 1).max(1) as f32)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inside() -> Inside {
        Inside {
            columns: 2,
            rows: 1,
            channels: 2,
            bits: vec![0.0, 40.0],
            log2_sigma: vec![-3.0, 2.0],
            latents: vec![0, 5, -50, 60],
            z_bits: 1.0,
            y_bits: 39.0,
        }
    }

    #[test]
    fn ends_have_the_ends_of_the_scale() {
        let bits = heat_map(&inside(), Overlay::Bits).unwrap();
        assert_eq!((bits.range[0], &bits.rgb[..3]), (0.0, &legend(Overlay::Bits, 2)[0][..]));
        let sigma = heat_map(&inside(), Overlay::Sigma).unwrap();
        assert_eq!(sigma.rgb[..3], legend(Overlay::Sigma, 2)[0]);
        let channel = heat_map(&inside(), Overlay::Channel(1)).unwrap();
        assert_eq!((channel.range[0], channel.range[1]), (-channel.range[1], channel.range[1]));
        assert_ne!(channel.rgb[..3], channel.rgb[3..]);
        assert_eq!((heat_map(&inside(), Overlay::Channel(2)), heat_map(&inside(), Overlay::None)), (None, None));
    }
}

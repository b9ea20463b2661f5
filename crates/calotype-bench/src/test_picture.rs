//! Pictures of any size to time codecs on.

use crate::picture::Picture;

/// Side of a mosaic's stones, or less where a photograph is smaller.
const STONE_PX: u32 = 256;

/// A picture of this size laid of pieces of `photographs`, one after the other; drawn if there are none.
pub fn test_picture(photographs: &[Picture], width: u32, height: u32) -> Picture {
    let name = format!("{width}x{height}");
    let rgb = if photographs.is_empty() { drawn(width, height) } else { mosaic(photographs, width, height) };
    Picture { name, width, height, rgb, whole: None }
}

fn mosaic(photographs: &[Picture], width: u32, height: u32) -> Vec<u8> {
    let side = photographs.iter().map(|photo| photo.width.min(photo.height)).fold(STONE_PX, u32::min);
    let columns = width.div_ceil(side) as usize;
    let pixel = |x: u32, y: u32| {
        let stone = (y / side) as usize * columns + (x / side) as usize;
        let photo = &photographs[stone % photographs.len()];
        let (across, down) = ((photo.width / side) as usize, (photo.height / side) as usize);
        let piece = stone / photographs.len() % (across * down);
        let (px, py) = ((piece % across) as u32 * side + x % side, (piece / across) as u32 * side + y % side);
        let at = (py as usize * photo.width as usize + px as usize) * 3;
        [photo.rgb[at], photo.rgb[at + 1], photo.rgb[at + 2]]
    };
    (0..height).flat_map(|y| (0..width).flat_map(move |x| pixel(x, y))).collect()
}

/// Clouds with detail at every scale, and sharp discs before them: about as hard to code as a photograph.
fn drawn(width: u32, height: u32) -> Vec<u8> {
    let pixel = |x: u32, y: u32| {
        let cloud = |seed: u32| (1..9).map(|octave| (noise(x, y, octave, seed) - 0.5) * 28.0 * 1.2_f32.powi(octave as i32)).sum::<f32>();
        let (light, hue) = (cloud(1), cloud(100));
        let base = [light, light * 0.8 + hue * 0.4, light * 0.6 - hue * 0.5];
        let (dx, dy) = (x % 211, y % 173);
        let disc = (dx as f32 - 105.0).hypot(dy as f32 - 86.0) < 20.0 + 50.0 * lattice(x / 211, y / 173, 7);
        let shade = if disc { 60.0 * lattice(x / 211, y / 173, 9) - 30.0 } else { 0.0 };
        let grain = (lattice(x, y, 11) - 0.5) * 12.0;
        base.map(|value| (128.0 + value + shade + grain).clamp(0.0, 255.0) as u8)
    };
    (0..height).flat_map(|y| (0..width).flat_map(move |x| pixel(x, y))).collect()
}

/// Smooth noise in 0..1 whose features are `2^octave` pixels wide.
fn noise(x: u32, y: u32, octave: u32, seed: u32) -> f32 {
    let smooth = |at: u32| {
        let t = (at & ((1 << octave) - 1)) as f32 / (1 << octave) as f32;
        t * t * (3.0 - 2.0 * t)
    };
    let (cx, cy, tx, ty) = (x >> octave, y >> octave, smooth(x), smooth(y));
    let row = |cy: u32| {
        let (left, right) = (lattice(cx, cy, seed + octave), lattice(cx + 1, cy, seed + octave));
        left + (right - left) * tx
    };
    let (above, below) = (row(cy), row(cy + 1));
    above + (below - above) * ty
}

/// A number in 0..1 that looks random: integers alone, so that it is the same everywhere.
fn lattice(x: u32, y: u32, seed: u32) -> f32 {
    let mut hash = x.wrapping_mul(0x9E37_79B1) ^ y.wrapping_mul(0x85EB_CA77) ^ seed.wrapping_mul(0xC2B2_AE3D);
    hash = (hash ^ hash >> 15).wrapping_mul(0x2C1B_3C6D);
    hash = (hash ^ hash >> 12).wrapping_mul(0x297A_2D39);
    ((hash ^ hash >> 15) >> 8) as f32 / (1 << 24) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mosaics_show_every_photograph() {
        let photo = |value: u8| Picture { name: String::new(), width: 40, height: 20, rgb: vec![value; 40 * 20 * 3], whole: None };
        let mosaic = test_picture(&[photo(10), photo(20), photo(30)], 50, 50);
        assert_eq!(mosaic.rgb.len(), 50 * 50 * 3);
        let at = |x: usize, y: usize| mosaic.rgb[(y * 50 + x) * 3];
        assert_eq!([at(0, 0), at(19, 19), at(20, 0), at(40, 0), at(0, 20)], [10, 10, 20, 30, 10]);
    }

    #[test]
    fn drawn_pictures_have_detail_and_no_clipping() {
        let picture = test_picture(&[], 300, 200);
        assert_eq!(picture.rgb.len(), 300 * 200 * 3);
        let clipped = picture.rgb.iter().filter(|sample| [0, 255].contains(*sample)).count();
        assert!(clipped < picture.rgb.len() / 50, "{clipped}");
        let mean = picture.rgb.iter().map(|sample| f64::from(*sample)).sum::<f64>() / picture.rgb.len() as f64;
        let variance = picture.rgb.iter().map(|sample| (f64::from(*sample) - mean).powi(2)).sum::<f64>() / picture.rgb.len() as f64;
        assert!(variance > 300.0, "{variance}");
    }
}

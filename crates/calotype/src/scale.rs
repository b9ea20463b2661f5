//! Smaller pictures: the mean of squares of pixels, band by band.

use crate::bands::Band;
use crate::error::Error;

/// The bands of a picture of `width` pixels a row, its sides divided by `factor` and rounded up: each pixel is the rounded mean of
/// `factor` x `factor` samples, of those that there are at the right and at the bottom. A factor of 1, or 0, changes nothing.
pub fn scaled(bands: impl Iterator<Item = Result<Band, Error>>, width: u32, factor: u32) -> impl Iterator<Item = Result<Band, Error>> {
    let (width, factor) = (width as usize, factor.max(1) as usize);
    let mut bands = bands.fuse();
    let mut waiting: Vec<u8> = Vec::new();
    std::iter::from_fn(move || {
        loop {
            let rows = match bands.next() {
                Some(Err(error)) => return Some(Err(error)),
                Some(Ok(band)) if factor == 1 => return Some(Ok(band)),
                Some(Ok(band)) => {
                    waiting.extend(band.rgb);
                    waiting.len() / (3 * width) / factor * factor
                }
                None if waiting.is_empty() => return None,
                None => waiting.len() / (3 * width),
            };
            if rows > 0 {
                let rest = waiting.split_off(3 * width * rows);
                let whole = std::mem::replace(&mut waiting, rest);
                let rgb: Vec<u8> = whole.chunks(3 * width * factor).flat_map(|rows| mean_row(rows, width, factor)).collect();
                return Some(Ok(Band { height: rows.div_ceil(factor) as u32, rgb }));
            }
        }
    })
}

/// One row of means.
fn mean_row(rows: &[u8], width: usize, factor: usize) -> Vec<u8> {
    let mut sums = vec![0_u32; 3 * width.div_ceil(factor)];
    for row in rows.chunks_exact(3 * width) {
        for (sum, square) in sums.chunks_exact_mut(3).zip(row.chunks(3 * factor)) {
            square.iter().enumerate().for_each(|(i, &sample)| sum[i % 3] += u32::from(sample));
        }
    }
    let height = rows.len() / (3 * width);
    let count = |x: usize| (height * factor.min(width - x * factor)) as u32;
    sums.iter().enumerate().map(|(i, &sum)| ((sum + count(i / 3) / 2) / count(i / 3)) as u8).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const WIDTH: usize = 7;

    /// Rows y of pixels `[y, 10 x, 200]`, in bands of these heights.
    fn bands(heights: &[usize]) -> Vec<Result<Band, Error>> {
        let mut top = 0;
        let band = |&height: &usize| {
            let rows = top..top + height;
            top += height;
            let rgb = rows.flat_map(|y| (0..WIDTH).flat_map(move |x| [y as u8, 10 * x as u8, 200])).collect();
            Ok(Band { height: height as u32, rgb })
        };
        heights.iter().map(band).collect()
    }

    fn all(heights: &[usize], factor: u32) -> (u32, Vec<u8>) {
        let bands: Vec<Band> = scaled(bands(heights).into_iter(), WIDTH as u32, factor).map(Result::unwrap).collect();
        (bands.iter().map(|band| band.height).sum(), bands.into_iter().flat_map(|band| band.rgb).collect())
    }

    #[test]
    fn means_are_those_of_squares() {
        let (height, rgb) = all(&[5], 2);
        assert_eq!((height, rgb.len()), (3, 3 * 4 * 3));
        // Rows 0 and 1, columns 0 and 1: 0.5 rounds up. Row 4 and column 6 are alone.
        assert_eq!(rgb[..3], [1, 5, 200]);
        assert_eq!(rgb[rgb.len() - 3..], [4, 60, 200]);
        assert_eq!(all(&[5], 1), (5, all(&[2, 3], 0).1));
        assert_eq!(all(&[5], 8), (1, vec![2, 30, 200]));
    }

    #[test]
    fn bands_do_not_show() {
        for factor in [2, 4, 8] {
            assert_eq!(all(&[1, 2, 3, 11, 1], factor), all(&[18], factor));
        }
        assert_ne!(all(&[18], 2), all(&[17], 2));
    }

    #[test]
    fn an_error_comes_through() {
        let failed = || Err(crate::error::Usage::NoEncoder.into());
        let mut bands = scaled([failed()].into_iter(), 3, 2);
        assert!(bands.next().is_some_and(|band| band.is_err()) && bands.next().is_none());
    }
}

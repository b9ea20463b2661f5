//! Smaller pictures: the mean of squares of pixels, band by band.

use crate::error::Error;
use crate::picture::{Picture, Samples};

/// The bands of a picture, its sides divided by `factor` and rounded up: each sample is the rounded mean of `factor` x `factor` of its channel,
/// of those that there are at the right and at the bottom. A factor of 1, or 0, changes nothing.
pub fn scaled(bands: impl Iterator<Item = Result<Picture, Error>>, factor: u32) -> impl Iterator<Item = Result<Picture, Error>> {
    let mut bands = bands.fuse();
    let mut waiting: Option<Picture> = None;
    std::iter::from_fn(move || {
        loop {
            let last = match bands.next() {
                Some(Err(error)) => return Some(Err(error)),
                Some(Ok(band)) if factor < 2 => return Some(Ok(band)),
                Some(Ok(band)) => {
                    let parts = waiting.take().into_iter().chain([band]).map(Ok);
                    match Picture::stacked(parts) {
                        Ok(stacked) => waiting = Some(stacked),
                        Err(error) => return Some(Err(error)),
                    }
                    false
                }
                None => true,
            };
            let picture = waiting.as_ref()?;
            let rows = if last { picture.height() } else { picture.height() / factor * factor };
            if rows > 0 {
                let small = picture.rows(0..rows).and_then(|rows| smaller(&rows, factor as usize));
                waiting = picture.rows(rows..picture.height()).ok();
                return Some(small);
            }
        }
    })
}

fn smaller(picture: &Picture, factor: usize) -> Result<Picture, Error> {
    let (channels, width) = (picture.channels(), picture.width() as usize);
    let samples = match picture.samples() {
        Samples::U8(samples) => Samples::U8(means(samples, width, channels.count(), factor, |mean| mean as u8)),
        Samples::U16(samples) => Samples::U16(means(samples, width, channels.count(), factor, |mean| mean as u16)),
    };
    let [width, height] = [picture.width(), picture.height()].map(|side| side.div_ceil(factor as u32));
    Picture::new(width, height, channels, samples)
}

fn means<S: Copy + Into<u32>>(samples: &[S], width: usize, channels: usize, factor: usize, sample: impl Fn(u32) -> S) -> Vec<S> {
    let rows = samples.chunks(channels * width * factor);
    rows.flat_map(|rows| mean_row(rows, width, channels, factor)).map(sample).collect()
}

/// One row of means.
fn mean_row<S: Copy + Into<u32>>(rows: &[S], width: usize, channels: usize, factor: usize) -> Vec<u32> {
    let mut sums = vec![0_u32; channels * width.div_ceil(factor)];
    for row in rows.chunks_exact(channels * width) {
        for (sum, square) in sums.chunks_exact_mut(channels).zip(row.chunks(channels * factor)) {
            square.iter().enumerate().for_each(|(i, &sample)| sum[i % channels] += sample.into());
        }
    }
    let height = rows.len() / (channels * width);
    let count = |x: usize| (height * factor.min(width - x * factor)) as u32;
    sums.iter().enumerate().map(|(i, &sum)| (sum + count(i / channels) / 2) / count(i / channels)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::Channels;

    const WIDTH: usize = 7;

    /// Rows y of pixels `[y, 10 x, 200]`, in bands of these heights.
    fn bands(heights: &[usize]) -> Vec<Result<Picture, Error>> {
        let mut top = 0;
        let band = |&height: &usize| {
            let rows = top..top + height;
            top += height;
            let rgb = rows.flat_map(|y| (0..WIDTH).flat_map(move |x| [y as u8, 10 * x as u8, 200])).collect();
            Picture::new(WIDTH as u32, height as u32, Channels::Rgb, Samples::U8(rgb))
        };
        heights.iter().map(band).collect()
    }

    fn all(heights: &[usize], factor: u32) -> (u32, Vec<u8>) {
        let picture = Picture::stacked(scaled(bands(heights).into_iter(), factor)).unwrap();
        (picture.height(), picture.rgb8().into_owned())
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
    fn channels_and_depth_stay() {
        let samples = Samples::U16(vec![0, 65_535, 10, 65_535, 20, 1, 31, 0]);
        let picture = Picture::new(2, 2, Channels::GreyAlpha, samples).unwrap();
        let small = scaled([Ok(picture)].into_iter(), 2).next().unwrap().unwrap();
        assert_eq!(small, Picture::new(1, 1, Channels::GreyAlpha, Samples::U16(vec![15, 32_768])).unwrap());
    }

    #[test]
    fn an_error_comes_through() {
        let failed = || Err(crate::error::Usage::NoEncoder.into());
        let mut bands = scaled([failed()].into_iter(), 2);
        assert!(bands.next().is_some_and(|band| band.is_err()) && bands.next().is_none());
    }
}

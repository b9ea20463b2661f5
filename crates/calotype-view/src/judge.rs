//! How far two pictures are apart: measures, and their difference as a picture.

use std::sync::Arc;

use calotype::Image;
use calotype_bench::{ms_ssim, psnr_db, ssimulacra2};
use rayon::prelude::*;

use crate::error::Error;
use crate::picture::Picture;
use crate::side::Side;

/// Two complete pictures.
#[derive(Clone, Debug)]
pub struct Pair {
    /// What they are.
    pub sides: [Side; 2],
    /// Their pixels.
    pub pictures: [Arc<Picture>; 2],
}

/// Pairs of the same sides have the same pixels.
impl PartialEq for Pair {
    fn eq(&self, other: &Pair) -> bool {
        self.sides == other.sides
    }
}

/// What is to be found of a pair.
#[derive(Clone, Debug, PartialEq)]
pub enum Question {
    /// Its measures.
    Measures(Pair),
    /// Its difference, so many times enlarged.
    Difference(Pair, u32),
}

/// Measures of a pair.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measures {
    /// PSNR in dB over the samples of RGB.
    pub psnr_db: f64,
    /// MS-SSIM; `None` for small pictures.
    pub ms_ssim: Option<f64>,
    /// SSIMULACRA2; `None` for the smallest.
    pub ssimulacra2: Option<f64>,
}

/// What was found.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// Of [`Question::Measures`].
    Measures([Side; 2], Result<Measures, Error>),
    /// Of [`Question::Difference`].
    Difference([Side; 2], u32, Result<Arc<Picture>, Error>),
}

/// Answers a question.
pub fn judge(question: &Question) -> Verdict {
    match question {
        Question::Measures(pair) => Verdict::Measures(pair.sides.clone(), measures(pair)),
        Question::Difference(pair, gain) => Verdict::Difference(pair.sides.clone(), *gain, difference(pair, *gain)),
    }
}

impl Pair {
    /// The pixels of both.
    fn rgb(&self) -> Result<[Vec<u8>; 2], Error> {
        let [a, b] = &self.pictures;
        if (a.width, a.height) != (b.width, b.height) {
            return Err(Error::Sizes([[a.width, a.height], [b.width, b.height]]));
        }
        Ok([a.rgb(), b.rgb()])
    }
}

fn measures(pair: &Pair) -> Result<Measures, Error> {
    let ([a, b], width) = (pair.rgb()?, pair.pictures[0].width as usize);
    Ok(Measures { psnr_db: psnr_db(&a, &b), ms_ssim: ms_ssim(&a, &b, width), ssimulacra2: ssimulacra2(&a, &b, width) })
}

/// The absolute difference of each sample times `gain`.
fn difference(pair: &Pair, gain: u32) -> Result<Arc<Picture>, Error> {
    let [a, b] = pair.rgb()?;
    let rgb = a.par_iter().zip(&b).map(|(a, b)| (u32::from(a.abs_diff(*b)) * gain).min(255) as u8).collect();
    let Picture { width, height, .. } = *pair.pictures[0];
    Ok(Arc::new(Picture::of(&Image { width, height, rgb })))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn pair(widths: [u32; 2], values: [u8; 2]) -> Pair {
        let picture =
            |i: usize| Arc::new(Picture::of(&Image { width: widths[i], height: 2, rgb: vec![values[i]; 6 * widths[i] as usize] }));
        Pair { sides: ["a", "b"].map(|name| Side::File(PathBuf::from(name))), pictures: [picture(0), picture(1)] }
    }

    #[test]
    fn differences_are_enlarged_and_end_at_white() {
        let pixel = |gain| difference(&pair([3, 3], [100, 90]), gain).unwrap().pixel(2, 1).unwrap();
        assert_eq!((pixel(1), pixel(8), pixel(64)), ([10; 3], [80; 3], [255; 3]));
    }

    #[test]
    fn measures_are_those_of_the_benchmark() {
        let found = measures(&pair([3, 3], [100, 90])).unwrap();
        assert!((found.psnr_db - 20.0 * 25.5_f64.log10()).abs() < 1e-9 && found.ms_ssim.is_none());
        assert!(measures(&pair([3, 4], [0, 0])).unwrap_err().to_string().contains("3x2 and 4x2"));
    }
}

//! Which quality a fineness gives: what makes qualities of different models comparable (docs/MODEL.md section 8).

use crate::Error;
use crate::tables::LARGEST_FINENESS;

/// Hundredths in a point of quality.
const PER_POINT: f64 = 100.0;

/// The quality of some finenesses Q, both rising; straight between them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QualityScale(Vec<(u16, u16)>);

impl QualityScale {
    /// Pairs of a fineness and its quality in hundredths of a point, from Q = 0 to [`LARGEST_FINENESS`].
    ///
    /// # Errors
    /// [`Error::Metadata`] if it is not that, a column does not rise, or a quality is above 100.
    pub fn new(pairs: Vec<(u16, u16)>) -> Result<QualityScale, Error> {
        let rising = pairs.windows(2).all(|pair| pair[0].0 < pair[1].0 && pair[0].1 < pair[1].1);
        let ends =
            pairs.first().zip(pairs.last()).is_some_and(|(first, last)| first.0 == 0 && *last == (LARGEST_FINENESS, last.1.min(10_000)));
        if rising && ends { Ok(QualityScale(pairs)) } else { Err(refused(format!("{pairs:?}"))) }
    }

    /// From its text, `[[0, 912], ..., [16128, 8723]]`.
    pub(crate) fn parse(text: &str) -> Result<QualityScale, Error> {
        let pairs = serde_json::from_str(text).map_err(|_| refused(text.to_owned()))?;
        QualityScale::new(pairs)
    }

    /// What [`QualityScale::parse`] reads.
    pub(crate) fn text(&self) -> String {
        serde_json::json!(self.0).to_string()
    }

    /// The fineness that is nearest to a quality in points: an end of the scale beyond it.
    pub fn fineness(&self, points: f64) -> u16 {
        let at = self.0.partition_point(|&(_, quality)| f64::from(quality) / PER_POINT < points).clamp(1, self.0.len() - 1);
        let ((first, low), (last, high)) = self.between(at);
        (first + (points * PER_POINT - low) / (high - low) * (last - first)).round().clamp(first, last) as u16
    }

    /// The quality of a fineness, in points; one above [`LARGEST_FINENESS`] counts as that.
    pub fn points(&self, fineness: u16) -> f64 {
        let at = self.0.partition_point(|&(first, _)| first < fineness).clamp(1, self.0.len() - 1);
        let ((first, low), (last, high)) = self.between(at);
        (low + (f64::from(fineness.min(LARGEST_FINENESS)) - first) / (last - first) * (high - low)) / PER_POINT
    }

    /// The pairs before and at a place.
    fn between(&self, at: usize) -> ((f64, f64), (f64, f64)) {
        let pair = |(fineness, quality): (u16, u16)| (f64::from(fineness), f64::from(quality));
        (pair(self.0[at - 1]), pair(self.0[at]))
    }
}

impl Default for QualityScale {
    /// Of a model that nobody has measured: 0 to 100, evenly over all finenesses.
    fn default() -> QualityScale {
        QualityScale(vec![(0, 0), (LARGEST_FINENESS, 10_000)])
    }
}

fn refused(value: String) -> Error {
    let expected =
        format!("a JSON list of pairs [fineness, hundredths of a point], both rising, from 0 to {LARGEST_FINENESS} and at most 10000");
    Error::Metadata { key: "quality_scale", value, expected }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bent() -> QualityScale {
        QualityScale::parse("[[0, 1000], [1000, 2000], [8000, 7000], [16128, 8850]]").unwrap()
    }

    #[test]
    fn fineness_and_points_are_each_others_inverse() {
        for scale in [bent(), QualityScale::default()] {
            assert!((0..=LARGEST_FINENESS).all(|fineness| scale.fineness(scale.points(fineness)) == fineness));
            assert!((1..=LARGEST_FINENESS).all(|fineness| scale.points(fineness - 1) < scale.points(fineness)));
            assert_eq!(QualityScale::parse(&scale.text()), Ok(scale));
        }
    }

    #[test]
    fn it_is_straight_between_what_was_measured_and_ends_with_it() {
        let scale = bent();
        assert_eq!(
            [0.0, 10.0, 15.0, 20.0, 45.0, 88.5, 88.6, 100.0].map(|points| scale.fineness(points)),
            [0, 0, 500, 1000, 4500, 16128, 16128, 16128]
        );
        assert_eq!([0, 500, 4500, 16128, 65535].map(|fineness| scale.points(fineness)), [10.0, 15.0, 45.0, 88.5, 88.5]);
        assert_eq!([0.0, 50.0, 100.0].map(|points| QualityScale::default().fineness(points)), [0, 8064, 16128]);
    }

    #[test]
    fn what_is_no_scale_is_refused() {
        for text in ["", "{}", "[]", "[[0, 10]]", "[[0, 10], [16128, 10]]", "[[1, 10], [16128, 20]]", "[[0, 10], [16127, 20]]"] {
            assert!(matches!(QualityScale::parse(text), Err(Error::Metadata { key: "quality_scale", .. })), "{text}");
        }
        for text in ["[[0, 10], [0, 20], [16128, 30]]", "[[0, 10], [16128, 10001]]", "[[0, 10.5], [16128, 20]]", "[[0, -1], [16128, 20]]"] {
            assert!(QualityScale::parse(text).is_err(), "{text}");
        }
    }
}

//! The quality setting: how finely latents are quantised.

use calotype_model::QUALITY_MAX;

use crate::error::{Error, Usage};

/// A quality as files hold it: Q in 0..=16128 (docs/MODEL.md section 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Quality(u16);

impl Quality {
    /// The smallest files.
    pub const LOWEST: Quality = Quality(0);
    /// The best pictures.
    pub const HIGHEST: Quality = Quality(QUALITY_MAX);

    /// From 0 to 100, decimals included.
    ///
    /// # Errors
    /// [`Usage::Quality`] outside that range.
    pub fn from_percent(percent: f64) -> Result<Quality, Error> {
        if (0.0..=100.0).contains(&percent) {
            Ok(Quality((percent / 100.0 * f64::from(QUALITY_MAX)).round() as u16))
        } else {
            Err(Error::Usage(Usage::Quality { percent }))
        }
    }

    /// From a file's Q; `None` above 16128.
    pub fn from_steps(steps: u16) -> Option<Quality> {
        (steps <= QUALITY_MAX).then_some(Quality(steps))
    }

    /// Q in 0..=16128.
    pub fn steps(self) -> u16 {
        self.0
    }

    /// On the scale from 0 to 100.
    pub fn percent(self) -> f64 {
        f64::from(self.0) / f64::from(QUALITY_MAX) * 100.0
    }
}

impl Default for Quality {
    /// The middle, 50.
    fn default() -> Quality {
        Quality(QUALITY_MAX / 2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percent_is_rounded_to_a_step() {
        assert_eq!(Quality::from_percent(50.0).unwrap(), Quality::default());
        assert_eq!(Quality::from_percent(0.0).unwrap(), Quality::LOWEST);
        assert_eq!(Quality::from_percent(100.0).unwrap().steps(), 16128);
        assert_eq!(Quality::from_percent(62.503).unwrap().steps(), 10080);
        for percent in [-0.1, 100.1, f64::NAN] {
            assert!(matches!(Quality::from_percent(percent), Err(Error::Usage(Usage::Quality { .. }))));
        }
        assert_eq!(Quality::from_steps(16129), None);
    }
}

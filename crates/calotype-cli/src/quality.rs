//! Qualities of the command line on the scale of a model.

use calotype::{Codec, Quality};

use crate::failure::Failure;
use crate::output;

/// What a model has nearest to a quality in points: the quality itself, or an end of the model's scale.
///
/// # Errors
/// Usage if it lies outside 0 to 100.
pub fn nearest(codec: &Codec, points: f64) -> Result<Quality, Failure> {
    let nearest = Quality::new(points).and_then(|quality| {
        let [lowest, highest] = codec.qualities()?.map(Quality::points);
        Quality::new(quality.points().clamp(lowest, highest))
    });
    nearest.map_err(|error| Failure::engine(&error))
}

/// To hundredths of a point, for people.
pub fn rounded(points: f64) -> f64 {
    (points * 100.0).round() / 100.0
}

/// Says where another quality is used than the one that was asked for; 0 and 100 ask for the ends of whatever scale there is.
///
/// # Errors
/// As [`nearest`].
pub fn say_beyond(codec: &Codec, points: f64) -> Result<(), Failure> {
    let used = nearest(codec, points)?.points();
    if used != points && ![Quality::LOWEST, Quality::HIGHEST].map(Quality::points).contains(&points) {
        let side = if points > used { "beyond" } else { "below" };
        output::say(&format!("calotype: note: quality {points} is {side} this model's {used}; {used} is used"));
    }
    Ok(())
}

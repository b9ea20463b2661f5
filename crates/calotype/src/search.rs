//! Finding the fineness that meets a goal, in few tries.

use calotype_model::LARGEST_FINENESS;

/// Tries before what is nearest is taken: enough to halve the whole scale down to neighbours.
const MOST_TRIES: u32 = PATIENT_TRIES + (LARGEST_FINENESS + 1).ilog2() + 1;
/// From here on, the bracket is halved: interpolation has had its chance.
const PATIENT_TRIES: u32 = 8;

/// What is looked for: a fineness Q whose value, which grows with Q, lies within a window.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    /// The least value.
    pub least: f64,
    /// The most.
    pub most: f64,
    /// Where to aim, between them.
    pub aim: f64,
}

/// A search in progress.
pub struct Search {
    window: Window,
    /// How much the value grows for each step of Q, until two tries say better.
    slope: f64,
    /// The highest Q known to be below the window, with its value.
    below: Option<(u16, f64)>,
    /// The lowest Q known to be above it.
    above: Option<(u16, f64)>,
    next: u16,
    /// The try before the last.
    before: Option<(u16, f64)>,
    /// Tries so far.
    pub tries: u32,
}

/// What is to be done after a try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The value lies within the window.
    Found,
    /// Try this Q.
    Try(u16),
    /// No Q is within the window; these are its neighbours, as far as there are any.
    Neighbours(Option<u16>, Option<u16>),
}

impl Search {
    /// Starts at Q `first`; `slope` is a guess.
    pub fn new(window: Window, first: u16, slope: f64) -> Search {
        Search { window, slope, below: None, above: None, next: first.min(LARGEST_FINENESS), before: None, tries: 0 }
    }

    /// The Q to try first.
    pub fn first(&self) -> u16 {
        self.next
    }

    /// Takes the value of the last Q.
    pub fn value(&mut self, value: f64) -> Step {
        self.tries += 1;
        let tried = (self.next, value);
        if value < self.window.least {
            self.below = Some(tried);
        } else if value > self.window.most {
            self.above = Some(tried);
        } else {
            return Step::Found;
        }
        let guess = self.guess(tried.0, tried.1);
        self.before = Some(tried);
        match guess {
            Some(fineness) if self.tries < MOST_TRIES => {
                self.next = fineness;
                Step::Try(fineness)
            }
            _ => Step::Neighbours(self.below.map(|(fineness, _)| fineness), self.above.map(|(fineness, _)| fineness)),
        }
    }

    /// As the last two tries say; a little less, so that the next one is on the other side. Where they say nothing, go further each time.
    fn slope_at(&self, fineness: u16, value: f64) -> f64 {
        let secant = self.before.map_or(0.0, |before| (value - before.1) / (f64::from(fineness) - f64::from(before.0)));
        if secant > 0.0 { secant / 1.2 } else { self.slope / f64::from(self.tries).exp2() * 2.0 }
    }

    /// The next Q strictly between what is known; `None` if there is none.
    fn guess(&mut self, fineness: u16, value: f64) -> Option<u16> {
        let (low, high) =
            (self.below.map_or(-1, |(q, _)| i32::from(q)), self.above.map_or(i32::from(LARGEST_FINENESS) + 1, |(q, _)| i32::from(q)));
        if high - low < 2 {
            return None;
        }
        let guess = match (self.below, self.above) {
            (Some(below), Some(above)) if self.tries < PATIENT_TRIES => {
                let slope = (above.1 - below.1) / f64::from(above.0 - below.0);
                f64::from(below.0) + (self.window.aim - below.1) / slope
            }
            (Some(_), Some(_)) => f64::from(low + high) / 2.0,
            _ => f64::from(fineness) + (self.window.aim - value) / self.slope_at(fineness, value),
        };
        Some((guess.round() as i32).clamp(low + 1, high - 1) as u16)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Searches in `values`; returns the last step and the tries.
    fn run(window: Window, slope: f64, values: impl Fn(u16) -> f64) -> (Step, u16, u32) {
        let mut search = Search::new(window, 8000, slope);
        let mut fineness = search.first();
        loop {
            match search.value(values(fineness)) {
                Step::Try(next) => fineness = next,
                step => return (step, fineness, search.tries),
            }
        }
    }

    fn window(least: f64, most: f64) -> Window {
        Window { least, most, aim: (least + most) / 2.0 }
    }

    #[test]
    fn curves_are_met_in_few_tries() {
        let curves: [fn(f64) -> f64; 4] =
            [|t| 10.0 * t, |t| (1.0 + 9.0 * t).ln() * 4.0, |t| 10.0 * t * t, |t| if t < 0.5 { 2.0 * t } else { 1.0 + 18.0 * (t - 0.5) }];
        for curve in curves {
            for aim in 1..90 {
                let least = f64::from(aim) / 10.0;
                let (step, fineness, tries) = run(window(least, least + 0.03), 10.0 / 16128.0, |q| curve(f64::from(q) / 16128.0));
                assert_eq!(step, Step::Found, "{least} {fineness}");
                assert!(tries <= 14, "{least}: {tries}");
            }
        }
    }

    #[test]
    fn what_cannot_be_met_ends_at_the_neighbours() {
        let line = |q: u16| f64::from(q);
        assert_eq!(run(window(20_000.0, 20_001.0), 1.0, line).0, Step::Neighbours(Some(16_128), None));
        assert_eq!(run(window(-9.0, -8.0), 1.0, line).0, Step::Neighbours(None, Some(0)));
        assert_eq!(run(window(300.2, 300.8), 0.9, line).0, Step::Neighbours(Some(300), Some(301)));
        let flat = run(window(0.5, 0.6), 0.1, |q| if q < 5000 { 0.0 } else { 1.0 });
        assert!(matches!(flat, (Step::Neighbours(Some(_), Some(_)), _, tries) if tries <= MOST_TRIES));
    }
}

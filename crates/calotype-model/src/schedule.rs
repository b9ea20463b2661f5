//! The schedule: which latents are set when, and from what (docs/MODEL.md section 5.3).

use std::ops::Range;

/// Some channels at some places: those whose bit is set in `phases`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    /// Latent channels.
    pub channels: Range<usize>,
    /// Bit `(y % period) * period + x % period` stands for the latent at row y, column x of the tile.
    pub phases: u64,
}

/// Latents that are set together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Which; no latent is in two of them.
    pub cells: Vec<Cell>,
    /// The number of the chain that predicts their means, among the decoder's predictors; `None` if these are 0.
    pub mean: Option<usize>,
    /// That of the chain that predicts their scales; `None` if an earlier step's did, and in the first step if they stand in a table.
    pub scale: Option<usize>,
    /// That of the chain that predicts the widths of the quantiser, in the first step; `None` there if all are 1.
    pub width: Option<usize>,
}

/// All steps of a tile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// Rows and columns after which the pattern of phases repeats; at most 8.
    pub period: usize,
    /// In their order.
    pub steps: Vec<Step>,
}

impl Schedule {
    /// Four steps on 2 x 2 phases: each sets a quarter of `channels` at each place, every quarter another. The means are those of predictors
    /// 3, 0, 1 and 2, the scales those of predictor 4, the widths those of 5: by their names `mean_head`, `context.0` to `context.2`,
    /// `scale_head`, `width_head`.
    pub fn quarters(channels: usize) -> Schedule {
        // The phase of the latents that step k sets in quarter j, as the number of its bit.
        const PHASES: [[u64; 4]; 4] = [[0, 3, 1, 2], [3, 0, 2, 1], [1, 2, 0, 3], [2, 1, 3, 0]];
        let cell = |k: usize, j: usize| Cell { channels: j * channels / 4..(j + 1) * channels / 4, phases: 1 << PHASES[k][j] };
        let step = |k: usize| Step {
            cells: (0..4).map(|j| cell(k, j)).collect(),
            mean: Some([3, 0, 1, 2][k]),
            scale: (k == 0).then_some(4),
            width: (k == 0).then_some(5),
        };
        Schedule { period: 2, steps: (0..4).map(step).collect() }
    }

    /// The bit of the latent at row y, column x.
    pub fn phase(&self, y: usize, x: usize) -> u64 {
        1 << (y % self.period * self.period + x % self.period)
    }

    /// The channels that a step sets at row y, column x, cell by cell.
    pub fn channels_at(&self, step: usize, y: usize, x: usize) -> impl Iterator<Item = Range<usize>> + '_ {
        let phase = self.phase(y, x);
        self.steps[step].cells.iter().filter(move |cell| cell.phases & phase != 0).map(|cell| cell.channels.clone())
    }

    /// Whether the steps set each of `channels` exactly once at every place, and nothing else.
    pub fn is_whole(&self, channels: usize) -> bool {
        (1..=8).contains(&self.period) && self.is_sound() && (0..self.period * self.period).all(|place| self.sets_once(channels, place))
    }

    /// Whether no step or cell is empty, and no cell says places beyond the period's.
    fn is_sound(&self) -> bool {
        let places = (self.period * self.period) as u32;
        let sound =
            |cell: &Cell| !cell.channels.is_empty() && cell.phases != 0 && cell.phases.checked_shr(places).is_none_or(|beyond| beyond == 0);
        self.steps.iter().all(|step| !step.cells.is_empty() && step.cells.iter().all(sound))
    }

    fn sets_once(&self, channels: usize, place: usize) -> bool {
        let mut set = vec![0; channels];
        for cell in self.steps.iter().flat_map(|step| &step.cells).filter(|cell| cell.phases >> place & 1 == 1) {
            let Some(channels) = set.get_mut(cell.channels.clone()) else { return false };
            channels.iter_mut().for_each(|count| *count += 1);
        }
        set.iter().all(|&count| count == 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quarters_are_those_of_the_page() {
        // docs/MODEL.md section 5.3.
        const PHASE: [[usize; 2]; 2] = [[0, 2], [3, 1]];
        const ORDER: [[usize; 4]; 4] = [[0, 1, 2, 3], [1, 0, 3, 2], [2, 3, 0, 1], [3, 2, 1, 0]];
        let schedule = Schedule::quarters(24);
        assert!(schedule.is_whole(24) && !schedule.is_whole(28));
        for (step, y, x) in (0..4).flat_map(|step| (0..16).map(move |place| (step, place / 4, place % 4))) {
            let set: Vec<_> = schedule.channels_at(step, y, x).collect();
            let quarter = ORDER[step].iter().position(|&phase| phase == PHASE[y & 1][x & 1]).unwrap();
            assert!(matches!(&set[..], [range] if *range == (6 * quarter..6 * quarter + 6)), "step {step} at {y}, {x}: {set:?}");
        }
    }

    #[test]
    fn a_latent_that_is_set_twice_or_never_is_noticed() {
        let mut twice = Schedule::quarters(8);
        twice.steps[3].cells[0].phases = 0b1111;
        assert!(!twice.is_whole(8));
        let mut never = Schedule::quarters(8);
        never.steps.pop();
        assert!(!never.is_whole(8));
        let mut beyond = Schedule::quarters(8);
        beyond.steps[0].cells[3].channels = 6..12;
        assert!(!beyond.is_whole(8));
    }
}

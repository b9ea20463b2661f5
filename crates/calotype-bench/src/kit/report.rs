//! What a kit found: everything that its JSON file holds.

use serde::{Deserialize, Serialize};

use crate::bench::Bench;
use crate::machine::Machine;

/// A run of a kit.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct KitReport {
    /// Name, version and commit.
    pub program: String,
    /// Where.
    pub machine: Machine,
    /// What was allowed.
    pub seconds_given: u64,
    /// What it took.
    pub seconds_taken: f64,
    /// What `calotype devices` says, line by line.
    pub devices: Vec<String>,
    /// What was done and what was not, in order.
    pub steps: Vec<Step>,
    /// Speeds, one benchmark an adapter.
    pub benches: Vec<Bench>,
}

/// One thing that was to be done.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Step {
    /// What.
    pub name: String,
    /// How it went.
    pub outcome: Outcome,
    /// What it took.
    pub seconds: f64,
    /// What there is to know, a line each; of a failure the first difference comes first.
    pub details: Vec<String>,
}

/// How a step went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Done, and right.
    Passed,
    /// Wrong, crashed, or hung.
    Failed,
    /// What was done was right; then the time was over.
    Unfinished,
    /// Not begun.
    Skipped,
}

impl KitReport {
    /// Whether anything was wrong.
    pub fn has_failed(&self) -> bool {
        self.steps.iter().any(|step| step.outcome == Outcome::Failed)
    }
}

impl Outcome {
    /// In a word.
    pub fn word(self) -> &'static str {
        match self {
            Outcome::Passed => "passed",
            Outcome::Failed => "FAILED",
            Outcome::Unfinished => "unfinished",
            Outcome::Skipped => "skipped",
        }
    }
}

impl Step {
    /// The lines to print.
    pub fn lines(&self) -> Vec<String> {
        let head = format!("{:10} {:6.1} s  {}", self.outcome.word(), self.seconds, self.name);
        std::iter::once(head).chain(self.details.iter().map(|detail| format!("{:21}{detail}", ""))).collect()
    }
}

//! Running a kit: every step as a process of its own, within a time limit.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use super::process::{Ended, run_until};
use super::report::{KitReport, Outcome, Step};
use crate::bench::Bench;
use crate::machine::Machine;

/// Kept back for the report.
const RESERVE: Duration = Duration::from_secs(2);

/// What to run.
#[derive(Clone, Debug)]
pub struct KitRun {
    /// The kit's folder, in which `results` is written.
    pub kit: PathBuf,
    /// The calotype program.
    pub program: PathBuf,
    /// How long it may take.
    pub seconds: u64,
    /// Whether software adapters are taken for hardware, to try the kit without any.
    pub software: bool,
}

/// A run under way. Steps are told to `said` line by line as they end.
pub(super) struct Running<'a> {
    pub(super) run: &'a KitRun,
    begun: Instant,
    said: &'a dyn Fn(&str),
    steps: Vec<Step>,
    pub(super) benches: Vec<Bench>,
}

/// How long a step may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limit {
    /// With less left it is not begun.
    pub least: Duration,
    /// Who takes longer hangs; or who takes longer than a third of all the time, if that is more.
    pub most: Duration,
}

/// Whether what a process said is right, and the lines to keep of it; of something wrong the first difference comes first.
pub(super) struct Verdict {
    pub right: bool,
    pub details: Vec<String>,
}

impl Limit {
    pub const fn seconds(least: u64, most: u64) -> Limit {
        Limit { least: Duration::from_secs(least), most: Duration::from_secs(most) }
    }
}

impl KitRun {
    pub(super) fn results(&self) -> PathBuf {
        self.kit.join("results")
    }
}

impl<'a> Running<'a> {
    /// Begins.
    pub(super) fn new(run: &'a KitRun, said: &'a dyn Fn(&str)) -> Running<'a> {
        Running { run, begun: Instant::now(), said, steps: Vec::new(), benches: Vec::new() }
    }

    /// What there is to report.
    pub(super) fn report(self, devices: Vec<String>) -> KitReport {
        KitReport {
            program: crate::VERSION.to_owned(),
            machine: Machine::this(),
            seconds_given: self.run.seconds,
            seconds_taken: self.begun.elapsed().as_secs_f64(),
            devices,
            steps: self.steps,
            benches: self.benches,
        }
    }

    /// A file or folder of the kit.
    pub(super) fn at(&self, name: &str) -> PathBuf {
        self.run.kit.join(name)
    }

    /// Where results lie.
    pub(super) fn results(&self) -> PathBuf {
        self.run.results()
    }

    /// The calotype program with the kit's model.
    pub(super) fn calotype(&self) -> Command {
        let mut command = self.command(&self.run.program);
        command.arg("--model").arg(self.at("model/fast.decoder.safetensors"));
        command
    }

    /// A program in an environment where what an engine learns of an adapter is remembered in the results.
    pub(super) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        let home = self.results().join("home");
        command.env("XDG_CACHE_HOME", home.join("cache")).env("XDG_RUNTIME_DIR", &home).env("HOME", home);
        command
    }

    fn left(&self) -> Duration {
        (Duration::from_secs(self.run.seconds)).saturating_sub(self.begun.elapsed() + RESERVE)
    }

    /// One step of one process, whose words `judge` judges -> how it ended, if all went well.
    pub(super) fn step(&mut self, name: &str, limit: Limit, command: &mut Command, judge: impl Fn(&Ended) -> Verdict) -> Option<Ended> {
        let left = self.left();
        if left < limit.least {
            self.skip(name, format!("{} s left, needs about {} s", left.as_secs(), limit.least.as_secs()));
            return None;
        }
        let most = limit.most.max(Duration::from_secs(self.run.seconds / 3));
        let begin = Instant::now();
        let ended = match run_until(command, begin + left.min(most)) {
            Ok(ended) => ended,
            Err(error) => {
                self.fail(name, format!("{}: cannot be started: {error}", command.get_program().display()));
                return None;
            }
        };
        let Verdict { right, mut details } = judge(&ended);
        let outcome = match ended.status {
            // Killed for the whole run's time limit rather than its own.
            None if right && left < most => Outcome::Unfinished,
            Some(_) if right && ended.is_success() => Outcome::Passed,
            _ => Outcome::Failed,
        };
        if right && outcome == Outcome::Failed {
            details.insert(0, ended.complaint());
        }
        self.note(Step { name: name.to_owned(), outcome, seconds: begin.elapsed().as_secs_f64(), details });
        (outcome == Outcome::Passed).then_some(ended)
    }

    /// A step that is not begun, and why.
    pub(super) fn skip(&mut self, name: &str, why: impl Into<String>) {
        self.note(Step { name: name.to_owned(), outcome: Outcome::Skipped, seconds: 0.0, details: vec![why.into()] });
    }

    /// A step that went wrong before or after its process, and how.
    pub(super) fn fail(&mut self, name: &str, how: impl Into<String>) {
        self.note(Step { name: name.to_owned(), outcome: Outcome::Failed, seconds: 0.0, details: vec![how.into()] });
    }

    /// Says and keeps a step.
    fn note(&mut self, step: Step) {
        step.lines().iter().for_each(|line| (self.said)(line));
        self.steps.push(step);
    }
}

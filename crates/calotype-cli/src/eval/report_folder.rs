//! The folder that `--report` fills.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use calotype_bench::{CommandCodec, Journal, OURS, Picture, Plan, Race, Results, Speed, calotype_command, report};

use crate::eval::read;
use crate::failure::Failure;
use crate::output::{self, Existing};

/// What an interrupted run goes on from.
const JOURNAL: &str = "measured.jsonl";
/// Pictures that codecs are timed on.
const TIMED_PICTURES: usize = 4;

/// A folder of reports: new, empty, or of an earlier run.
pub struct ReportFolder {
    path: PathBuf,
}

/// Where the crops are.
pub fn crops(folder: &Path) -> PathBuf {
    folder.join("crops")
}

impl ReportFolder {
    /// Creates the folder if need be.
    ///
    /// # Errors
    /// Io; usage if it holds other things, unless they may be replaced.
    pub fn open(path: &Path, existing: Existing) -> Result<ReportFolder, Failure> {
        output::create_folder(path)?;
        let mut entries = fs::read_dir(path).map_err(|error| Failure::io(path, "list", error))?;
        if existing == Existing::Refuse && entries.next().is_some() && !path.join(JOURNAL).is_file() {
            let path = path.display();
            return Err(Failure::usage(format!("--report: {path} holds other files; name an empty folder, or give -y")));
        }
        Ok(ReportFolder { path: path.to_path_buf() })
    }

    /// What earlier runs measured.
    ///
    /// # Errors
    /// Io.
    pub fn journal(&self) -> Result<Journal, Failure> {
        Ok(Journal::open(&self.path.join(JOURNAL))?)
    }

    /// Writes the page, the JSON and the CSV.
    ///
    /// # Errors
    /// Io.
    pub fn write(&self, results: &Results) -> Result<(), Failure> {
        let page = report(results, &crops(&self.path))?;
        let write = |name: &str, text: String| output::write(&self.path.join(name), &[text.as_bytes()], Existing::Replace);
        write("results.json", results.to_json()? + "\n")?;
        write("points.csv", results.to_csv()?)?;
        write("report.html", page)
    }
}

/// Times each codec on a few pictures, ours as this very program.
///
/// # Errors
/// Those of the tools.
pub fn speeds(plan: &Plan<'_>, results: &Results, model: Option<&Path>, runs: usize) -> Result<Vec<Speed>, Failure> {
    let program = env::current_exe().map_err(|error| Failure::io(Path::new("calotype"), "find", error))?;
    let ours = calotype_command(program, &results.model_id, model);
    let count = TIMED_PICTURES.min(plan.files.len());
    let places = (0..count).map(|number| number * plan.files.len() / count);
    let pictures: Vec<Picture> = places.map(|place| read(&plan.files[place])).collect::<Result<_, _>>()?;
    let race = Race { pictures, runs, threads: rayon::current_num_threads(), journal: &plan.journal };
    let codec = |label: &str| -> Option<&CommandCodec> {
        if label == OURS { Some(&ours) } else { plan.peers.iter().find(|peer| peer.label == label) }
    };
    let qualities = results.speed_qualities().into_iter().filter_map(|(label, quality)| Some((codec(label)?, quality)));
    Ok(qualities.map(|(codec, quality)| race.time(codec, quality)).collect::<Result<_, _>>()?)
}

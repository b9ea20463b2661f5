//! Many files at once: which, where to, and how they are shared out among engines.

use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;
use std::fs;
use std::io::{self, Read};
use std::panic::{self, AssertUnwindSafe};
use std::path::{MAIN_SEPARATOR, Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread;

use calotype::{AdapterKind, Codec, EngineChoice, gpus};

use crate::amount::counted;
use crate::engine::Choice;
use crate::failure::{Failure, shown};
use crate::kind::FIRST_BYTES;
use crate::output::{self, Existing, FileId, is_pipe, is_stdout};
use crate::progress::Bar;
use crate::write_image::format_by_ending;

/// Pictures that a GPU works on at a time: one is coded by the CPU while the other is on the device.
const FILES_PER_GPU: usize = 2;

/// One file to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// What it is made of.
    pub input: PathBuf,
    /// Its name.
    pub output: PathBuf,
    /// Whether a file of this name is replaced.
    pub existing: Existing,
}

/// What the inputs are and what becomes of them.
#[derive(Clone, Copy)]
pub struct Kind<'a> {
    /// Endings that count when a folder is given.
    pub inputs: &'a [&'a str],
    /// Ending of the outputs.
    pub output: &'a str,
    /// Whether a file that begins with these bytes is such an input; of names without an ending that decides.
    pub begins: fn(&[u8]) -> bool,
    /// Whether a file that exists is such an output, and not one that was never finished.
    pub is_whole: fn(&Path) -> bool,
}

/// What to do where an output exists already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finished {
    /// Stop before any work is done.
    Refuse,
    /// `-y`
    Replace,
    /// `--resume`
    Skip,
}

impl Finished {
    /// From the flags `-y` and `--resume`.
    pub fn from_flags(overwrite: bool, resume: bool) -> Finished {
        match (overwrite, resume) {
            (true, _) => Finished::Replace,
            (false, true) => Finished::Skip,
            (false, false) => Finished::Refuse,
        }
    }

    /// Of this output.
    fn existing(self, output: &Path, kind: Kind<'_>) -> Existing {
        match self {
            Finished::Refuse => Existing::Refuse,
            Finished::Skip if !output.is_file() || (kind.is_whole)(output) => Existing::Keep,
            Finished::Skip | Finished::Replace => Existing::Replace,
        }
    }
}

/// Whether `inputs` and `output` ask for many files: several inputs, a folder, a pattern, or a folder to put them in.
pub fn is_batch(inputs: &[PathBuf], output: &Path) -> bool {
    inputs.len() > 1 || is_named_folder(output) || output.is_dir() || inputs.iter().any(|input| input.is_dir() || is_pattern(input))
}

/// A pattern, unless a file is called so.
fn is_pattern(input: &Path) -> bool {
    input.to_string_lossy().contains(['*', '?', '[']) && !input.exists()
}

/// The jobs for `inputs` (files, folders, patterns) into the folder `output`, which is created, in order and without doubles.
///
/// # Errors
/// Usage if there are none, if the output is named as a file, if two would have the same output, or if outputs exist that may neither be replaced nor skipped; io.
pub fn jobs(inputs: &[PathBuf], output: &Path, kind: Kind<'_>, finished: Finished) -> Result<Vec<Job>, Failure> {
    if inputs.iter().any(|input| is_pipe(input)) || is_stdout(output) {
        return Err(Failure::usage("-: a pipe carries one file; give files and a folder"));
    }
    if is_one_file(output, kind) {
        // Perhaps one file was meant, too, whose name is no pattern: then it is missing.
        inputs.iter().filter(|input| is_pattern(input)).try_for_each(|input| expanded(input, kind).map(drop))?;
        return Err(Failure::usage(format!("{}: the name of one file, but many are to be made; name a folder", output.display())));
    }
    let files: Vec<Vec<PathBuf>> = inputs.iter().map(|input| expanded(input, kind)).collect::<Result<_, _>>()?;
    let job = |input: PathBuf| {
        let output = output.join(output_name(&input, kind));
        Job { existing: finished.existing(&output, kind), input, output }
    };
    let jobs = distinct(files.concat().into_iter().map(job).collect())?;
    if let Some(job) = overwrites_an_input(&jobs) {
        return Err(Failure::usage(format!("{}: is one of the inputs; name another folder", job.output.display())));
    }
    output::create_folder(output)?;
    let existing = jobs.iter().filter(|job| job.output.exists()).count();
    match finished {
        Finished::Refuse if existing > 0 => {
            let (of, folder) = (jobs.len(), output.display());
            Err(Failure::usage(format!(
                "{folder}: {existing} of {of} outputs exist already; give --resume to skip them or -y to overwrite them"
            )))
        }
        Finished::Skip => {
            let again = jobs.iter().filter(|job| job.existing == Existing::Replace).count();
            if again > 0 {
                let (folder, outputs) = (output.display(), counted(again, "unfinished output"));
                output::say(&format!("calotype: note: {folder}: {outputs} made again"));
            }
            Ok(jobs.into_iter().filter(|job| job.existing == Existing::Replace || !job.output.exists()).collect())
        }
        _ => Ok(jobs),
    }
}

/// Whether it is a file, or is called like an input or an output.
fn is_one_file(output: &Path, kind: Kind<'_>) -> bool {
    let is_output = output.extension() == Some(OsStr::new(kind.output)) || format_by_ending(output).is_some();
    let is_called_so = is_output || has_ending_of(output, kind);
    !output.is_dir() && (output.exists() || is_called_so && !is_named_folder(output))
}

/// Whether the name says that it is a folder.
fn is_named_folder(output: &Path) -> bool {
    output.as_os_str().to_string_lossy().ends_with(['/', MAIN_SEPARATOR])
}

/// A job whose output is the file of any input, under this name or another.
fn overwrites_an_input(jobs: &[Job]) -> Option<&Job> {
    let inputs: HashSet<FileId> = jobs.iter().filter_map(|job| FileId::of(&job.input)).collect();
    jobs.iter().find(|job| FileId::of(&job.output).is_some_and(|output| inputs.contains(&output)))
}

fn expanded(input: &Path, kind: Kind<'_>) -> Result<Vec<PathBuf>, Failure> {
    let (files, why_none) = if input.is_dir() {
        (in_folder(input, kind)?, format!("no files there; give others of {}", kind.inputs.join(", ")))
    } else if is_pattern(input) {
        (matching(input)?, "there is no such file, and as a pattern it fits none; check the name".to_string())
    } else {
        return Ok(vec![input.to_path_buf()]);
    };
    if files.is_empty() { Err(Failure::usage(format!("{}: {why_none}", input.display()))) } else { Ok(files) }
}

/// The files of a folder whose names have the right ending, or none and the right first bytes; notes tell of right first bytes under other endings, and
/// of folders in it.
///
/// # Errors
/// Io.
pub fn in_folder(folder: &Path, kind: Kind<'_>) -> Result<Vec<PathBuf>, Failure> {
    let failed = |error| Failure::io(folder, "list", error);
    let entries = fs::read_dir(folder).map_err(failed)?.collect::<io::Result<Vec<_>>>().map_err(failed)?;
    let (folders, others): (Vec<PathBuf>, Vec<PathBuf>) = entries.into_iter().map(|entry| entry.path()).partition(|path| path.is_dir());
    if !folders.is_empty() {
        let (folder, count) = (shown(folder), counted(folders.len(), "folder"));
        output::say(&format!("calotype: note: {folder}: {count} in it left out; name folders to include their files"));
    }
    let mut paths: Vec<PathBuf> = others.into_iter().filter(|path| path.is_file()).collect();
    paths.sort();
    let (named, others): (Vec<PathBuf>, Vec<PathBuf>) = paths.into_iter().partition(|path| has_ending_of(path, kind));
    let begun = others.into_iter().filter(|path| first_bytes(path).is_ok_and(|bytes| (kind.begins)(&bytes)));
    let (nameless, passed_over): (Vec<PathBuf>, Vec<PathBuf>) = begun.partition(|path| path.extension().is_none());
    if let Some(first) = passed_over.first() {
        let more = if passed_over.len() > 1 { format!(" and {} more", passed_over.len() - 1) } else { String::new() };
        let what = "skipped for the endings of their names, though their contents fit; name them to include them";
        output::say(&format!("calotype: note: {}{more}: {what}", shown(first)));
    }
    let mut files = [named, nameless].concat();
    files.sort();
    Ok(files)
}

fn has_ending_of(path: &Path, kind: Kind<'_>) -> bool {
    let ending = path.extension().and_then(OsStr::to_str).map(str::to_ascii_lowercase);
    ending.is_some_and(|ending| kind.inputs.contains(&ending.as_str()))
}

/// The first bytes of a file, by which its kind is told.
///
/// # Errors
/// Io.
pub fn first_bytes(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(FIRST_BYTES as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Shells that do not know patterns leave them to the program.
fn matching(pattern: &Path) -> Result<Vec<PathBuf>, Failure> {
    // What is no pattern fits nothing.
    let Ok(paths) = glob::glob(&pattern.to_string_lossy()) else { return Ok(Vec::new()) };
    let paths = paths.map(|path| path.map_err(|error| Failure::io(error.path(), "list", io::Error::other(error.to_string()))));
    Ok(paths.collect::<Result<Vec<_>, _>>()?.into_iter().filter(|path| path.is_file()).collect())
}

fn output_name(input: &Path, kind: Kind<'_>) -> PathBuf {
    let mut name = input.file_stem().unwrap_or_default().to_os_string();
    name.push(".");
    name.push(kind.output);
    name.into()
}

/// An input that was named twice counts once; two inputs with one output are refused.
fn distinct(jobs: Vec<Job>) -> Result<Vec<Job>, Failure> {
    let mut seen: HashMap<PathBuf, PathBuf> = HashMap::new();
    let mut kept = Vec::with_capacity(jobs.len());
    for job in jobs {
        match seen.get(&job.output) {
            Some(other) if *other == job.input => {}
            Some(other) => {
                let (a, b, output) = (other.display(), job.input.display(), job.output.display());
                return Err(Failure::usage(format!("{a} and {b}: both would become {output}; encode them into two folders")));
            }
            None => {
                seen.insert(job.output.clone(), job.input.clone());
                kept.push(job);
            }
        }
    }
    Ok(kept)
}

/// A codec and how many files it works on at a time.
pub struct Lane {
    pub codec: Codec,
    files: usize,
}

/// The engines to share files among: that of `--engine` and `--adapter`, or with `--adapter all` the CPU and every real GPU.
///
/// # Errors
/// Engine (exit code 4) if one cannot be opened.
pub fn lanes(choice: &Choice, open: impl Fn(EngineChoice) -> Result<Codec, Failure>) -> Result<Vec<Lane>, Failure> {
    let threads = rayon::current_num_threads();
    let lane = |engine: EngineChoice, files| Ok(Lane { codec: open(engine)?, files });
    if !choice.is_all() {
        return Ok(vec![lane(choice.engine().clone(), threads)?]);
    }
    let real = gpus().into_iter().enumerate().filter(|(_, gpu)| gpu.lacks.is_none() && gpu.kind != AdapterKind::Cpu);
    let gpus = real.map(|(number, _)| lane(EngineChoice::Gpu(Some(number.to_string())), FILES_PER_GPU));
    std::iter::once(lane(EngineChoice::Cpu(None), threads)).chain(gpus).collect()
}

/// Does every job, each on the next free engine; a job that fails does not stop the others. `one` gives the pixels of its picture.
///
/// # Errors
/// If a job failed, after all were tried, with the exit code of the failed ones if they agree, else 1; they are listed on standard error.
pub fn run(
    jobs: &[Job],
    lanes: &[Lane],
    choice: &Choice,
    one: &(dyn Fn(&Codec, &Job) -> Result<u64, Failure> + Sync),
) -> Result<(), Failure> {
    let work = Work {
        jobs,
        next: AtomicUsize::new(0),
        done: AtomicUsize::new(0),
        pixels: AtomicU64::new(0),
        failed: Mutex::default(),
        bar: Bar::new(),
    };
    let worker = |codec: &Codec| while work.take(codec, one) {};
    thread::scope(|scope| {
        for lane in lanes {
            let started = |_: &usize| thread::Builder::new().spawn_scoped(scope, || worker(&lane.codec)).is_ok();
            if (0..lane.files.min(jobs.len())).take_while(started).count() == 0 {
                // No thread to be had: this one does it.
                worker(&lane.codec);
            }
        }
    });
    work.bar.finish();
    lanes.iter().for_each(|lane| choice.say(&lane.codec));
    let failed = work.failed.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
    say_failed(jobs.len(), failed, "made")?;
    output::say(&format!("{} made", counted(jobs.len(), "file")));
    Ok(())
}

/// Lists what failed of so many files, in their order, and how many are `done` all the same.
///
/// # Errors
/// If any failed, with the exit code of all of them if they agree, else 1.
pub fn say_failed(files: usize, mut failed: Vec<(usize, Failure)>, done: &str) -> Result<(), Failure> {
    if failed.is_empty() {
        return Ok(());
    }
    failed.sort_by_key(|(place, _)| *place);
    if failed.iter().any(|(_, failure)| failure.is_silent()) {
        return Err(Failure::nobody_reads());
    }
    failed.iter().for_each(|(_, failure)| output::say(&format!("calotype: {}", failure.message)));
    let message = format!("{} of {} {done}; the {} named above failed", files - failed.len(), counted(files, "file"), failed.len());
    Err(Failure { code: common_code(&failed), message })
}

/// The exit code that all failures have; that of malformed input where they differ.
fn common_code(failed: &[(usize, Failure)]) -> u8 {
    let mut codes = failed.iter().map(|(_, failure)| failure.code);
    let first = codes.next();
    first.filter(|first| codes.all(|code| code == *first)).unwrap_or(1)
}

/// What the workers share.
struct Work<'a> {
    jobs: &'a [Job],
    next: AtomicUsize,
    done: AtomicUsize,
    pixels: AtomicU64,
    failed: Mutex<Vec<(usize, Failure)>>,
    bar: Bar,
}

impl Work<'_> {
    /// Does the next job; false if there is none.
    fn take(&self, codec: &Codec, one: &(dyn Fn(&Codec, &Job) -> Result<u64, Failure> + Sync)) -> bool {
        let place = self.next.fetch_add(1, Ordering::Relaxed);
        let Some(job) = self.jobs.get(place) else { return false };
        match caught(|| one(codec, job), job) {
            Ok(pixels) => drop(self.pixels.fetch_add(pixels, Ordering::Relaxed)),
            Err(failure) => self.failed.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).push((place, failure)),
        }
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        self.bar.show_rate(done, self.jobs.len(), self.pixels.load(Ordering::Relaxed));
        true
    }
}

/// What a job gives; a fault of this program is that of one file, not of all.
fn caught<T>(one: impl FnOnce() -> Result<T, Failure>, job: &Job) -> Result<T, Failure> {
    let fault = |_| Failure { code: 4, message: format!("{}: a fault in this program stopped it; please report it", job.input.display()) };
    panic::catch_unwind(AssertUnwindSafe(one)).unwrap_or_else(|panic| Err(fault(panic)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIND: Kind<'_> = Kind {
        inputs: &["png", "jpg"],
        output: "calo",
        begins: |bytes| bytes.starts_with(b"P6"),
        is_whole: |path| fs::read(path).is_ok_and(|bytes| bytes == b"x"),
    };

    fn folder(names: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        names.iter().for_each(|name| fs::write(folder.path().join(name), b"x").unwrap());
        folder
    }

    fn names(jobs: &[Job]) -> Vec<String> {
        jobs.iter().map(|job| job.output.file_name().unwrap().to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn folders_patterns_and_files_become_jobs() {
        let images = folder(&["b.png", "a.JPG", "notes.txt", "c.gif"]);
        let out = images.path().join("out");
        let all = jobs(&[images.path().to_path_buf()], &out, KIND, Finished::Refuse).unwrap();
        assert_eq!(names(&all), ["a.calo", "b.calo"]);
        for name in ["d", "e.bak", "f.png.old"] {
            fs::write(images.path().join(name), b"P6").unwrap();
        }
        fs::write(images.path().join("g"), b"text").unwrap();
        let all = jobs(&[images.path().to_path_buf()], &out, KIND, Finished::Refuse).unwrap();
        assert_eq!(names(&all), ["a.calo", "b.calo", "d.calo"], "without an ending the first bytes decide");
        let inputs = [images.path().join("*.png"), images.path().join("b.png"), images.path().join("c.gif")];
        let some = jobs(&inputs, &out, KIND, Finished::Refuse).unwrap();
        assert_eq!(names(&some), ["b.calo", "c.calo"], "what is named is taken whatever its ending, and once");
        assert_eq!(jobs(&[images.path().join("*.bmp")], &out, KIND, Finished::Refuse).unwrap_err().code, 2);
    }

    #[test]
    fn existing_outputs_are_refused_skipped_or_replaced() {
        let images = folder(&["a.png", "b.png", "a.calo"]);
        let of = |finished| jobs(&[images.path().to_path_buf()], images.path(), KIND, finished);
        assert!(of(Finished::Refuse).unwrap_err().message.contains("1 of 2"));
        assert_eq!(names(&of(Finished::Skip).unwrap()), ["b.calo"]);
        fs::write(images.path().join("a.calo"), b"").unwrap();
        let skipped: Vec<Existing> = of(Finished::Skip).unwrap().iter().map(|job| job.existing).collect();
        assert_eq!(skipped, [Existing::Replace, Existing::Keep], "what is unfinished is made again");
        assert_eq!(names(&of(Finished::Replace).unwrap()), ["a.calo", "b.calo"]);
    }

    #[test]
    fn one_output_for_two_inputs_is_refused() {
        let images = folder(&["a.png", "a.jpg"]);
        let refused = jobs(&[images.path().to_path_buf()], &images.path().join("out"), KIND, Finished::Refuse).unwrap_err();
        assert!(refused.message.contains("a.png") && refused.message.contains("a.jpg"), "{}", refused.message);
        assert!(!images.path().join("out").exists(), "nothing was made");
    }

    #[test]
    fn what_is_a_batch() {
        let images = folder(&["a.png", "b[1].png"]);
        let path = |name: &str| images.path().join(name);
        assert!(!is_batch(&[path("a.png")], &path("a.calo")));
        assert!(!is_batch(&[path("b[1].png")], &path("a.calo")), "a file may be called so");
        assert!(!is_batch(&["-".into()], Path::new("-")));
        for (inputs, output) in [
            (vec![path("a.png"), path("b.png")], path("out")),
            (vec![images.path().to_path_buf()], path("out")),
            (vec![path("*.png")], path("out")),
            (vec![path("a.png")], images.path().to_path_buf()),
            (vec![path("a.png")], path("out/")),
        ] {
            assert!(is_batch(&inputs, &output), "{inputs:?}");
        }
    }
}

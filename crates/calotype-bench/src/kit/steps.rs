//! What a kit does, the most telling first: which devices, right results on each, kernels, speeds, many pictures at once.

use std::fs;
use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use super::cases::Share;
use super::compare::Comparison;
use super::page::kit_page;
use super::process::Ended;
use super::report::KitReport;
use super::run::{KitRun, Limit, Running, Verdict};
use crate::bench::Bench;
use crate::error::Error;
use crate::picture::Picture;
use crate::test_picture::test_picture;

/// How much there is to time.
struct Load {
    /// As `calotype bench --sizes` takes them.
    sizes: &'static str,
    /// Pictures of the batch.
    batch: usize,
}

const LOAD: Load = Load { sizes: "512x512,1920x1080,3840x2160", batch: 200 };
/// Where software stands in for hardware, which is a thousand times as fast.
const SOFTWARE_LOAD: Load = Load { sizes: "64x64,100x70", batch: 4 };
/// A picture of the batch.
const BATCH_PICTURE: (u32, u32) = (384, 256);
/// Of the drawn picture that they are cut from.
const BATCH_SHEET: (u32, u32) = (1600, 1200);
/// Of a test's message that are kept.
const MESSAGE_LINES: usize = 8;

/// A GPU that can be used.
struct Adapter {
    number: u64,
    name: String,
    software: bool,
}

/// Runs all steps for which there is time, and writes `results/results.json` and `results/report.html`.
///
/// # Errors
/// [`Error::Io`] if the results cannot be written; everything else is a failed step of the report.
pub fn run(run: &KitRun, said: &dyn Fn(&str)) -> Result<KitReport, Error> {
    let results = run.results();
    fs::create_dir_all(&results).map_err(Error::io(&results, "create"))?;
    let mut running = Running::new(run, said);
    let devices = all(&mut running);
    let report = running.report(devices);
    let json = serde_json::to_vec_pretty(&report).map_err(|error| Error::Foreign(error.into()))?;
    for (name, bytes) in [("results.json", json), ("report.html", kit_page(&report).into_bytes())] {
        let path = results.join(name);
        fs::write(&path, bytes).map_err(Error::io(&path, "write"))?;
    }
    Ok(report)
}

/// All steps for which there is time -> what `calotype devices` says.
fn all(running: &mut Running<'_>) -> Vec<String> {
    let (adapters, lines) = devices(running);
    let is_software = |adapter: &&Adapter| adapter.software && !running.run.software;
    let (software, hardware): (Vec<&Adapter>, Vec<&Adapter>) = adapters.iter().partition(is_software);
    pictures(running, None, Share::All);
    hardware.iter().for_each(|adapter| pictures(running, Some(adapter), Share::All));
    software.iter().for_each(|adapter| pictures(running, Some(adapter), Share::One));
    kernels(running, !adapters.is_empty());
    let load = if running.run.software { SOFTWARE_LOAD } else { LOAD };
    hardware.iter().for_each(|adapter| bench(running, adapter, load.sizes));
    batches(running, &hardware, load.batch);
    lines
}

/// The adapters that can be used, and one line for each device.
fn devices(running: &mut Running<'_>) -> (Vec<Adapter>, Vec<String>) {
    let mut command = running.calotype();
    command.args(["devices", "--json"]);
    let list = |ended: &Ended| serde_json::from_str::<Value>(&ended.stdout.join("\n")).ok();
    let ended = running.step("devices", Limit::seconds(1, 60), &mut command, |ended| match list(ended) {
        Some(list) => Verdict { right: true, details: device_lines(&list) },
        None => Verdict { right: false, details: vec![format!("no list of devices: {}", ended.complaint())] },
    });
    let list = ended.as_ref().and_then(list).unwrap_or_default();
    (usable(&list), device_lines(&list))
}

fn device_lines(list: &Value) -> Vec<String> {
    let text = |device: &Value, key: &str| device[key].as_str().unwrap_or_default().to_owned();
    let line = |device: &Value| match device["number"].as_u64() {
        None => format!("{} {}", text(device, "engine"), text(device, "adapter")),
        Some(number) => {
            let facts = ["backend", "driver", "kind"].map(|key| text(device, key)).join(", ");
            let lacks = device["lacks"].as_str().map_or_else(String::new, |limit| format!("; cannot be used: lacks {limit}"));
            format!("gpu {number}: {} [{facts}]{lacks}", text(device, "adapter"))
        }
    };
    list["devices"].as_array().into_iter().flatten().map(line).collect()
}

fn usable(list: &Value) -> Vec<Adapter> {
    let adapter = |device: &Value| {
        let number = device["number"].as_u64().filter(|_| device["lacks"].is_null())?;
        Some(Adapter { number, name: device["adapter"].as_str()?.to_owned(), software: device["kind"] == "software" })
    };
    list["devices"].as_array().into_iter().flatten().filter_map(adapter).collect()
}

/// The kit's pictures on an adapter, or on the CPU.
fn pictures(running: &mut Running<'_>, adapter: Option<&Adapter>, share: Share) {
    let mut command = running.calotype();
    command.args(["kit", "compare"]).arg(running.at("")).args(engine_arguments(adapter));
    if share == Share::One {
        command.arg("--one");
    }
    let (engine, name) = adapter.map_or(("cpu", "the CPU".to_owned()), |adapter| ("gpu", adapter.name.clone()));
    running.step(&format!("pictures and files on {name}"), Limit::seconds(3, 120), &mut command, |ended| judged_pictures(ended, engine));
}

/// Each line is a [`Comparison`]. The first difference, and how many cases were equal.
fn judged_pictures(ended: &Ended, engine: &str) -> Verdict {
    let cases: Vec<Comparison> = ended.stdout.iter().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let wrong = |case: &&Comparison| case.difference.is_some() || !case.engine.starts_with(engine);
    let first = cases.iter().find(wrong).map(|case| {
        let other_engine = format!("ran on {}", case.engine);
        format!("first difference: {}: {}", case.case, case.difference.as_ref().unwrap_or(&other_engine))
    });
    let differing = cases.iter().filter(wrong).count();
    let count = format!("{} of {} files and pictures are equal to the kit's", cases.len() - differing, cases.len());
    Verdict { right: first.is_none() && did_something(ended, cases.len()), details: first.into_iter().chain([count]).collect() }
}

/// A process that ends well without having done anything is not the right one.
fn did_something(ended: &Ended, count: usize) -> bool {
    count > 0 || !ended.is_success()
}

/// Every kernel against its twin, and whole engines against the CPU's, in the test binary.
fn kernels(running: &mut Running<'_>, present: bool) {
    let name = "kernels and engines against their twins";
    if !present {
        return running.skip(name, "no GPU, and no software for one");
    }
    let mut command = running.command(&running.at("bin/kernel_tests"));
    command.arg("--test-threads=1").env("CALOTYPE_REQUIRE_GPU", "1").env("CALOTYPE_TEST_MODELS", running.at("model"));
    running.step(name, Limit::seconds(10, 600), &mut command, judged_tests);
}

/// What the test harness says: "test NAME ... ok", or a panic's message after the name of its test.
fn judged_tests(ended: &Ended) -> Verdict {
    let of = |end: &str| ended.stdout.iter().filter(|line| line.starts_with("test ") && line.ends_with(end)).count();
    let (passed, failed) = (of("... ok"), of("... FAILED"));
    let running = ended.stdout.iter().find_map(|line| line.strip_prefix("running ")?.strip_suffix(" tests"));
    let first = ended.stdout.iter().position(|line| line.starts_with("thread '") && line.contains("panicked at"));
    let message = first.map(|at| ended.stdout[at..].iter().take_while(|line| !line.starts_with("note:")).cloned().collect());
    let count = format!("{passed} of {} tests passed, {failed} failed", running.unwrap_or("an unknown number of"));
    let details = message.unwrap_or_else(Vec::new).into_iter().take(MESSAGE_LINES).chain([count]).collect();
    Verdict { right: failed == 0 && did_something(ended, passed), details }
}

fn bench(running: &mut Running<'_>, adapter: &Adapter, sizes: &str) {
    let json = running.results().join(format!("bench-{}.json", adapter.number));
    let mut command = running.calotype();
    command.args(["bench", "-y", "--sizes", sizes, "--json"]).arg(&json).args(engine_arguments(Some(adapter)));
    let name = format!("speed of {}", adapter.name);
    let judge = |ended: &Ended| Verdict { right: true, details: ended.stdout.clone() };
    if running.step(&name, Limit::seconds(20, 240), &mut command, judge).is_none() {
        return;
    }
    match fs::read(&json).ok().and_then(|bytes| serde_json::from_slice::<Bench>(&bytes).ok()) {
        None => running.fail(&name, format!("{}: is not what a benchmark writes", json.display())),
        Some(bench) => {
            if !bench.engines_agree() {
                running.fail(&name, "first difference: files or pixels of the GPU are not the CPU's; see their hashes in the benchmark");
            }
            running.benches.push(bench);
        }
    }
}

/// Many pictures in one process: on the CPU, then on each adapter, whose files must be the CPU's.
fn batches(running: &mut Running<'_>, hardware: &[&Adapter], count: usize) {
    let name = format!("a batch of {count} pictures");
    if hardware.is_empty() {
        return running.skip(&name, "no hardware GPU");
    }
    let desk = match batch_desk(count) {
        Ok(desk) => desk,
        Err(error) => return running.fail(&name, error.to_string()),
    };
    if !batch(running, None, desk.path(), count) {
        return;
    }
    for adapter in hardware {
        batch(running, Some(adapter), desk.path(), count);
    }
}

/// A folder with the pictures of the batch in `in`.
fn batch_desk(count: usize) -> Result<TempDir, Error> {
    let desk = tempfile::tempdir().map_err(Error::io("temporary folder", "create"))?;
    draw_batch(&desk.path().join("in"), count)?;
    Ok(desk)
}

/// Encodes the batch of `desk` into a folder there; an adapter's files must be those in `cpu`.
fn batch(running: &mut Running<'_>, adapter: Option<&Adapter>, desk: &Path, count: usize) -> bool {
    let (name, output) = adapter.map_or(("the CPU", desk.join("cpu")), |adapter| (&adapter.name, desk.join(adapter.number.to_string())));
    let mut command = running.calotype();
    command.arg("encode").arg(desk.join("in")).arg("-o").arg(&output).args(engine_arguments(adapter));
    let judge = |ended: &Ended| match different_file(&output, &desk.join("cpu"), count) {
        Some(difference) => Verdict { right: false, details: vec![format!("first difference: {difference}")] },
        None => Verdict { right: true, details: ended.stderr.iter().chain(&ended.stdout).rev().take(1).cloned().collect() },
    };
    running.step(&format!("a batch of {count} pictures on {name}"), Limit::seconds(5, 120), &mut command, judge).is_some()
}

/// The flags that choose an adapter, or the CPU.
fn engine_arguments(adapter: Option<&Adapter>) -> Vec<String> {
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    adapter.map_or_else(|| words(&["--engine", "cpu"]), |adapter| words(&["--engine", "gpu", "--adapter", &adapter.number.to_string()]))
}

/// The first file of `truth` that `output` has not, or has otherwise.
fn different_file(output: &Path, truth: &Path, count: usize) -> Option<String> {
    let entries = fs::read_dir(truth).ok()?;
    let mut names: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.file_name())).collect();
    names.sort();
    if names.len() != count {
        return Some(format!("{} files instead of {count}", names.len()));
    }
    names.iter().find_map(|name| {
        let shown = name.to_string_lossy();
        let Ok(found) = fs::read(output.join(name)) else { return Some(format!("{shown} is missing")) };
        let expected = fs::read(truth.join(name)).ok()?;
        super::difference::of_files(&found, &expected).map(|difference| format!("{shown}: {difference}"))
    })
}

/// Windows of one drawn sheet as PPM files.
fn draw_batch(folder: &Path, count: usize) -> Result<(), Error> {
    fs::create_dir_all(folder).map_err(Error::io(folder, "create"))?;
    let sheet = test_picture(&[], BATCH_SHEET.0, BATCH_SHEET.1);
    for number in 0..count {
        let path = folder.join(format!("{number:03}.ppm"));
        fs::write(&path, window(&sheet, number).ppm()).map_err(Error::io(&path, "write"))?;
    }
    Ok(())
}

fn window(sheet: &Picture, number: usize) -> Picture {
    let (width, height) = BATCH_PICTURE;
    let left = number * 37 % (sheet.width - width) as usize;
    let top = number * 23 % (sheet.height - height) as usize;
    let row = |y: usize| {
        let at = 3 * ((top + y) * sheet.width as usize + left);
        &sheet.rgb[at..at + 3 * width as usize]
    };
    let rgb = (0..height as usize).flat_map(row).copied().collect();
    Picture { name: format!("{number:03}"), width, height, rgb, whole: None }
}

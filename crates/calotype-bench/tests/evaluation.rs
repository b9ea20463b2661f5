//! A whole evaluation over drawn pictures, with another codec's tools played by shell scripts.
#![cfg(unix)]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use calotype::{Codec, EncodeOptions, EngineChoice};
use calotype_bench::{Bench, BenchOptions, Named, Race, RaceBench, bench_engine, bench_page, test_picture};
use calotype_bench::{
    CommandCodec, Container, Crop, Curve, Error, Hooks, Journal, Picture, Plan, Results, crops, find_peer, measure, report,
};
use html5gum::{Token, Tokenizer};
use serde_json::Value;
use tempfile::TempDir;

/// A codec that stores pictures as they are, and notes each of its runs in a file.
struct Fake {
    folder: TempDir,
}

impl Fake {
    fn new() -> Fake {
        let fake = Fake { folder: tempfile::tempdir().unwrap() };
        // Sizes must differ from quality to quality, as those of a codec do.
        fake.script("encoder", "echo run >> \"$(dirname \"$0\")/runs\"; cp \"$1\" \"$2\"; head -c \"$3\" /dev/zero >> \"$2\"");
        fake.script("decoder", "cp \"$1\" \"$2\"");
        fake
    }

    fn script(&self, name: &str, body: &str) {
        let path = self.folder.path().join(name);
        fs::write(&path, format!("#!/bin/sh\n{body}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn runs(&self) -> usize {
        fs::read_to_string(self.folder.path().join("runs")).map_or(0, |runs| runs.lines().count())
    }

    fn codec(&self) -> CommandCodec {
        CommandCodec {
            label: "fake <&>".to_string(),
            version: "fake 1".to_string(),
            encoder: self.folder.path().join("encoder"),
            decoder: self.folder.path().join("decoder"),
            encode: "{in} {out} {q}".to_string(),
            decode: "{in} {out}".to_string(),
            more: Vec::new(),
            container: Container::Ppm,
            ending: "fake".to_string(),
            qualities: vec![1.0, 1000.0, 5000.0],
            fine: vec![1.0, 10.0, 100.0],
        }
    }
}

fn drawn(path: &Path) -> Picture {
    let name = path.display().to_string();
    let (width, height) = if name == "a" { (200_u32, 180_u32) } else { (64, 48) };
    let sample = |i: u32| ((i / 3 % width).wrapping_mul(i / 3 / width / 2) / 16 + i % 3 * 40) as u8;
    Picture { name, width, height, rgb: (0..width * height * 3).map(sample).collect(), whole: None }
}

/// Runs an evaluation of the pictures a and b, and counts steps.
fn evaluate(fake: &Fake, journal: Journal, folder: &Path) -> (Results, Vec<Crop>, usize) {
    let steps = AtomicUsize::new(0);
    let hooks = Hooks {
        read: &|path| Ok(drawn(path)),
        keep: None,
        progress: &|progress| {
            steps.fetch_max(progress.done, Ordering::Relaxed);
        },
    };
    let plan = Plan {
        files: vec![PathBuf::from("a"), PathBuf::from("b")],
        qualities: vec![10.0, 50.0, 90.0],
        options: EncodeOptions::default(),
        peers: vec![fake.codec()],
        journal,
        engine: "test".to_string(),
        hooks,
    };
    let codec = Codec::new(EngineChoice::Cpu(None)).unwrap();
    let images = measure(&codec, &plan).unwrap().images;
    let published = Curve {
        source: None,
        bpp: vec![0.1, 100.0],
        psnr_rgb: Some(vec![1.0, 99.0]),
        ms_ssim: None,
        ms_ssim_unit: None,
        ssimulacra2: None,
    };
    let mut results = Results::new(&codec, &plan, images, BTreeMap::from([("published".to_string(), published)]));
    results.crops = crops(&codec, &plan, folder, 1).unwrap();
    let crops = results.crops.clone();
    (results, crops, steps.into_inner())
}

#[test]
fn an_interrupted_run_goes_on_without_doing_anything_twice() {
    let (fake, folder) = (Fake::new(), tempfile::tempdir().unwrap());
    let journal = || Journal::open(&folder.path().join("measured.jsonl")).unwrap();
    let (first, _, steps) = evaluate(&fake, journal(), folder.path());
    assert_eq!(steps, 12, "two pictures at three qualities of two codecs");
    let runs = fake.runs();
    assert!(runs > 6, "six measurements, and more for the crops");
    let (again, _, _) = evaluate(&fake, journal(), folder.path());
    assert_eq!(fake.runs(), runs, "nothing ran again");
    assert_eq!(again.to_json().unwrap(), first.to_json().unwrap(), "times included: nothing of ours ran again either");
    // Half of the lines, the last one torn: the rest is measured again, and nothing else.
    let text = fs::read_to_string(folder.path().join("measured.jsonl")).unwrap();
    let kept: Vec<&str> = text.lines().collect();
    let half = kept[..kept.len() / 2].join("\n") + "\n{\"key\":";
    let lost = kept[kept.len() / 2..].iter().filter(|line| line.contains("|fake 1|") && !line.contains("crops")).count();
    let crops_lost = kept[kept.len() / 2..].iter().any(|line| line.contains("\"crops 1|"));
    fs::write(folder.path().join("measured.jsonl"), half).unwrap();
    evaluate(&fake, journal(), folder.path());
    assert_eq!(fake.runs() - runs, lost + if crops_lost { runs - 6 } else { 0 });
}

#[test]
fn the_page_is_well_formed_and_says_what_the_json_says() {
    let (fake, folder) = (Fake::new(), tempfile::tempdir().unwrap());
    let (mut results, crops, _) = evaluate(&fake, Journal::default(), folder.path());
    results.skipped = vec!["jxl".to_string()];
    assert_eq!(crops.len(), 3);
    assert_eq!(crops[0].cells.len(), 2);
    let page = report(&results, folder.path()).unwrap();
    let json: Value = serde_json::from_str(&results.to_json().unwrap()).unwrap();
    let checked = check_page(&page, &json).unwrap();
    assert!(checked > 30, "{checked} numbers");
    assert!(page.contains("missing: jxl") && page.contains("fake &lt;&amp;&gt;") && !page.contains("fake <&>"));
    assert!(!page.contains("src=\"http") && !page.contains("href="), "nothing is loaded from elsewhere");
    // The checker can fail: a number changed, a tag lost.
    let bpp = format!("{:.4}", results.means[0].bpp);
    assert!(check_page(&page.replacen(&format!(">{bpp}<"), ">9.9999<", 1), &json).is_err());
    assert!(check_page(&page.replacen("</table>", "", 1), &json).is_err());
}

/// Every tag closed in order, every number with a pointer equal to the JSON's. The count of numbers, or what is wrong.
fn check_page(page: &str, json: &Value) -> Result<usize, String> {
    let (mut open, mut pointer, mut numbers) = (Vec::<String>::new(), None::<(String, usize)>, 0);
    for token in Tokenizer::new(page) {
        match token.map_err(|error| format!("{error:?}"))? {
            Token::StartTag(tag) => {
                let attribute = |name: &[u8]| tag.attributes.get(name).map(|value| String::from_utf8_lossy(value).into_owned());
                if let (Some(at), Some(decimals)) = (attribute(b"data-json"), attribute(b"data-decimals")) {
                    pointer = Some((at, decimals.parse().map_err(|_| "decimals".to_string())?));
                }
                let name = String::from_utf8_lossy(&tag.name).into_owned();
                if !["meta", "img", "br"].contains(&name.as_str()) {
                    open.push(name);
                }
            }
            Token::EndTag(tag) => {
                let name = String::from_utf8_lossy(&tag.name).into_owned();
                let last = open.pop();
                if last.as_deref() != Some(&name) {
                    return Err(format!("</{name}> closes {last:?}"));
                }
            }
            Token::String(text) => {
                if let Some((at, decimals)) = pointer.take() {
                    let value = json.pointer(&at).and_then(Value::as_f64).ok_or_else(|| format!("{at}: no number"))?;
                    let shown = String::from_utf8_lossy(&text).into_owned();
                    if ![format!("{value:.decimals$}"), format!("{value:+.decimals$}")].contains(&shown) {
                        return Err(format!("{at} is {value}, the page says {shown}"));
                    }
                    numbers += 1;
                }
            }
            _ => {}
        }
    }
    if open.is_empty() { Ok(numbers) } else { Err(format!("still open: {open:?}")) }
}

#[test]
fn the_page_of_a_benchmark_says_what_its_json_says() {
    let options = BenchOptions { encode: EncodeOptions::default(), runs: 2 };
    let codec = Codec::new(EngineChoice::Cpu(None)).unwrap();
    let picture = test_picture(&[drawn(Path::new("a"))], 90, 70);
    let mut bench = Bench::new(codec.model_id().to_string(), &options);
    bench.engines.push(bench_engine(&codec, None, std::slice::from_ref(&picture), &options).unwrap());
    let (fake, journal) = (Fake::new(), Journal::default());
    let race = Race { pictures: vec![picture], runs: 2, threads: 1, journal: &journal };
    bench.races.push(RaceBench { picture: "90x70".to_string(), speeds: vec![race.time(&fake.codec(), 1.0).unwrap()] });
    let json = serde_json::to_value(&bench).unwrap();
    let alone = check_page(&bench_page(&[Named { name: "alone", bench: &bench }]), &json).unwrap();
    assert!(alone > 40, "{alone} numbers: sizes, phases, kernels, races");
    let mut other = bench.clone();
    assert!(other.engines_agree());
    other.engines.push(bench.engines[0].clone());
    other.engines[1].sizes[0].rgb_sha256 = "another".to_string();
    assert!(!other.engines_agree());
    let page = bench_page(&[Named { name: "one", bench: &bench }, Named { name: "two", bench: &other }]);
    assert!(check_page(&page, &serde_json::json!([bench, other])).unwrap() > 2 * alone);
    assert!(page.contains("engines of two do NOT agree") && !page.contains("engines of one do NOT"));
}

#[test]
fn csv_holds_every_point() {
    let (fake, folder) = (Fake::new(), tempfile::tempdir().unwrap());
    let (results, ..) = evaluate(&fake, Journal::default(), folder.path());
    let csv = results.to_csv().unwrap();
    assert_eq!(csv.lines().count(), 1 + 12);
    let line = csv.lines().find(|line| line.starts_with("a,fake <&>,1000,")).unwrap();
    assert!(line.starts_with("a,fake <&>,1000,109015,"), "{line}: 15 bytes of heading, 108,000 of pixels, 1,000 more");
    assert!(line.contains(",100,1,100") || line.contains(",100,0.99"), "{line}: nothing is lost");
}

#[test]
fn a_tool_that_fails_is_named() {
    let fake = Fake::new();
    fake.script("decoder", "echo out of paint >&2; exit 3");
    let picture = drawn(Path::new("b"));
    let codec = fake.codec();
    let desk = calotype_bench::Desk::new(&picture, &[&codec]).unwrap();
    let Err(error @ Error::Tool { .. }) = desk.round_trip(&codec, 1.0, 1) else { panic!("it failed") };
    assert!(error.to_string().contains("decoder") && error.to_string().contains("out of paint"), "{error}");
    fake.script("decoder", "printf 'P6 1 1 255\\nabc' > \"$2\"");
    let Err(error) = desk.round_trip(&codec, 1.0, 1) else { panic!("another size") };
    assert!(error.to_string().contains("(1, 1)"), "{error}");
}

#[test]
fn peers_tell_their_version() {
    let fake = Fake::new();
    fake.script("cjpeg", "echo libfake version 7 >&2; exit 1");
    fake.script("djpeg", "");
    let peer = find_peer("jpeg", &[PathBuf::from("/nowhere"), fake.folder.path().to_path_buf()]).unwrap();
    assert_eq!(peer.version, "cjpeg libfake version 7");
    assert!(peer.settings().starts_with("cjpeg -quality {q}"));
}

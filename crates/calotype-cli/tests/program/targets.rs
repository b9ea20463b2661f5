//! Targets that no quality meets closely: what is said, and what `--json` has of it.

use serde_json::{Value, json};

use crate::harness::{Desk, ppm};

/// Runs `line` with `--json`; returns the object and the notes on standard error, without their beginning.
fn noted(desk: &Desk, line: &str, file: &str) -> (Value, Vec<String>) {
    let run = desk.run(&format!("{line} -y --json"));
    assert_eq!(run.code, 0, "{line}: {}", run.stderr);
    let begin = format!("calotype: note: {file}: ");
    let notes = run.stderr.lines().map(|said| said.strip_prefix(&begin).unwrap_or_else(|| panic!("{said}")).to_string());
    let object: Value = serde_json::from_slice(&run.stdout).unwrap();
    let notes: Vec<String> = notes.collect();
    assert_eq!(object["notes"], json!(notes), "{line}");
    (object, notes)
}

#[test]
fn an_end_of_the_scale_that_does_better_is_told() {
    let desk = Desk::new();
    desk.write("in.ppm", &ppm(90, 70));
    let [lowest, highest] = [0, 100].map(|quality| desk.json(&format!("encode in.ppm -o end.calo -y -q {quality} --json")));
    let psnr = lowest["psnr_db"].as_f64().unwrap();
    let bytes = highest["bytes"].as_u64().unwrap();
    let bpp = 8.0 * bytes as f64 / (90.0 * 70.0);
    let cases = [
        (format!("--target-psnr {}", psnr - 1.0), &lowest, format!("the lowest quality already gives {psnr:.3} dB"), "psnr_db", psnr),
        ("--target-size 1000000".to_string(), &highest, format!("the highest quality takes only {bytes} bytes"), "bytes", bytes as f64),
        ("--target-bpp 90".to_string(), &highest, format!("the highest quality takes only {bpp:.3} bpp"), "bpp", bpp),
    ];
    for (flag, end, said, measure, reached) in cases {
        let (hit, notes) = noted(&desk, &format!("encode in.ppm -o a.calo {flag}"), "in.ppm");
        assert_eq!((&hit["quality"], &hit["bytes"]), (&end["quality"], &end["bytes"]), "{flag}");
        assert_eq!(notes, [format!("{flag}: {said}")]);
        assert_eq!(hit["target"]["measure"], measure);
        assert_eq!(hit["target"]["asked"].as_f64().unwrap(), flag.split(' ').nth(1).unwrap().parse::<f64>().unwrap());
        assert!((hit["target"]["reached"].as_f64().unwrap() - reached).abs() < 1e-9, "{hit}");
    }
    let (hit, notes) = noted(&desk, "encode in.ppm -o a.calo --target-ssimulacra2 0.001", "in.ppm");
    let reached = hit["target"]["reached"].as_f64().unwrap();
    assert_eq!((hit["quality"].clone(), reached > 1.0), (lowest["quality"].clone(), true), "{hit}");
    assert_eq!(notes, [format!("--target-ssimulacra2 0.001: the lowest quality already gives {reached:.3}")]);
}

#[test]
fn what_is_met_has_no_note() {
    let desk = Desk::new();
    for line in ["--target-size 6kB", "--target-bpp 0.4", "--target-psnr 36", "--target-ssimulacra2 70"] {
        let (hit, notes) = noted(&desk, &format!("encode SAMPLE -o a.calo {line}"), "SAMPLE");
        assert!(notes.is_empty(), "{line}: {notes:?}");
        let [asked, reached] = ["asked", "reached"].map(|name| hit["target"][name].as_f64().unwrap());
        match hit["target"]["measure"].as_str().unwrap() {
            "bytes" => assert_eq!(hit["bytes"].as_f64().unwrap(), reached),
            "bpp" => assert!((hit["bpp"].as_f64().unwrap() - reached).abs() < 1e-12),
            "psnr_db" => assert!((hit["psnr_db"].as_f64().unwrap() - reached).abs() < 1e-9),
            measure => assert_eq!(measure, "ssimulacra2"),
        }
        let window = if line.contains("size") || line.contains("bpp") { 0.9799 * asked..=asked } else { asked..=asked + 0.5 };
        assert!(window.contains(&reached), "{hit}");
    }
    assert!(desk.json("encode SAMPLE -o b.calo --json").get("target").is_none());
}

/// Small files are counted, not estimated: the estimate is some bytes off, which is much of them.
#[test]
fn every_size_of_a_small_file_is_met_or_the_nearest() {
    let desk = Desk::new();
    desk.write("in.ppm", &ppm(40, 30));
    let [least, most] =
        [0, 100].map(|quality| desk.json(&format!("encode in.ppm -o end.calo -y -q {quality} --json"))["bytes"].as_u64().unwrap());
    for target in [least, least + 1, least + 7, (least + most) / 2, most - 1, most] {
        let hit = desk.json(&format!("encode in.ppm -o a.calo -y --target-size {target} --json"));
        let bytes = hit["bytes"].as_u64().unwrap();
        assert!(bytes <= target && bytes * 100 + 100 >= target * 98, "{target}: {hit}");
    }
    desk.refused(&format!("encode in.ppm -o b.calo --target-size {}", least - 1), 2, &format!("this picture allows is {least} bytes"));
}

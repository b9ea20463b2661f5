//! The kit for machines with a GPU: filled, run, and found out when it is damaged.

use serde_json::Value;

use crate::harness::Desk;

/// A desk with a kit but for its kernel tests: model, pictures, expected files.
fn kit() -> Desk {
    let desk = Desk::new();
    std::fs::create_dir_all(desk.path("kit/model")).unwrap();
    for part in ["decoder", "encoder"] {
        let model = concat!(env!("CARGO_MANIFEST_DIR"), "/../../assets/models/fast");
        std::fs::copy(format!("{model}.{part}.safetensors"), desk.path(&format!("kit/model/fast.{part}.safetensors"))).unwrap();
    }
    let run = desk.run("kit fill kit --engine cpu --model kit/model/fast.decoder.safetensors");
    assert_eq!(run.code, 0, "{}", run.stderr);
    desk
}

fn steps(desk: &Desk) -> Vec<(String, String, String)> {
    let report: Value = serde_json::from_slice(&desk.read("kit/results/results.json")).unwrap();
    let text = |step: &Value, key: &str| step[key].as_str().unwrap().to_owned();
    let details =
        |step: &Value| step["details"].as_array().unwrap().iter().map(|line| line.as_str().unwrap()).collect::<Vec<_>>().join("\n");
    report["steps"].as_array().unwrap().iter().map(|step| (text(step, "name"), text(step, "outcome"), details(step))).collect()
}

fn step<'a>(steps: &'a [(String, String, String)], name: &str) -> (&'a str, &'a str) {
    let (_, outcome, details) = steps.iter().find(|(found, ..)| found == name).unwrap_or_else(|| panic!("no {name} in {steps:?}"));
    (outcome, details)
}

/// Turns one bit of a file's last byte, which is a weight's or a table's.
fn flip_last_bit(desk: &Desk, name: &str) {
    let mut bytes = desk.read(name);
    *bytes.last_mut().unwrap() ^= 1;
    desk.write(name, &bytes);
}

#[test]
fn one_engine_against_the_files_of_a_kit() {
    let desk = kit();
    let compare = |more: &str| {
        let run = desk.run(&format!("kit compare kit --engine cpu --model kit/model/fast.decoder.safetensors {more}"));
        assert_eq!(run.code, 0, "{}", run.stderr);
        let text = String::from_utf8(run.stdout).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect::<Vec<Value>>()
    };
    let cases = compare("");
    assert_eq!(cases.len(), 18);
    assert!(cases.iter().all(|case| case["difference"].is_null() && case["engine"].as_str().unwrap().starts_with("cpu ")), "{cases:?}");
    assert_eq!(compare("--one").len(), 1);
    flip_last_bit(&desk, "kit/expected/97x61-q5-tile1024.ppm");
    let told = compare("--one")[0]["difference"].as_str().unwrap().to_owned();
    assert!(told.starts_with("pixels: x 96, y 60 is (") && told.ends_with("1 of 17751 samples differ, by at most 1"), "{told}");
}

/// Without any adapter the CPU is checked, and the rest says why it is not done.
#[test]
fn a_run_says_what_it_did_and_what_not() {
    let desk = kit().with_environment("VK_DRIVER_FILES", "/nowhere".into());
    let run = desk.run("kit run kit --seconds 3600 --model kit/model/fast.decoder.safetensors");
    assert_eq!(run.code, 0, "{}", run.stderr);
    let done = steps(&desk);
    assert_eq!(step(&done, "devices").0, "passed");
    assert_eq!(step(&done, "pictures and files on the CPU"), ("passed", "18 of 18 files and pictures are equal to the kit's"));
    assert_eq!(step(&done, "kernels and engines against their twins"), ("skipped", "no GPU, and no software for one"));
    assert_eq!(step(&done, "a batch of 200 pictures"), ("skipped", "no hardware GPU"));
    assert!(run.stderr.contains("18 of 18"), "{}", run.stderr);
    let page = String::from_utf8(desk.read("kit/results/report.html")).unwrap();
    assert!(page.ends_with("</html>") && page.contains("18 of 18"));
}

/// Every step, with adapters of software in place of hardware, and a program that looks like kernel tests.
#[cfg(unix)]
#[test]
fn all_steps_run_on_software_in_place_of_hardware() {
    use std::os::unix::fs::PermissionsExt;
    let desk = kit();
    std::fs::create_dir_all(desk.path("kit/bin")).unwrap();
    desk.write("kit/bin/kernel_tests", b"#!/bin/sh\necho 'running 2 tests'\necho 'test a ... ok'\necho 'test b ... ok'\n");
    std::fs::set_permissions(desk.path("kit/bin/kernel_tests"), std::fs::Permissions::from_mode(0o755)).unwrap();
    let run = desk.run("kit run kit --software --seconds 3600 --model kit/model/fast.decoder.safetensors");
    assert_eq!(run.code, 0, "{}", run.stderr);
    let report: Value = serde_json::from_slice(&desk.read("kit/results/results.json")).unwrap();
    let adapters = report["devices"].as_array().unwrap().iter().filter(|line| line.as_str().unwrap().starts_with("gpu ")).count();
    assert!(adapters > 0 || std::env::var("CALOTYPE_REQUIRE_GPU").as_deref() != Ok("1"), "no adapter, and CALOTYPE_REQUIRE_GPU=1");
    assert_eq!(report["benches"].as_array().unwrap().len(), adapters);
    let steps = steps(&desk);
    let passed = |words: &str| steps.iter().filter(|(name, outcome, _)| name.contains(words) && outcome == "passed").count();
    assert_eq!([passed("speed of"), passed("pictures and files on")], [adapters, adapters + 1], "{steps:?}");
    if adapters > 0 {
        assert_eq!(passed("a batch of 4 pictures on"), adapters + 1, "{steps:?}");
        assert_eq!(step(&steps, "kernels and engines against their twins"), ("passed", "2 of 2 tests passed, 0 failed"));
    }
}

/// A test binary that tests nothing, and one whose test fails, where there is an adapter to test.
#[cfg(unix)]
#[test]
fn kernel_tests_that_fail_or_do_nothing_are_found_out() {
    use std::os::unix::fs::PermissionsExt;
    let desk = kit();
    std::fs::create_dir_all(desk.path("kit/bin")).unwrap();
    let panic = "thread 'twins::a' panicked at src/a.rs:1:\nassertion failed: bit 7";
    let scripts = [
        ("exit 0", "0 of an unknown number of tests passed, 0 failed"),
        (&format!("echo 'running 1 tests'; echo 'test twins::a ... FAILED'; echo \"{panic}\"; exit 101"), "assertion failed: bit 7"),
    ];
    for (script, words) in scripts {
        desk.write("kit/bin/kernel_tests", format!("#!/bin/sh\n{script}\n").as_bytes());
        std::fs::set_permissions(desk.path("kit/bin/kernel_tests"), std::fs::Permissions::from_mode(0o755)).unwrap();
        let run = desk.run("kit run kit --seconds 3600 --model kit/model/fast.decoder.safetensors");
        let steps = steps(&desk);
        let (outcome, details) = step(&steps, "kernels and engines against their twins");
        if outcome != "skipped" {
            assert_eq!((run.code, outcome), (1, "failed"), "{steps:?}");
            assert!(details.contains(words), "{details}");
        }
    }
}

#[test]
fn a_run_without_time_begins_nothing() {
    let desk = kit();
    let run = desk.run("kit run kit --seconds 0 --model kit/model/fast.decoder.safetensors");
    assert_eq!(run.code, 0, "{}", run.stderr);
    let steps = steps(&desk);
    assert!(!steps.is_empty() && steps.iter().all(|(_, outcome, _)| outcome == "skipped"), "{steps:?}");
    assert_eq!(step(&steps, "devices").1, "0 s left, needs about 1 s");
}

#[test]
fn a_damaged_model_is_found_out() {
    let desk = kit().with_environment("VK_DRIVER_FILES", "/nowhere".into());
    let broken = |name: &str, words: &str| {
        let (path, whole) = (format!("kit/model/{name}"), desk.read(&format!("kit/model/{name}")));
        flip_last_bit(&desk, &path);
        let run = desk.run("kit run kit --seconds 3600 --model kit/model/fast.decoder.safetensors");
        assert_eq!(run.code, 1, "{}", run.stderr);
        assert!(run.stderr.contains("FAILED") && run.stderr.contains(words), "{}", run.stderr);
        desk.write(&path, &whole);
    };
    broken("fast.decoder.safetensors", "model id is ");
    broken("fast.encoder.safetensors", "first difference: ");
}

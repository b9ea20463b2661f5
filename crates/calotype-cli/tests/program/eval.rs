//! `calotype eval` over a small folder.

use serde_json::Value;

use crate::harness::{Desk, sample};

fn desk_with_images() -> Desk {
    let desk = Desk::new();
    std::fs::create_dir(desk.path("in")).unwrap();
    for name in ["SAMPLE.png", "odd-97x61.png"] {
        std::fs::copy(sample(name), desk.path("in").join(name)).unwrap();
    }
    desk.write("in/notes.txt", b"not an image by its name");
    desk.write(
        "curves.json",
        br#"{"a": {"bpp": [0.001, 200], "psnr_rgb": [1, 99], "ms_ssim": null}, "b": {"bpp": [1], "psnr_rgb": [30]}}"#,
    );
    desk
}

/// The remedy names the flag that is in the way.
#[test]
fn existing_results_are_refused_before_the_work() {
    let desk = desk_with_images();
    desk.write("out.json", b"results");
    desk.write("page.html", b"a page");
    desk.refused("eval in -q 50 --json out.json", 2, "out.json: exists already; give -y to overwrite it, or another --json");
    desk.refused("bench --json out.json", 2, "out.json: exists already; give -y to overwrite it, or another --json");
    desk.refused("bench --report page.html", 2, "page.html: exists already; give -y to overwrite it, or another --report");
    std::fs::create_dir(desk.path("kept")).unwrap();
    desk.write("kept/SAMPLE.png.q50.calo", b"kept");
    desk.refused("eval in -q 50 --keep kept", 2, "SAMPLE.png.q50.calo: exists already; give -y to overwrite it, or another --keep");
}

#[test]
fn results_hold_every_measurement_and_the_curves() {
    let desk = desk_with_images();
    let run = desk.run("eval in -q 80,30,50 --json out.json --against curves.json a --keep kept");
    assert_eq!(run.code, 0, "{}", run.stderr);
    let results: Value = serde_json::from_slice(&desk.read("out.json")).unwrap();
    assert_eq!(results["qualities"], serde_json::json!([30.0, 50.0, 80.0]));
    let image = &results["images"][0];
    assert_eq!(image["file"], "SAMPLE.png");
    for field in ["bytes", "bpp", "psnr_db", "ms_ssim", "cross_entropy_bits", "encode_ms", "decode_ms"] {
        assert!(image["points"][2][field].is_number(), "{field}");
    }
    assert!(results["images"][1]["points"][0]["ms_ssim"].is_null(), "97x61 is too small for five scales");
    assert_eq!(results["curves"]["a"]["bpp"][1], 200.0);
    assert!(results["worst_rate"]["of_bound"].is_number());
    assert!(results["bd_rate"][0]["percent"].is_number(), "{}", results["bd_rate"]);
    let calo = std::fs::read(desk.path("kept/SAMPLE.png.q50.calo")).unwrap();
    assert_eq!(image["points"][1]["bytes"], calo.len());
    assert!(desk.path("kept/odd-97x61.png.q80.png").is_file());
    let table = String::from_utf8(run.stdout).unwrap();
    assert!(table.contains("BD-rate psnr_rgb") && table.contains("against a"), "{table}");
}

#[test]
fn fineness_stands_for_quality() {
    let desk = desk_with_images();
    let run = desk.run("eval in --fineness 16128,0,8064 --json out.json --keep kept");
    assert_eq!(run.code, 0, "{}", run.stderr);
    let results: Value = serde_json::from_slice(&desk.read("out.json")).unwrap();
    for (place, fineness) in [0, 8064, 16128].into_iter().enumerate() {
        let quality = results["qualities"][place].as_f64().unwrap();
        let info = desk.json(&format!("info kept/SAMPLE.png.q{quality}.calo --json"));
        assert_eq!((info["fineness"].as_u64(), info["quality"].as_f64()), (Some(fineness), Some(quality)));
    }
    for (line, words) in [("eval in --fineness 16129", "16129 is not in 0..=16128"), ("eval in --fineness 5 -q 5", "cannot be used with")] {
        let run = desk.run(line);
        assert!(run.code == 2 && run.stderr.contains(words), "{}", run.stderr);
    }
}

#[test]
fn refusals() {
    let desk = desk_with_images();
    desk.refused("eval nowhere", 5, "nowhere");
    std::fs::create_dir(desk.path("empty")).unwrap();
    desk.refused("eval empty", 2, "no images");
    desk.refused("eval in --against curves.json z", 2, "\"a\", \"b\"");
    desk.refused("eval in --against in/notes.txt z", 1, "notes.txt");
    desk.refused("eval in --json curves.json", 2, "-y");
}

/// A cjpeg that stores pictures, with some bytes more for a better quality, and says so in a file; and its djpeg.
#[cfg(unix)]
pub fn fake_jpeg(desk: &Desk) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::create_dir(desk.path("tools")).unwrap();
    let note = desk.path("runs").display().to_string();
    let cjpeg = format!(
        "[ $# = 1 ] && echo fake 7 && exit\necho $2 >> {note}\n/bin/cp \"$8\" \"$7\"\n/usr/bin/head -c ${{2}}0 /dev/zero >> \"$7\""
    );
    for (name, body) in [("cjpeg", cjpeg.as_str()), ("djpeg", "/bin/cp \"$3\" \"$2\"")] {
        let path = desk.path("tools").join(name);
        std::fs::write(&path, format!("#!/bin/sh\n{body}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
}

#[cfg(unix)]
#[test]
fn codecs_of_a_file_are_compared_with() {
    let desk = desk_with_images();
    fake_jpeg(&desk);
    let codec = r#"[[codec]]
        name = "mine"
        encoder = "tools/cjpeg"
        decoder = "tools/djpeg"
        version = "-version"
        encode = "-quality {q} -optimize -sample 2x2 -outfile {out} {in}"
        decode = "-outfile {out} {in}"
        container = "ppm"
        ending = "jpg"
        qualities = [10, 90]
    "#;
    desk.write("peers.toml", codec.as_bytes());
    let run = desk.run("eval in -q 30,80 --peers-file peers.toml --json results.json");
    assert_eq!(run.code, 0, "{}", run.stderr);
    let results: Value = serde_json::from_slice(&desk.read("results.json")).unwrap();
    assert_eq!((&results["codecs"][0]["label"], &results["codecs"][0]["version"]), (&"mine".into(), &"cjpeg fake 7".into()));
    assert_eq!(results["curves"]["mine"]["bpp"].as_array().unwrap().len(), 2);
    desk.write("peers.toml", codec.replace("tools/cjpeg", "tools/absent").as_bytes());
    desk.refused("eval in -q 30 --peers-file peers.toml", 5, "tools/absent");
    desk.write("peers.toml", codec.replace("{q}", "50").as_bytes());
    desk.refused("eval in -q 30 --peers-file peers.toml", 1, "peers.toml");
}

#[cfg(unix)]
#[test]
fn a_report_compares_times_and_resumes() {
    let desk = desk_with_images();
    fake_jpeg(&desk);
    let line = "eval in -q 30,80 --compare jpeg,jxl --report out --speed-runs 1 --crops 1 --against curves.json a";
    let run = desk.run_on_path(line, "tools");
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(run.stderr.contains("jxl") && run.stderr.contains("skipped"), "{}", run.stderr);
    let results: Value = serde_json::from_slice(&desk.read("out/results.json")).unwrap();
    assert_eq!(results["skipped"], serde_json::json!(["jxl"]));
    assert_eq!(results["codecs"][0]["version"], "cjpeg fake 7");
    assert_eq!(results["images"][1]["peers"]["jpeg-turbo-420-optimized"].as_array().unwrap().len(), 11);
    assert_eq!(results["speed"][0]["codec"], "calotype");
    assert!(results["speed"][0]["decode_mp_per_s"].as_f64().unwrap() > 0.0);
    assert_eq!(results["pairs"].as_array().unwrap().len(), 3 * 2 * 3);
    assert_eq!(results["crops"].as_array().unwrap().len(), 3);
    let page = String::from_utf8(desk.read("out/report.html")).unwrap();
    assert!(page.contains("missing: jxl") && page.contains("data:image/png;base64,"));
    let runs = desk.read("runs").len();
    assert_eq!(desk.run_on_path(line, "tools").code, 0, "the folder may be filled again");
    assert_eq!(desk.read("runs").len(), runs, "nothing ran again");
    assert_eq!(serde_json::from_slice::<Value>(&desk.read("out/results.json")).unwrap(), results);
    desk.refused("eval in --report in", 2, "other files");
    desk.refused("eval in --compare bpg", 2, "jpeg, webp, avif, jxl");
}

/// What cannot be read is named at the end, and is in no mean.
#[test]
fn damaged_pictures_are_left_out() {
    let desk = desk_with_images();
    assert_eq!(desk.run("eval in -q 50 --json whole.json").code, 0);
    desk.write("in/half.ppm", b"P6 20 20 255\nshort");
    desk.write("in/text.png", b"no picture");
    let run = desk.run("eval in -q 50 --json out.json --report page --speed-runs 1");
    let said: Vec<&str> = run.stderr.lines().collect();
    assert_eq!((run.code, said.len()), (1, 3), "{}", run.stderr);
    assert!(
        said[0].starts_with("calotype: in/half.ppm: is a damaged image") && said[1].starts_with("calotype: in/text.png: is not an image")
    );
    assert_eq!(said[2], "calotype: 2 of 4 files measured; the 2 named above failed");
    let table = String::from_utf8(run.stdout).unwrap();
    assert!(table.starts_with("2 images (2 left out), model "), "{table}");
    let [whole, rest] = ["whole.json", "out.json"].map(|name| serde_json::from_slice::<Value>(&desk.read(name)).unwrap());
    assert_eq!(rest["left_out"], serde_json::json!(["half.ppm", "text.png"]));
    assert!(whole.get("left_out").is_none());
    assert_eq!((&rest["means"][0]["bpp"], &rest["means"][0]["psnr_db"]), (&whole["means"][0]["bpp"], &whole["means"][0]["psnr_db"]));
    let page = String::from_utf8(desk.read("page/report.html")).unwrap();
    assert!(page.contains("Left out, for they could not be measured: 2 (half.ppm, text.png)."));
    desk.write("in/raw.psd", b"8BPS\0\x01\0\0");
    std::fs::create_dir(desk.path("bad")).unwrap();
    desk.write("bad/raw.png", b"8BPS\0\x01\0\0");
    let run = desk.run("eval bad -q 50 --json none.json");
    assert_eq!((run.code, run.stdout.len(), desk.path("none.json").exists()), (3, 0, false), "{}", run.stderr);
    assert!(run.stderr.ends_with("calotype: 0 of 1 file measured; the 1 named above failed\n"), "{}", run.stderr);
}

//! `calotype bench` on small pictures.

use serde_json::Value;

use crate::harness::Desk;

#[test]
fn a_benchmark_is_a_table_a_file_and_a_page_and_can_be_compared() {
    let desk = Desk::new();
    let run = desk.run("bench --engine cpu --sizes 64x48,80x80 --runs 2 --json a.json --report a.html");
    assert_eq!(run.code, 0, "{}", run.stderr);
    let table = String::from_utf8(run.stdout).unwrap();
    assert!(table.contains("64x48") && table.contains("MP/s") && table.contains("all engines agree"), "{table}");
    let bench: Value = serde_json::from_slice(&desk.read("a.json")).unwrap();
    let size = &bench["engines"][0]["sizes"][1];
    assert_eq!((size["width"].as_u64(), size["height"].as_u64()), (Some(80), Some(80)));
    assert!(size["decode_mp_per_s"].as_f64().unwrap() > 0.0);
    assert_eq!(size["encode_ms"]["runs"], 2);
    assert_eq!(size["rgb_sha256"].as_str().unwrap().len(), 64);
    let phases: Vec<&str> = size["decode_phases"].as_array().unwrap().iter().map(|phase| phase["phase"].as_str().unwrap()).collect();
    assert!(phases.contains(&"g_s") && !phases.contains(&"g_a"), "{phases:?}");
    assert!(bench["engines"][0]["kernels"][0]["of_gop_ceiling"].as_f64().unwrap() > 0.0);
    assert!(String::from_utf8(desk.read("a.html")).unwrap().ends_with("</html>"));
    std::fs::copy(desk.path("a.json"), desk.path("b.json")).unwrap();
    let run = desk.run("bench --compare a.json b.json --report both.html");
    assert_eq!(run.code, 0, "{}", run.stderr);
    let page = String::from_utf8(desk.read("both.html")).unwrap();
    assert!(page.contains("data-json=\"/1/engines/0/sizes/0/bytes\"") && page.contains("b: cpu"), "both stand there");
    assert!(String::from_utf8(run.stdout).unwrap().starts_with("a:"));
}

#[test]
fn refusals() {
    let desk = Desk::new();
    desk.write("notes.json", b"{}");
    desk.refused("bench --compare notes.json", 1, "notes.json");
    desk.refused("bench --compare nowhere.json", 5, "nowhere.json");
    desk.refused("bench --engine cpu --sizes 8x8 --peers bpg", 2, "bpg");
    desk.refused("bench --sizes 8x8 --json notes.json", 2, "-y");
    let run = desk.run("bench --sizes 0x8");
    assert_eq!(run.code, 2, "{}", run.stderr);
}

#[cfg(unix)]
#[test]
fn peers_run_on_the_same_pictures() {
    let desk = Desk::new();
    crate::eval::fake_jpeg(&desk);
    let run = desk.run_on_path("bench --engine cpu --sizes 64x48 --runs 2 --peers jpeg --json -", "tools");
    assert_eq!(run.code, 0, "{}", run.stderr);
    let bench: Value = serde_json::from_slice(&run.stdout).unwrap();
    let speeds = &bench["races"][0]["speeds"];
    assert_eq!((&speeds[0]["codec"], &speeds[1]["codec"]), (&"calotype".into(), &"jpeg-turbo-420-optimized".into()));
    assert_eq!(String::from_utf8(desk.read("runs")).unwrap().lines().count(), 3, "one run that does not count, and two");
}

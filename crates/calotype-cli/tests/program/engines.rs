//! One file, one picture, whatever runs it.

use serde_json::Value;

use crate::harness::Desk;

/// The instruction sets of this machine.
fn adapters(desk: &Desk) -> Vec<String> {
    let devices = desk.json("devices --json");
    let adapter = |device: &Value| device["adapter"].as_str().unwrap().to_string();
    devices["devices"].as_array().unwrap().iter().map(adapter).collect()
}

#[test]
fn every_engine_writes_the_same_file_and_decodes_the_same_pixels() {
    let desk = Desk::new();
    desk.write("in.ppm", &crate::harness::ppm(150, 90));
    let adapters = adapters(&desk);
    assert!(adapters.len() >= 2, "scalar and portable are everywhere");
    let mut hashes = Vec::new();
    for adapter in &adapters {
        for quality in [3, 60, 100] {
            desk.json(&format!("encode in.ppm -o {adapter}.{quality}.calo -q {quality} --json --isa {adapter}"));
            assert_eq!(desk.read(&format!("{adapter}.{quality}.calo")), desk.read(&format!("scalar.{quality}.calo")), "{adapter}");
            let report = desk.json(&format!("decode {adapter}.{quality}.calo -o {adapter}.{quality}.ppm --json --isa {adapter}"));
            assert_eq!(report["adapter"], adapter.as_str());
            hashes.push((quality, report["rgb_sha256"].as_str().unwrap().to_string()));
        }
    }
    println!("compared {}", adapters.join(", "));
    for (place, hash) in hashes.iter().enumerate() {
        assert_eq!(*hash, hashes[place % 3]);
    }
    assert!(hashes[0].1 != hashes[1].1 && hashes[1].1 != hashes[2].1, "other files have other hashes");
}

#[test]
fn an_engine_that_does_not_exist_is_refused() {
    Desk::new().refused("encode SAMPLE -o a.calo --isa abacus", 2, "scalar");
}

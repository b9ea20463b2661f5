//! One file, one picture, whatever runs it.

use serde_json::Value;

use crate::harness::Desk;

/// The engines of this machine with the flags that choose them, the scalar oracle first.
fn engines(desk: &Desk) -> Vec<(String, String)> {
    let devices = desk.json("devices --json");
    let engine = |device: &Value| {
        let adapter = device["adapter"].as_str().unwrap().to_string();
        let flags = if device["engine"] == "gpu" { format!("--adapter {}", device["number"]) } else { format!("--isa {adapter}") };
        (adapter, flags)
    };
    devices["devices"].as_array().unwrap().iter().map(engine).collect()
}

#[test]
fn every_engine_writes_the_same_file_and_decodes_the_same_pixels() {
    let desk = Desk::new();
    desk.write("in.ppm", &crate::harness::ppm(150, 90));
    let engines = engines(&desk);
    assert!(engines.len() >= 2, "scalar and portable are everywhere");
    let mut hashes = Vec::new();
    for (place, (adapter, flags)) in engines.iter().enumerate() {
        for quality in [3, 60, 100] {
            desk.json(&format!("encode in.ppm -o {place}.{quality}.calo -q {quality} --json {flags}"));
            assert_eq!(desk.read(&format!("{place}.{quality}.calo")), desk.read(&format!("0.{quality}.calo")), "{adapter}");
            let report = desk.json(&format!("decode {place}.{quality}.calo -o {place}.{quality}.ppm --json {flags}"));
            assert_eq!(report["adapter"], adapter.as_str());
            assert_eq!(report["engine"], if flags.starts_with("--isa") { "cpu" } else { "gpu" });
            hashes.push((quality, report["rgb_sha256"].as_str().unwrap().to_string()));
        }
    }
    println!("compared {}", engines.iter().map(|(adapter, _)| adapter.as_str()).collect::<Vec<_>>().join(", "));
    for (place, hash) in hashes.iter().enumerate() {
        assert_eq!(*hash, hashes[place % 3]);
    }
    assert!(hashes[0].1 != hashes[1].1 && hashes[1].1 != hashes[2].1, "other files have other hashes");
}

/// Without drivers, and without the Vulkan loader itself (a library that cannot be loaded stands before it): the CPU, and no word about it.
#[cfg(target_os = "linux")]
#[test]
fn without_vulkan_the_cpu_does_all() {
    let with = Desk::new();
    with.json("encode SAMPLE -o a.calo -q 40 --json --engine cpu");
    let hash = with.json("decode a.calo -o a.ppm --json --engine cpu")["rgb_sha256"].clone();
    let no_drivers = Desk::new().with_environment("VK_DRIVER_FILES", "/nonexistent".into());
    let no_loader = Desk::new();
    no_loader.write("libvulkan.so.1", b"");
    let folder = no_loader.path("");
    let no_loader = no_loader.with_environment("LD_LIBRARY_PATH", folder);
    for (what, desk) in [("drivers", no_drivers), ("loader", no_loader)] {
        let run = desk.run("encode SAMPLE -o a.calo -q 40");
        assert_eq!((run.code, run.stderr.contains("warning")), (0, false), "no {what}: {}", run.stderr);
        assert_eq!(desk.read("a.calo"), with.read("a.calo"), "no {what}");
        let report = desk.json("decode a.calo -o a.ppm --json");
        assert_eq!((&report["engine"], &report["rgb_sha256"]), (&Value::from("cpu"), &hash), "no {what}");
        assert!(engines(&desk).iter().all(|(_, flags)| flags.starts_with("--isa")), "no {what}: an adapter all the same");
        desk.refused("encode SAMPLE -o b.calo --engine gpu", 4, "no GPU");
    }
}

#[test]
fn an_engine_that_does_not_exist_is_refused() {
    let desk = Desk::new();
    desk.refused("encode SAMPLE -o a.calo --isa abacus", 2, "scalar");
    desk.refused("encode SAMPLE -o a.calo --engine cpu --adapter 0", 2, "--engine cpu");
    desk.refused("encode SAMPLE -o a.calo --engine gpu --isa scalar", 2, "--isa");
    desk.refused("encode SAMPLE -o a.calo --adapter abacus", 4, "abacus");
}

/// A driver complains where it finds no folder for its sockets; nobody asked for a driver.
#[cfg(target_os = "linux")]
#[test]
fn the_cpu_alone_opens_no_driver() {
    let desk = Desk::new();
    let mut devices = desk.prepared("devices --engine cpu");
    // A Vulkan loader that is told to says on standard error which drivers it looks for.
    let run = devices.env_remove("XDG_RUNTIME_DIR").env("VK_LOADER_DEBUG", "all").output().unwrap();
    assert_eq!((run.status.code(), String::from_utf8_lossy(&run.stderr).as_ref()), (Some(0), ""));
    let list = desk.json("devices --engine cpu --json");
    let list = list["devices"].as_array().unwrap();
    assert!(list.len() >= 2 && list.iter().all(|device| device["engine"] == "cpu"));
    assert_eq!(list.iter().filter(|device| device["default"] == true).count(), 1);
}

//! Outputs appear whole or not at all: signals, kills, full disks. Completions and manual pages are written.

use crate::harness::{Desk, ppm};

#[cfg(unix)]
mod interrupted {
    use std::process::{Command, Stdio};

    use super::*;

    /// Starts `calotype` and sends it a signal: at once, or when it writes and the folder has been looked at so many times; its exit code, if it had one.
    fn signalled(desk: &Desk, line: &str, signal: &str, looks: usize) -> Option<i32> {
        let mut child = desk.spawn(line);
        if looks > 0 {
            while child.try_wait().unwrap().is_none() && !holds_unfinished(desk) {
                std::thread::yield_now();
            }
            for _ in 0..looks {
                holds_unfinished(desk);
            }
        }
        // It may have ended already.
        let _ = Command::new("kill").args(["-s", signal, &child.id().to_string()]).stderr(Stdio::null()).status();
        child.wait().unwrap().code()
    }

    /// Whether this process, and so what it starts, ignores SIGINT, the second of the bits.
    fn ignores_sigint() -> bool {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let mask = status.lines().find_map(|line| u64::from_str_radix(line.strip_prefix("SigIgn:")?.trim(), 16).ok());
        mask.unwrap_or(0) & 2 != 0
    }

    #[test]
    fn a_signal_leaves_the_whole_output_or_nothing() {
        let desk = Desk::new();
        desk.write("in.ppm", &ppm(1200, 900));
        desk.json("encode in.ppm -o a.calo -q 90 --json");
        desk.json("decode a.calo -o good.tif --json");
        let (good, before) = (desk.read("good.tif"), desk.names());
        let mut ends = Vec::new();
        for looks in [0, 1, 2, 4, 8, 16, 32, 64, 128, 256] {
            for signal in ["INT", "TERM", "KILL"] {
                ends.push(signalled(&desk, "decode a.calo -o out.tif -y", signal, looks));
                let names = desk.names();
                if names.contains(&"out.tif".to_string()) {
                    assert!(desk.read("out.tif") == good, "half an output after {looks} looks");
                    std::fs::remove_file(desk.path("out.tif")).unwrap();
                }
                let left: Vec<String> = desk.names().into_iter().filter(|name| !before.contains(name)).collect();
                let hidden = left.iter().all(|name| name.starts_with(".calotype-"));
                assert!(left.is_empty() || signal == "KILL" && hidden, "{signal} after {looks} looks leaves {left:?}");
                left.iter().for_each(|name| std::fs::remove_file(desk.path(name)).unwrap());
            }
        }
        println!("exit codes: {ends:?}");
        assert!(ends.contains(&Some(143)), "some run was ended: {ends:?}");
        // Where whoever runs the tests ignores SIGINT, as a shell does for what it runs in the background, the program does, too.
        assert_eq!(ends.contains(&Some(130)), !ignores_sigint(), "some run was interrupted: {ends:?}");
    }

    /// Those of killed programs go at the next run in the folder; those of programs that live, and what is not ours, stay.
    #[test]
    fn what_a_killed_program_left_goes_at_the_next_run() {
        let desk = Desk::new();
        desk.write("in.ppm", &ppm(40, 30));
        let (left, living) = (".calotype-abc123.part", ".calotype-Zz9999.part");
        let others = [".calotype-abc12.part", ".calotype-abc123", "calotype-abc123.part", ".calotype-abc-12.part"];
        std::fs::create_dir(desk.path(".calotype-folder.part")).unwrap();
        [left, living].iter().chain(&others).for_each(|name| desk.write(name, b"half"));
        let lock = std::fs::File::open(desk.path(living)).unwrap();
        lock.lock().unwrap();
        let mut expected = desk.names();
        expected.retain(|name| name != left);
        desk.json("encode in.ppm -o a.calo --json");
        std::fs::remove_file(desk.path("a.calo")).unwrap();
        assert_eq!(desk.names(), expected);
        drop(lock);
        expected.retain(|name| name != living);
        desk.json("encode in.ppm -o a.calo --json");
        std::fs::remove_file(desk.path("a.calo")).unwrap();
        assert_eq!(desk.names(), expected);
    }

    /// A run that is stopped while it writes; `None` if it had ended.
    fn stopped(desk: &Desk, line: &str) -> Option<std::process::Child> {
        let mut child = desk.spawn(line);
        while child.try_wait().unwrap().is_none() && !holds_unfinished(desk) {
            std::thread::yield_now();
        }
        let _ = Command::new("kill").args(["-s", "STOP", &child.id().to_string()]).stderr(Stdio::null()).status();
        (child.try_wait().unwrap().is_none() && holds_unfinished(desk)).then_some(child)
    }

    fn holds_unfinished(desk: &Desk) -> bool {
        desk.names().iter().any(|name| name.starts_with(".calotype-"))
    }

    #[test]
    fn a_run_leaves_the_file_of_another_alone_until_that_is_killed() {
        let desk = Desk::new();
        desk.write("in.ppm", &ppm(1500, 1500));
        desk.json("encode in.ppm -o a.calo --json");
        let mut child = (0..20).find_map(|_| stopped(&desk, "decode a.calo -o a.tif -y")).expect("some run is met while it writes");
        desk.json("decode a.calo -o b.tif --json");
        assert!(holds_unfinished(&desk), "the other lives");
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(holds_unfinished(&desk), "killed programs leave it");
        desk.json("decode a.calo -o c.tif --json");
        assert!(!holds_unfinished(&desk), "{:?}", desk.names());
    }

    /// A limit on files is a disk that gets full.
    #[test]
    fn a_full_disk_leaves_nothing() {
        let desk = Desk::new();
        desk.write("in.ppm", &ppm(300, 200));
        desk.json("encode in.ppm -o a.calo -q 95 --json");
        for line in ["decode a.calo -o out.png", "decode a.calo -o out.ppm", "decode a.calo -o out.tif", "encode in.ppm -o out.calo -q 100"]
        {
            let before = desk.names();
            // Two blocks of 512 bytes; without the trap the system would kill the program.
            let script = format!("trap '' XFSZ; ulimit -f 2; exec {} {line}", env!("CARGO_BIN_EXE_calotype"));
            let run = Command::new("sh").args(["-c", &script]).current_dir(desk.path("")).output().unwrap();
            let said = String::from_utf8_lossy(&run.stderr).into_owned();
            assert_eq!(run.status.code(), Some(5), "{line}: {said}");
            assert!(said.contains("cannot write"), "{line}: {said}");
            assert_eq!(desk.names(), before, "{line}");
        }
    }
}

#[test]
fn completions_and_manual_pages() {
    let desk = Desk::new();
    let run = desk.run("generate new/made");
    assert_eq!(run.code, 0, "{}", run.stderr);
    let again = desk.run("generate new/made");
    let told = "calotype: new/made/calotype.bash: exists already; give -y to overwrite it, or another name\n";
    assert_eq!((again.code, again.stderr.as_str()), (2, told));
    assert_eq!(desk.run("generate new/made -y").code, 0);
    for (file, words) in
        [("calotype.bash", "target-size"), ("_calotype", "--quality"), ("calotype.fish", "decode"), ("calotype-encode.1", "target\\-psnr")]
    {
        let text = String::from_utf8(desk.read(&format!("new/made/{file}"))).unwrap();
        assert!(text.contains(words), "{file}");
    }
    assert!(!String::from_utf8(desk.read("new/made/calotype.1")).unwrap().contains("generate"));
}

#[test]
fn a_format_can_be_named() {
    let desk = Desk::new();
    desk.write("in.ppm", &ppm(20, 10));
    desk.json("encode in.ppm -o a.calo --json");
    desk.json("decode a.calo -o out --format png --json");
    assert!(desk.read("out").starts_with(b"\x89PNG"));
    desk.refused("decode a.calo -o out2 --format gif", 2, "give one of png,");
}

#[test]
fn targets_are_met_or_refused() {
    let desk = Desk::new();
    let hit = desk.json("encode SAMPLE -o a.calo --target-size 6kB --json");
    let bytes = hit["bytes"].as_u64().unwrap();
    assert!((5_880..=6_000).contains(&bytes) && desk.read("a.calo").len() as u64 == bytes, "{hit}");
    assert!(hit["tries"].as_u64() > Some(0) && hit["quality"].as_f64() > Some(0.0));
    let hit = desk.json("encode SAMPLE -o b.calo --target-psnr 33 --json");
    assert!((33.0..=33.1).contains(&hit["psnr_db"].as_f64().unwrap()), "{hit}");
    let hit = desk.json("encode SAMPLE -o c.calo --target-ssimulacra2 70 --json");
    assert!(hit["tries"].as_u64() > Some(0), "{hit}");
    desk.refused("encode SAMPLE -o d.calo --target-size 100", 2, "nearest");
    desk.refused("encode SAMPLE -o d.calo --target-psnr 70", 2, "nearest");
    desk.refused("encode SAMPLE -o d.calo --target-ssimulacra2 101", 2, "SAMPLE.png: --target-ssimulacra2 101: the nearest");
    for (line, end) in [("--target-bpp 90", 100), ("--target-size 60kB", 100), ("--target-psnr 5", 0)] {
        let expected = desk.json(&format!("encode SAMPLE -o e.calo -y -q {end} --json"));
        let hit = desk.json(&format!("encode SAMPLE -o e.calo -y {line} --json"));
        assert_eq!(hit["quality"], expected["quality"], "{line} holds at the end of the scale: {hit}");
    }
    assert_eq!(desk.run("encode SAMPLE -o d.calo --target-size 6k -q 5").code, 2);
    assert_eq!(desk.run("encode SAMPLE -o d.calo --target-size 6k --target-psnr 30").code, 2);
    assert_eq!(desk.run("encode SAMPLE -o d.calo --target-size x").code, 2);
}

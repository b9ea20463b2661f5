//! Outputs of every kind: links, devices, pipes, files that are replaced, the input itself.

use crate::harness::{Desk, ppm};

/// A desk with in.ppm and in.calo.
fn desk() -> Desk {
    let desk = Desk::new();
    desk.write("in.ppm", &ppm(40, 30));
    desk.json("encode in.ppm -o in.calo --json");
    desk
}

#[test]
fn the_input_is_never_the_output() {
    let desk = desk();
    let file = desk.read("in.calo");
    for line in ["decode in.calo -o in.calo --format png", "decode in.calo -o ./in.calo --format png -y", "encode in.calo -o in.calo -y"] {
        desk.refused(line, 2, "in.calo: is the input itself");
    }
    std::fs::create_dir(desk.path("many")).unwrap();
    desk.write("many/a.calo", &file);
    desk.write("many/b.ppm", &ppm(20, 20));
    desk.refused("encode many/a.calo many/b.ppm -o many -y", 2, "a.calo: is one of the inputs");
    assert_eq!((desk.read("in.calo"), desk.read("many/a.calo")), (file.clone(), file));
}

#[test]
fn the_time_can_be_kept() {
    let desk = desk();
    let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000);
    let set = |name: &str| std::fs::File::options().write(true).open(desk.path(name)).unwrap().set_modified(time).unwrap();
    let of = |name: &str| std::fs::metadata(desk.path(name)).unwrap().modified().unwrap();
    ["in.ppm", "in.calo"].into_iter().for_each(set);
    desk.json("encode in.ppm -o a.calo --keep-time --json");
    desk.json("decode in.calo -o a.png --keep-time --json");
    desk.json("decode in.calo -o a.jpg --keep-time --json");
    desk.json("encode in.ppm -o now.calo --json");
    assert_eq!([of("a.calo"), of("a.png"), of("a.jpg")], [time; 3]);
    assert!(of("now.calo") > time);
    let run = desk.run_with("encode - -o b.calo --keep-time", &ppm(20, 10));
    assert_eq!(run.code, 2, "{}", run.stderr);
}

#[cfg(unix)]
mod unix {
    use std::io::Read;
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
    use std::process::{Command, Stdio};

    use super::*;

    /// A run of a shell script in which `calotype` is the program.
    fn shell(desk: &Desk, script: &str) -> (Option<i32>, Vec<u8>, String) {
        let script = format!("calotype() {{ {} \"$@\"; }}\n{script}", env!("CARGO_BIN_EXE_calotype"));
        let run = Command::new("sh").args(["-c", &script]).current_dir(desk.path("")).output().unwrap();
        (run.status.code(), run.stdout, String::from_utf8_lossy(&run.stderr).into_owned())
    }

    #[test]
    fn a_link_is_followed() {
        let desk = desk();
        std::fs::create_dir(desk.path("far")).unwrap();
        symlink("far/a.png", desk.path("link.png")).unwrap();
        symlink("link.png", desk.path("second.png")).unwrap();
        desk.json("decode in.calo -o second.png --json");
        assert!(desk.read("far/a.png").starts_with(b"\x89PNG"), "a link to nothing yet");
        desk.refused("decode in.calo -o link.png", 2, "exists already");
        let before = desk.read("far/a.png");
        desk.json("decode in.calo -o second.png -y --scale 1/2 --json");
        assert_ne!(desk.read("far/a.png"), before);
        assert!(desk.path("link.png").is_symlink() && desk.path("second.png").is_symlink());
        symlink("far/nowhere/a.png", desk.path("lost.png")).unwrap();
        desk.refused("decode in.calo -o lost.png", 5, "there is no folder far/nowhere");
        symlink("round.png", desk.path("round.png")).unwrap();
        desk.refused("decode in.calo -o round.png", 5, "circle");
        symlink("in.calo", desk.path("self")).unwrap();
        desk.refused("decode in.calo -o self --format png -y", 2, "self: is the input itself");
        std::fs::hard_link(desk.path("in.calo"), desk.path("twin")).unwrap();
        desk.refused("decode in.calo -o twin --format png -y", 2, "twin: is the input itself");
    }

    #[test]
    fn a_replaced_file_keeps_mode_and_owner() {
        let desk = desk();
        desk.write("a.png", b"old");
        let path = desk.path("a.png");
        for mode in [0o600, 0o640, 0o755] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            // Only root may give a file away; others keep their own.
            let _ = std::os::unix::fs::chown(&path, Some(12_345), Some(12_345));
            let owner = |path| std::fs::metadata(path).map(|metadata| (metadata.uid(), metadata.gid(), metadata.mode() & 0o7777)).unwrap();
            let before = owner(&path);
            desk.json("decode in.calo -o a.png -y --json");
            assert_eq!(owner(&path), before, "{mode:o}");
        }
        assert!(desk.read("a.png").starts_with(b"\x89PNG"));
    }

    #[test]
    fn devices_and_pipes_are_written_to() {
        let desk = desk();
        desk.json("decode in.calo -o a.ppm --json");
        desk.json("decode in.calo -o a.tif --json");
        let (ppm, tif) = (desk.read("a.ppm"), desk.read("a.tif"));
        for device in ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", "-"] {
            let (code, stdout, said) = shell(&desk, &format!("calotype decode in.calo -o {device} | cat"));
            assert_eq!((code, stdout == ppm), (Some(0), true), "{device}: {said}");
            let (code, stdout, said) = shell(&desk, &format!("calotype decode in.calo -o {device} --format tif | cat"));
            assert_eq!((code, stdout == tif), (Some(0), true), "TIFF to {device}: {said}");
        }
        let (code, _, said) =
            shell(&desk, "calotype decode in.calo -o /dev/stdout > all.ppm && calotype encode in.ppm -o /dev/stdout > all.calo");
        assert_eq!((code, desk.read("all.ppm") == ppm), (Some(0), true), "{said}");
        assert_eq!(desk.read("all.calo"), desk.read("in.calo"));
        let (code, _, said) = shell(
            &desk,
            "(printf before; calotype decode in.calo -o /dev/stdout) > two && calotype decode in.calo -o /dev/fd/3 --format ppm 3> three",
        );
        assert_eq!((code, desk.read("two") == [b"before", &ppm[..]].concat(), desk.read("three") == ppm), (Some(0), true, true), "{said}");
        for line in ["encode in.ppm -o /dev/null", "decode in.calo -o /dev/null --format png", "decode in.calo -o /dev/null --format tif"] {
            assert_eq!(desk.run(line).code, 0, "{line}");
        }
        let (code, stdout, said) = shell(&desk, "mkfifo pipe.ppm; cat pipe.ppm & calotype decode in.calo -o pipe.ppm; wait");
        assert_eq!((code, stdout == ppm), (Some(0), true), "{said}");
        assert!(desk.names().contains(&"pipe.ppm".to_string()));
    }

    #[test]
    fn a_closed_output_is_an_error_and_a_closed_pipe_is_none() {
        let desk = desk();
        #[cfg(target_os = "linux")]
        for line in
            ["decode in.calo -o - >&-", "encode in.ppm -o - >&-", "decode in.calo -o - 1<>/dev/null", "encode in.ppm -o - 1<>/dev/null"]
        {
            let (code, _, said) = shell(&desk, &format!("calotype {line}"));
            let told = "calotype: the pipe: cannot write: standard output is closed, or /dev/null open for both ways; give -o a name";
            assert_eq!((code, said.trim_end()), (Some(5), told), "{line}");
        }
        for line in ["encode in.ppm -o quiet.calo >&-", "encode in.ppm -o - >/dev/null", "decode in.calo -o - >/dev/null"] {
            let (code, _, said) = shell(&desk, &format!("calotype {line}"));
            assert_eq!((code, said.contains("note")), (Some(0), false), "{line}: {said}");
        }
        desk.write("big.ppm", &ppm(600, 400));
        desk.json("encode big.ppm -o big.calo --json");
        for line in [
            "decode big.calo -o -",
            "decode big.calo -o - --format png",
            "decode big.calo -o - --format tif",
            "decode big.calo -o /dev/stdout",
        ] {
            let mut child = desk.prepared(line).stdin(Stdio::null()).spawn().unwrap();
            // Nobody reads on after the first byte.
            let mut stdout = child.stdout.take().unwrap();
            stdout.read_exact(&mut [0]).unwrap();
            drop(stdout);
            let run = child.wait_with_output().unwrap();
            assert_eq!((run.status.code(), String::from_utf8_lossy(&run.stderr).as_ref()), (Some(141), ""), "{line}");
        }
    }

    /// It is noticed when the file is to get its name: both began when there was none.
    #[test]
    fn an_output_that_appears_meanwhile_stays() {
        use std::io::Write;
        let desk = desk();
        let picture = ppm(400, 300);
        let mut run = desk.prepared("encode - -o new.calo").spawn().unwrap();
        let mut stdin = run.stdin.take().unwrap();
        // More than a pipe holds: when it is written, the program reads, and has looked for the output.
        stdin.write_all(&picture[..picture.len() - 1]).unwrap();
        desk.write("new.calo", b"of another");
        stdin.write_all(&picture[picture.len() - 1..]).unwrap();
        drop(stdin);
        let run = run.wait_with_output().unwrap();
        let told = "calotype: new.calo: exists already; give -y to overwrite it, or another name\n";
        assert_eq!((run.status.code(), String::from_utf8_lossy(&run.stderr).as_ref()), (Some(2), told));
        assert_eq!(desk.read("new.calo"), b"of another");
        assert_eq!(desk.names(), ["in.calo", "in.ppm", "new.calo"]);
    }

    /// `nohup` starts a program that ignores SIGHUP, and `&` in scripts one that ignores SIGINT.
    #[test]
    fn signals_that_were_ignored_stay_ignored() {
        let desk = desk();
        let program = env!("CARGO_BIN_EXE_calotype");
        // It waits for its input, is sent the signal, and then gets its input.
        let run = |trap: &str, signal: &str| {
            let script = format!(
                "mkfifo pipe; {trap} {program} encode - -o {signal}.calo < pipe & pid=$!\n\
                 exec 3> pipe; rm pipe; head -c 100 in.ppm >&3; kill -s {signal} $pid; tail -c +101 in.ppm >&3; exec 3>&-; wait $pid"
            );
            shell(&desk, &script)
        };
        for signal in ["HUP", "INT", "TERM"] {
            let (code, _, said) = run(&format!("trap '' {signal};"), signal);
            assert_eq!(code, Some(0), "{signal}: {said}");
            assert_eq!(desk.read(&format!("{signal}.calo")), desk.read("in.calo"));
            std::fs::remove_file(desk.path(&format!("{signal}.calo"))).unwrap();
        }
        // The others end it. (In the background a shell ignores SIGINT itself.)
        for (signal, code) in [("HUP", 129), ("TERM", 143)] {
            assert_eq!(run("", signal).0, Some(code), "{signal}");
            assert!(!desk.names().contains(&format!("{signal}.calo")));
        }
    }

    /// Both see that nothing is there, and both make all.
    #[test]
    fn two_runs_side_by_side_succeed() {
        let desk = Desk::new();
        std::fs::create_dir(desk.path("in")).unwrap();
        (0..30).for_each(|number| desk.write(&format!("in/{number}.ppm"), &ppm(20 + number % 7, 20)));
        let start = || desk.prepared("encode in -o out --resume").stdin(Stdio::null()).spawn().unwrap();
        let runs = [start(), start(), start()];
        for run in runs {
            let run = run.wait_with_output().unwrap();
            assert_eq!(run.status.code(), Some(0), "{}", String::from_utf8_lossy(&run.stderr));
        }
        assert_eq!(desk.path("out").read_dir().unwrap().count(), 30, "and leave nothing behind");
    }
}

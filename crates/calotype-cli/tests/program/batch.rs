//! Many files at once.

use crate::harness::{Desk, Run, ppm};

/// A desk with the pictures 0.ppm, 1.ppm, ... in the folder `in`, those of `corrupt` damaged.
fn desk_with(count: usize, corrupt: &[usize]) -> Desk {
    let desk = Desk::new();
    std::fs::create_dir(desk.path("in")).unwrap();
    for number in 0..count {
        let picture = if corrupt.contains(&number) { b"P6 20 20 255\nshort".to_vec() } else { ppm(20 + number % 7, 20) };
        desk.write(&format!("in/{number}.ppm"), &picture);
    }
    desk
}

fn outputs(desk: &Desk, folder: &str) -> usize {
    std::fs::read_dir(desk.path(folder)).unwrap().count()
}

fn text(run: &Run) -> String {
    format!("{} {}", run.stderr, String::from_utf8_lossy(&run.stdout))
}

#[test]
fn bad_files_are_named_and_the_others_made_and_a_second_run_makes_the_rest() {
    let desk = desk_with(200, &[3, 77, 150]);
    let run = desk.run("encode in -o out");
    assert_eq!(run.code, 1, "{}", run.stderr);
    for name in ["3.ppm", "77.ppm", "150.ppm"] {
        assert_eq!(run.stderr.matches(&format!("in/{name}:")).count(), 1, "{}", run.stderr);
    }
    assert!(run.stderr.contains("197 of 200"), "{}", run.stderr);
    assert_eq!(outputs(&desk, "out"), 197);
    // As after a kill: some outputs are missing, and those that are there are not touched.
    let kept = std::fs::metadata(desk.path("out/5.calo")).unwrap().modified().unwrap();
    for number in 10..20 {
        std::fs::remove_file(desk.path(&format!("out/{number}.calo"))).unwrap();
    }
    assert_eq!(desk.run("encode in -o out").code, 2, "neither --resume nor -y");
    let run = desk.run("encode in -o out --resume");
    assert_eq!(run.code, 1, "{}", run.stderr);
    assert!(run.stderr.contains("10 of 13"), "{}", run.stderr);
    assert_eq!(outputs(&desk, "out"), 197);
    assert_eq!(std::fs::metadata(desk.path("out/5.calo")).unwrap().modified().unwrap(), kept);
}

#[test]
fn a_batch_makes_what_single_runs_make_and_decodes_back() {
    let desk = desk_with(5, &[]);
    let run = desk.run("encode in/0.ppm in/[1-4].ppm -o out -q 70");
    assert_eq!(run.code, 0, "{}", text(&run));
    desk.json("encode in/3.ppm -o single.calo -q 70 --json");
    assert_eq!(desk.read("out/3.calo"), desk.read("single.calo"));
    let run = desk.run("decode out -o back --format ppm --json");
    assert_eq!(run.code, 0, "{}", text(&run));
    assert_eq!(String::from_utf8(run.stdout).unwrap().lines().filter(|line| line.starts_with('{')).count(), 5);
    desk.json("decode single.calo -o single.ppm --json");
    assert_eq!(desk.read("back/3.ppm"), desk.read("single.ppm"));
    let run = desk.run("decode out -o back --format ppm --adapter all -y");
    assert_eq!(run.code, 0, "the CPU is always there: {}", text(&run));
}

#[test]
fn a_killed_batch_leaves_whole_files_only() {
    let desk = desk_with(120, &[]);
    let mut child = desk.spawn("encode in -o out --threads 1");
    while desk.path("out").read_dir().map_or(0, Iterator::count) < 5 && child.try_wait().unwrap().is_none() {
        std::thread::yield_now();
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let files: Vec<_> = desk.path("out").read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    let whole = files.iter().filter(|path| path.extension().is_some_and(|ending| ending == "calo")).count();
    assert!((4..120).contains(&whole), "{whole} were made before the kill");
    let run = desk.run("encode in -o out --resume");
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(run.stderr.contains(&format!("{} files made", 120 - whole)), "{}", run.stderr);
    assert_eq!(desk.run("decode out -o back --format ppm").code, 0, "every file is whole");
}

/// Their first bytes, or their lengths, are enough: none of them could be read whole.
#[test]
fn giant_files_that_are_no_pictures_do_not_end_a_batch() {
    let desk = desk_with(2, &[]);
    let sparse = |name: &str, begin: &[u8]| {
        desk.write(name, begin);
        std::fs::File::options().write(true).open(desk.path(name)).unwrap().set_len(100_000_000_000).unwrap();
    };
    sparse("zeros.jpg", &[]);
    sparse("long.jpg", &[0xFF, 0xD8, 0xFF, 0xE0]);
    sparse("zeros.calo", &[]);
    let run = desk.run("encode in/0.ppm zeros.jpg long.jpg in/1.ppm -o out");
    assert_eq!(run.code, 1, "{}", run.stderr);
    assert!(desk.path("out/0.calo").is_file() && desk.path("out/1.calo").is_file());
    assert!(run.stderr.contains("zeros.jpg: is not an image that calotype knows"), "{}", run.stderr);
    assert!(run.stderr.contains("long.jpg: is 100 GB long, over the limit of 4 GiB; raise it with --max-memory"), "{}", run.stderr);
    assert!(run.stderr.contains("2 of 4 files made"), "{}", run.stderr);
    desk.refused("encode zeros.jpg -o a.calo", 1, "zeros.jpg: is not an image");
    desk.refused("encode long.jpg -o a.calo", 3, "over the limit");
    desk.refused("decode zeros.calo -o a.png", 1, "zeros.calo: not a .calo file");
    desk.refused("info zeros.calo", 1, "zeros.calo: not a .calo file");
}

/// The code of all that failed, 1 where they differ.
#[test]
fn a_batch_says_by_its_code_why_it_failed() {
    let desk = Desk::new();
    desk.write("good.ppm", &ppm(20, 20));
    desk.write("damaged.ppm", b"P6 20 20 255\nshort");
    desk.write("raw.psd", b"8BPS\0\x01\0\0");
    desk.write("large.ppm", b"P6\n100000 100000\n255\nabc");
    for (number, (files, code)) in [
        ("good.ppm", 0),
        ("good.ppm raw.psd", 3),
        ("raw.psd large.ppm good.ppm", 3),
        ("good.ppm missing.ppm gone.png", 5),
        ("good.ppm damaged.ppm", 1),
        ("raw.psd missing.ppm", 1),
        ("missing.ppm damaged.ppm raw.psd", 1),
    ]
    .into_iter()
    .enumerate()
    {
        let run = desk.run(&format!("encode {files} -o out{number}/"));
        assert_eq!(run.code, code, "{files}: {}", run.stderr);
    }
    let help = String::from_utf8(desk.run("encode --help").stdout).unwrap();
    let words = help.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.ends_with("Many files: the code of those that failed, 1 if their codes differ."), "{help}");
}

#[test]
fn refusals() {
    let desk = desk_with(2, &[]);
    desk.refused("encode in/0.ppm - -o out", 2, "pipe");
    desk.refused("encode in/*.png -o out", 2, "*.png");
    desk.refused("decode in -o out", 2, "calo");
    desk.refused("encode in -o many.calo", 2, "name a folder");
    desk.refused("decode in/0.ppm in/1.ppm -o out --format gif", 2, "give one of png,");
    assert_eq!(desk.run("encode in -o out --resume -y").code, 2);
}

#[test]
fn many_files_do_not_become_one() {
    let desk = desk_with(2, &[]);
    desk.write("there.ppm", b"precious");
    assert_eq!(desk.run("encode in -o calos").code, 0);
    let words = "the name of one file, but many are to be made; name a folder";
    for output in ["there.ppm", "new.calo", "new.png", "new.ppm"] {
        desk.refused(&format!("encode in/0.ppm in/1.ppm -o {output} -y"), 2, &format!("calotype: {output}: {words}"));
        desk.refused(&format!("decode calos/0.calo calos/1.calo -o {output} -y"), 2, &format!("calotype: {output}: {words}"));
    }
    let where_one_is = "there.ppm/: a file is where this folder would be; name another";
    desk.refused("encode in/0.ppm -o there.ppm/", 2, where_one_is);
    desk.refused("generate there.ppm", 2, "there.ppm: a file is where this folder would be; name another");
    desk.refused("eval in -q 50 --keep there.ppm", 2, "there.ppm: a file is where this folder would be; name another");
    assert_eq!(desk.read("there.ppm"), b"precious");
    assert_eq!(desk.run("encode in/0.ppm in/1.ppm -o folder.calo/").code, 0, "a folder may be called so");
}

/// Other programs, and systems that lost their power, leave such files.
#[test]
fn unfinished_outputs_are_made_again() {
    let desk = desk_with(4, &[]);
    assert_eq!(desk.run("encode in -o out").code, 0);
    let whole: Vec<Vec<u8>> = (0..4).map(|number| desk.read(&format!("out/{number}.calo"))).collect();
    desk.write("out/0.calo", b"");
    desk.write("out/1.calo", &whole[1][..whole[1].len() - 1]);
    desk.write("out/2.calo", &vec![0; whole[2].len()]);
    let run = desk.run("encode in -o out --resume");
    assert_eq!((run.code, run.stderr.as_str()), (0, "calotype: note: out: 3 unfinished outputs made again\n3 files made\n"));
    assert!((0..4).all(|number| desk.read(&format!("out/{number}.calo")) == whole[number]));
    let run = desk.run("encode in -o out --resume");
    assert_eq!((run.code, run.stderr.as_str()), (0, "0 files made\n"));
    assert_eq!(desk.run("decode out -o back").code, 0);
    let picture = desk.read("back/1.png");
    desk.write("back/1.png", b"");
    let run = desk.run("decode out -o back --resume");
    assert_eq!((run.code, run.stderr.as_str()), (0, "calotype: note: back: 1 unfinished output made again\n1 file made\n"));
    assert_eq!(desk.read("back/1.png"), picture);
}

#[test]
fn folders_in_a_folder_are_told() {
    let desk = desk_with(1, &[]);
    for name in ["in/a", "in/b", "in/b/c"] {
        std::fs::create_dir(desk.path(name)).unwrap();
    }
    let note = "calotype: note: in: 2 folders in it left out; name folders to include their files";
    let run = desk.run("encode in -o out");
    assert_eq!((run.code, run.stderr.lines().collect::<Vec<_>>()), (0, vec![note, "1 file made"]));
    let run = desk.run("eval in -q 50");
    assert_eq!((run.code, run.stderr.lines().collect::<Vec<_>>()), (0, vec![note]));
}

#[test]
fn a_name_that_is_no_pattern_is_missing() {
    let desk = Desk::new();
    for name in ["IMG[1].png", "IMG[1.png", "what?.png", "*.png"] {
        for output in ["a.calo", "out/"] {
            let told = format!("calotype: {name}: there is no such file, and as a pattern it fits none; check the name");
            desk.refused(&format!("encode {name} -o {output}"), 2, &told);
        }
    }
    desk.write("IMG[1].ppm", &ppm(20, 20));
    assert_eq!(desk.json("encode IMG[1].ppm -o a.calo --json")["width"], 20);
}

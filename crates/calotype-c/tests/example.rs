//! The C example is compiled against the header and the shared library, and run.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The newest shared library beside the test's own binary.
fn library() -> PathBuf {
    let folder = std::env::current_exe().unwrap().parent().unwrap().to_owned();
    let libraries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let ours = libraries.filter(|path| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        name.starts_with("libcalotype_c") && name.ends_with(".so")
    });
    ours.max_by_key(|path| path.metadata().unwrap().modified().unwrap()).expect("libcalotype_c.so")
}

#[test]
#[cfg(target_os = "linux")]
fn the_example_runs() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("round_trip");
    let mut compiler = Command::new("cc");
    compiler.args(["-std=c99", "-Wall", "-Wextra", "-Werror", "-I"]).arg(root.join("include"));
    let compiled = compiler.arg(root.join("examples/round_trip.c")).arg(library()).arg("-o").arg(&program).output();
    let compiled = match compiled {
        Ok(compiled) => compiled,
        Err(error) => {
            println!("no C compiler: {error}");
            return;
        }
    };
    assert!(compiled.status.success(), "{}", String::from_utf8_lossy(&compiled.stderr));
    let run = Command::new(&program).env("LD_LIBRARY_PATH", library().parent().unwrap()).output().unwrap();
    let said = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success(), "{said}{}", String::from_utf8_lossy(&run.stderr));
    assert!(said.contains("80x60, 4 channels of 8 bits") && said.contains("damaged"), "{said}");
}

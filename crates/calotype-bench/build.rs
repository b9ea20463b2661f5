//! Tells the program the commit that it was built from, where git knows it.

use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let (Some(folder), Some(commit)) = (git(&["rev-parse", "--absolute-git-dir"]), git(&["rev-parse", "--short=12", "HEAD"])) else {
        return;
    };
    // Every commit, checkout and rebase adds a line to it.
    println!("cargo::rerun-if-changed={folder}/logs/HEAD");
    println!("cargo::rustc-env=CALOTYPE_COMMIT={commit}");
}

fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_string())
}

//! Tells the program its version with the commit that it was built from, where git knows it.

use std::env;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // Every commit, checkout and rebase adds a line to this file.
    let log = git(&["rev-parse", "--git-path", "logs/HEAD"]);
    log.iter().for_each(|log| println!("cargo::rerun-if-changed={log}"));
    let commit = git(&["rev-parse", "--short=12", "HEAD"]).map_or_else(String::new, |commit| format!(" ({commit})"));
    println!("cargo::rustc-env=CALOTYPE_VERSION=calotype {}{commit}", env::var("CARGO_PKG_VERSION").unwrap_or_default());
}

fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_string())
}

//! What documents name exists: files and folders, links, and the functions of the trainer's modules.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace's folder").to_owned()
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    entries.map(|entry| entry.expect("an entry").path()).collect()
}

fn documents() -> Vec<PathBuf> {
    let root = root();
    let mut all = entries(&root);
    all.extend(entries(&root.join("docs")));
    all.extend(entries(&root.join("training")));
    all.extend(entries(&root.join("crates")).into_iter().map(|folder| folder.join("README.md")));
    all.retain(|path| path.extension().is_some_and(|end| end == "md") && path.exists());
    all
}

/// Folders from which a document's names may start: its own, the root, a crate, a crate's sources, the trainer.
fn starts(document: &Path) -> Vec<PathBuf> {
    let root = root();
    let mut all = vec![root.clone(), document.parent().expect("a folder").to_owned()];
    all.extend(["training", "training/calotype_training"].map(|folder| root.join(folder)));
    for folder in entries(&root.join("crates")) {
        all.extend([folder.join("src"), folder]);
    }
    all
}

/// The text between back quotes, code blocks left out.
fn quoted(text: &str) -> Vec<&str> {
    let without_blocks = text.split("```").step_by(2);
    without_blocks.flat_map(|part| part.lines().flat_map(|line| line.split('`').skip(1).step_by(2))).collect()
}

/// Whether a word is the name of a file or folder of this project, and not of one that a command makes or the reader chooses.
fn is_path(word: &str) -> bool {
    let plain = word.chars().all(|c| c.is_ascii_alphanumeric() || "_-./".contains(c));
    let chosen = word.split('/').any(|part| {
        let stem = part.split('.').next().unwrap_or(part);
        matches!(stem, "runs" | "kit" | "prototype") || stem.len() > 1 && stem.chars().all(|c| c.is_ascii_uppercase())
    });
    let file = word.rsplit('/').next().is_some_and(|name| name.contains('.') || name.is_empty());
    plain && word.contains('/') && file && !word.starts_with('/') && !chosen
}

#[test]
fn paths_that_documents_name_exist() {
    let mut missing = BTreeSet::new();
    let mut found = 0;
    for document in documents() {
        let text = fs::read_to_string(&document).expect("a document");
        let starts = starts(&document);
        for word in quoted(&text).into_iter().flat_map(str::split_whitespace).filter(|word| is_path(word)) {
            match starts.iter().any(|start| start.join(word).exists()) {
                true => found += 1,
                false => drop(missing.insert(format!("{}: {word}", document.display()))),
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
    assert!(found > 50, "only {found} names were looked at");
}

#[test]
fn links_lead_somewhere() {
    let mut missing = BTreeSet::new();
    for document in documents() {
        let text = fs::read_to_string(&document).expect("a document");
        for target in text.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next()) {
            let outside = target.is_empty() || target.contains("://") || target.starts_with("mailto:");
            if !outside && !document.parent().expect("a folder").join(target).exists() {
                missing.insert(format!("{}: {target}", document.display()));
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn functions_of_the_trainer_that_documents_name_exist() {
    let modules = root().join("training/calotype_training");
    let mut missing = BTreeSet::new();
    let mut found = 0;
    for document in documents() {
        let text = fs::read_to_string(&document).expect("a document");
        for word in quoted(&text) {
            let Some((module, name)) = word.split_once('.') else { continue };
            let source = modules.join(format!("{module}.py"));
            let is_name = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') && name != "py";
            if !is_name || !source.exists() {
                continue;
            }
            let source = fs::read_to_string(source).expect("a module");
            let said = [format!("def {name}("), format!("class {name}"), format!("\n{name} =")];
            match said.iter().any(|text| source.contains(text)) {
                true => found += 1,
                false => drop(missing.insert(format!("{}: {word}", document.display()))),
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
    assert!(found > 0, "no function was looked at");
}

//! The files that are paged through, and those that were opened lately.

use std::fs;
use std::path::{Path, PathBuf};

/// Endings of pictures, in lower case.
const ENDINGS: [&str; 14] = ["calo", "png", "jpg", "jpeg", "jpe", "webp", "tif", "tiff", "bmp", "ppm", "pgm", "pnm", "pbm", "pam"];
/// Recent files that are remembered.
const MOST_RECENT: usize = 12;

/// A list of files and a place in it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Files {
    paths: Vec<PathBuf>,
    place: usize,
}

impl Files {
    /// Of what was named: one file brings the pictures of its folder with it, a folder its pictures.
    pub fn of(named: &[PathBuf]) -> Files {
        if let [one] = named
            && !one.is_dir()
        {
            return Files::around(one);
        }
        let paths = named.iter().flat_map(|path| if path.is_dir() { pictures_in(path) } else { vec![path.clone()] });
        Files { paths: paths.collect(), place: 0 }
    }

    fn around(path: &Path) -> Files {
        let folder = path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
        // Named as the file was: without the folder's `./`.
        let beside: Vec<PathBuf> = pictures_in(folder).iter().filter_map(|other| Some(path.with_file_name(other.file_name()?))).collect();
        let place = beside.iter().position(|other| other.file_name() == path.file_name());
        place.map_or_else(|| Files { paths: vec![path.to_owned()], place: 0 }, |place| Files { paths: beside, place })
    }

    /// The file in view.
    pub fn current(&self) -> Option<&Path> {
        self.paths.get(self.place).map(PathBuf::as_path)
    }

    /// All files, from the one in view on and around.
    pub fn onwards(&self) -> Vec<PathBuf> {
        let (before, after) = self.paths.split_at(self.place);
        [after, before].concat()
    }

    /// Its number, from 0, and how many there are.
    pub fn place(&self) -> (usize, usize) {
        (self.place, self.paths.len())
    }

    /// The file so many places further; the last one is followed by the first.
    pub fn neighbour(&self, steps: isize) -> Option<&Path> {
        self.index(steps).map(|index| self.paths[index].as_path())
    }

    /// Goes so many places further.
    pub fn go(&mut self, steps: isize) {
        self.place = self.index(steps).unwrap_or(0);
    }

    fn index(&self, steps: isize) -> Option<usize> {
        let count = isize::try_from(self.paths.len()).ok().filter(|count| *count > 0)?;
        Some((self.place as isize + steps).rem_euclid(count) as usize)
    }
}

/// The pictures in a folder by name, numbers in order of their values.
fn pictures_in(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).map(|entries| entries.flatten().map(|entry| entry.path()).collect());
    let mut paths: Vec<PathBuf> = entries.unwrap_or_default();
    paths.retain(|path| has_ending(path) && path.is_file());
    paths.sort_by_cached_key(|path| sorting_key(&path.file_name().unwrap_or_default().to_string_lossy()));
    paths
}

fn has_ending(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ENDINGS.contains(&ending.to_string_lossy().to_lowercase().as_str()))
}

/// Lower case; numbers with as many digits as sort them.
fn sorting_key(name: &str) -> String {
    let lower = name.to_lowercase();
    let runs = lower.split_inclusive(|letter: char| !letter.is_ascii_digit());
    let padded = runs.map(|run| {
        let digits = run.bytes().take_while(u8::is_ascii_digit).count();
        format!("{}{run}", if digits > 0 { "0".repeat(20_usize.saturating_sub(digits)) } else { String::new() })
    });
    padded.collect()
}

/// Whether a file is to be read as a `.calo` file: by what is in it, and by its name where that says nothing.
pub fn is_calo(path: &Path, bytes: &[u8]) -> bool {
    bytes.starts_with(b"CALO") || path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("calo"))
}

/// The photograph that a `.calo` file was made of, if it lies beside it under the same name.
pub fn original_of(path: &Path) -> Option<PathBuf> {
    let found = |ending: &&str| {
        let beside = path.with_extension(ending);
        (beside != path && beside.is_file()).then_some(beside)
    };
    ENDINGS[1..].iter().find_map(found)
}

/// Files that were opened lately, the last one first, kept in a text file.
#[derive(Clone, Debug, Default)]
pub struct Recent {
    kept_in: Option<PathBuf>,
    paths: Vec<PathBuf>,
}

impl Recent {
    /// What `file` remembers; nothing where it cannot be read.
    pub fn load(file: Option<PathBuf>) -> Recent {
        let text = file.as_deref().and_then(|file| fs::read_to_string(file).ok()).unwrap_or_default();
        Recent { kept_in: file, paths: text.lines().map(PathBuf::from).take(MOST_RECENT).collect() }
    }

    /// Where they are remembered.
    pub fn kept_in(&self) -> Option<PathBuf> {
        self.kept_in.clone()
    }

    /// The last one first.
    pub fn paths(&self) -> &[PathBuf] {
        &self.paths
    }

    /// Adds a file. That it cannot be remembered is no fault worth a word.
    pub fn add(&mut self, path: &Path) {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        self.paths.retain(|other| *other != path);
        self.paths.insert(0, path);
        self.paths.truncate(MOST_RECENT);
        let Some(file) = &self.kept_in else { return };
        let lines: Vec<String> = self.paths.iter().map(|path| path.display().to_string()).collect();
        let _ = file.parent().map(fs::create_dir_all);
        let _ = fs::write(file, lines.join("\n"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(names: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        names.iter().for_each(|name| fs::write(folder.path().join(name), "x").unwrap());
        folder
    }

    fn name(path: Option<&Path>) -> &str {
        path.and_then(Path::file_name).and_then(|name| name.to_str()).unwrap_or("")
    }

    #[test]
    fn a_file_brings_its_folder() {
        let folder = folder(&["b10.png", "b9.calo", "A.jpg", "notes.txt"]);
        let mut files = Files::of(&[folder.path().join("b9.calo")]);
        assert_eq!((name(files.current()), files.place()), ("b9.calo", (1, 3)));
        assert_eq!((name(files.neighbour(1)), name(files.neighbour(-1)), name(files.neighbour(2))), ("b10.png", "A.jpg", "A.jpg"));
        files.go(-2);
        assert_eq!(name(files.current()), "b10.png");
        let again = Files::of(&files.onwards());
        assert_eq!((name(again.current()), name(again.neighbour(1)), name(again.neighbour(-1))), ("b10.png", "A.jpg", "b9.calo"));
        assert_eq!(Files::of(&[folder.path().to_owned()]).place(), (0, 3));
        assert_eq!(Files::of(&[folder.path().join("notes.txt")]).place(), (0, 1), "named, so it is shown, or its error");
        assert_eq!(name(original_of(&folder.path().join("b10.calo")).as_deref()), "b10.png");
        assert_eq!((original_of(&folder.path().join("b9.calo")), original_of(&folder.path().join("A.jpg"))), (None, None));
    }

    #[test]
    fn no_files_are_no_place() {
        let mut files = Files::of(&[]);
        files.go(1);
        assert_eq!((files.current(), files.neighbour(1), files.place()), (None, None, (0, 0)));
    }

    #[test]
    fn recent_files_are_remembered() {
        let folder = folder(&[]);
        let file = Some(folder.path().join("deep/recent"));
        let mut recent = Recent::load(file.clone());
        (0..20).for_each(|i| recent.add(Path::new(&format!("/p{i}.calo"))));
        recent.add(Path::new("/p12.calo"));
        let again = Recent::load(file);
        assert_eq!((again.paths()[0].as_path(), again.paths()[1].as_path()), (Path::new("/p12.calo"), Path::new("/p19.calo")));
        assert_eq!(again.paths().len(), MOST_RECENT);
    }
}

//! Measurements kept as they come, so that an interrupted run goes on where it stopped.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::Error;

/// A file of one JSON object a line, `{"key": ..., "value": ...}`; it only grows. Without a file nothing is kept.
#[derive(Debug, Default)]
pub struct Journal {
    known: HashMap<String, Value>,
    file: Option<(PathBuf, Mutex<File>)>,
}

#[derive(Serialize, Deserialize)]
struct Line {
    key: String,
    value: Value,
}

impl Journal {
    /// Opens or creates the file and reads what it holds; a torn last line, as a kill leaves it, is dropped.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn open(path: &Path) -> Result<Journal, Error> {
        let opened = OpenOptions::new().read(true).append(true).create(true).open(path);
        let mut file = opened.map_err(Error::io(path, "open"))?;
        let whole = read_whole_lines(&mut file).map_err(Error::io(path, "read"))?;
        let known = whole.lines().filter_map(|line| serde_json::from_str::<Line>(line).ok()).map(|line| (line.key, line.value)).collect();
        Ok(Journal { known, file: Some((path.to_path_buf(), Mutex::new(file))) })
    }

    /// What an earlier run kept under `key`.
    pub fn get<T: DeserializeOwned>(&self, key: &str) -> Option<T> {
        serde_json::from_value(self.known.get(key)?.clone()).ok()
    }

    /// Keeps `value` for later runs.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn put(&self, key: &str, value: &impl Serialize) -> Result<(), Error> {
        let Some((path, file)) = &self.file else { return Ok(()) };
        let failed = |error: serde_json::Error| Error::io(path, "write")(error.into());
        let line = Line { key: key.to_string(), value: serde_json::to_value(value).map_err(failed)? };
        let text = serde_json::to_string(&line).map_err(failed)? + "\n";
        let mut file = file.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        // One call for the whole line: a kill tears at most the last one.
        file.write_all(text.as_bytes()).map_err(Error::io(path, "write"))
    }
}

/// Cuts off what follows the last line end.
fn read_whole_lines(file: &mut File) -> std::io::Result<String> {
    let mut bytes = Vec::new();
    file.rewind()?;
    file.read_to_end(&mut bytes)?;
    let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    if whole < bytes.len() {
        file.set_len(whole as u64)?;
    }
    bytes.truncate(whole);
    String::from_utf8(bytes).map_err(|_| ErrorKind::InvalidData.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_come_back_and_a_torn_line_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        let journal = Journal::open(&path).unwrap();
        assert_eq!(journal.get::<f64>("a"), None);
        journal.put("a", &0.1).unwrap();
        journal.put("b", &vec![1, 2]).unwrap();
        let mut torn = std::fs::read(&path).unwrap();
        torn.extend(br#"{"key":"c","val"#);
        std::fs::write(&path, torn).unwrap();
        let again = Journal::open(&path).unwrap();
        assert_eq!(again.get("a"), Some(0.1));
        assert_eq!(again.get("b"), Some(vec![1, 2]));
        assert_eq!(again.get::<String>("a"), None, "another type is no value");
        again.put("c", &3).unwrap();
        assert_eq!(Journal::open(&path).unwrap().get("c"), Some(3), "the line after the torn one is whole");
    }

    #[test]
    fn without_a_file_nothing_is_kept() {
        let journal = Journal::default();
        journal.put("a", &1).unwrap();
        assert_eq!(journal.get::<i32>("a"), None);
    }
}

//! Runs the binary in a folder of its own.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// An empty folder that disappears with the test; the program runs in it.
pub struct Desk {
    folder: TempDir,
    environment: Vec<(&'static str, PathBuf)>,
}

/// What a run left behind.
pub struct Run {
    pub code: i32,
    pub stdout: Vec<u8>,
    pub stderr: String,
}

/// A sample of the repository.
pub fn sample(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets/images").join(name)
}

impl Desk {
    pub fn new() -> Desk {
        Desk { folder: tempfile::tempdir().unwrap(), environment: Vec::new() }
    }

    /// On a machine whose environment is different.
    pub fn with_environment(self, name: &'static str, value: PathBuf) -> Desk {
        let environment = self.environment.into_iter().chain([(name, value)]).collect();
        Desk { environment, ..self }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.path(name), bytes).unwrap();
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }

    /// Names in the folder, sorted.
    pub fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder.path()).unwrap();
        let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// Runs `calotype` with the words of `line`; `SAMPLE` stands for the sample image.
    pub fn run(&self, line: &str) -> Run {
        self.run_with(line, &[])
    }

    /// The same with `input` on standard input.
    pub fn run_with(&self, line: &str, input: &[u8]) -> Run {
        finished(self.command(line), input)
    }

    /// The same where other programs are only found in the folder `path` of the desk.
    pub fn run_on_path(&self, line: &str, path: &str) -> Run {
        let mut command = self.command(line);
        command.env("PATH", self.path(path));
        finished(command, &[])
    }

    /// Starts a run and does not wait for it.
    pub fn spawn(&self, line: &str) -> std::process::Child {
        self.command(line).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    /// A run that has not begun.
    pub fn prepared(&self, line: &str) -> Command {
        self.command(line)
    }

    fn command(&self, line: &str) -> Command {
        let sample = sample("SAMPLE.png");
        let words = line.split_whitespace().map(|word| if word == "SAMPLE" { sample.as_os_str() } else { word.as_ref() });
        let mut command = Command::new(env!("CARGO_BIN_EXE_calotype"));
        command.args(words).current_dir(self.folder.path()).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // Without it Mesa's choice of devices complains on standard error.
        command.env("XDG_RUNTIME_DIR", self.folder.path());
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// A run that succeeds, with the object it prints.
    pub fn json(&self, line: &str) -> Value {
        let run = self.run(line);
        assert_eq!(run.code, 0, "{line}: {}", run.stderr);
        let text = String::from_utf8(run.stdout).unwrap();
        assert_eq!(text.lines().count(), 1, "one object on one line");
        serde_json::from_str(&text).unwrap()
    }

    /// A run that fails with this exit code, says one line that holds `words`, and leaves the folder as it was.
    pub fn refused(&self, line: &str, code: i32, words: &str) {
        let before = self.names();
        let run = self.run(line);
        assert_eq!(run.code, code, "{line}: {}", run.stderr);
        assert_eq!(run.stderr.trim_end().lines().count(), 1, "{line}: {}", run.stderr);
        assert!(run.stderr.contains(words), "{line}: {:?} does not hold {words:?}", run.stderr);
        assert!(!run.stderr.contains("panicked"), "{line}: {}", run.stderr);
        assert!(run.stdout.is_empty(), "{line}");
        assert_eq!(self.names(), before, "{line}");
    }
}

/// Runs `command` to its end.
fn finished(mut command: Command, input: &[u8]) -> Run {
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    // A program that refuses its arguments never reads its input: the broken pipe is its right.
    let feeder = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let output = child.wait_with_output().unwrap();
    feeder.join().unwrap();
    Run { code: output.status.code().unwrap_or(-1), stdout: output.stdout, stderr: String::from_utf8(output.stderr).unwrap() }
}

/// A PPM whose pixels differ everywhere.
pub fn ppm(width: usize, height: usize) -> Vec<u8> {
    let mut bytes = format!("P6\n{width} {height}\n255\n").into_bytes();
    let positions = (0..height).flat_map(|y| (0..width).flat_map(move |x| (0..3).map(move |c| (x, y, c))));
    bytes.extend(positions.map(|(x, y, c)| (x * 3 + y * 5 + c * 60 + (x * y) % 17) as u8));
    bytes
}

/// Overwrites bytes of a one-tile file's header and makes its CRC fit again (docs/FORMAT.md sections 1 and 4).
pub fn with_header(file: &[u8], offset: usize, bytes: &[u8]) -> Vec<u8> {
    let mut file = file.to_vec();
    file[offset..offset + bytes.len()].copy_from_slice(bytes);
    let crc = crc32(&file[..40]);
    file[40..44].copy_from_slice(&crc.to_le_bytes());
    file
}

/// CRC-32 (IEEE), bit by bit.
pub fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, _| if crc & 1 == 1 { crc >> 1 ^ 0xEDB8_8320 } else { crc >> 1 };
    !bytes.iter().fold(u32::MAX, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), step))
}

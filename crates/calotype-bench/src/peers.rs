//! The codecs that ours is compared with: tools, settings and qualities, as data of a TOML file.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use serde::Deserialize;

use crate::command_codec::{CommandCodec, Container};
use crate::error::Error;

/// The codecs that are known by name.
const BUILT_IN: &str = include_str!("../peers.toml");

/// A file of codecs.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PeersFile {
    codec: Vec<Peer>,
}

/// A codec that can be compared with. `peers.toml` says what stands for what in arguments.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Peer {
    name: String,
    /// Of its curves; the name if left away.
    label: Option<String>,
    encoder: String,
    decoder: String,
    /// Arguments with which the encoder says its version.
    version: String,
    encode: String,
    decode: String,
    container: Container,
    ending: String,
    qualities: Vec<f64>,
    fine: Option<Series>,
}

/// Settings from one to another.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Series {
    from: f64,
    to: f64,
    count: u32,
    #[serde(default)]
    spacing: Spacing,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Spacing {
    #[default]
    Even,
    Logarithmic,
}

impl Series {
    fn settings(&self) -> Vec<f64> {
        let last = f64::from(self.count.saturating_sub(1).max(1));
        let at = |step: u32| match self.spacing {
            Spacing::Even => self.from + (self.to - self.from) * f64::from(step) / last,
            Spacing::Logarithmic => self.from * (self.to / self.from).powf(f64::from(step) / last),
        };
        (0..self.count).map(|step| (at(step) * 1e4).round() / 1e4).collect()
    }
}

/// The names that [`find_peer`] knows.
pub fn peer_names() -> impl Iterator<Item = &'static str> {
    built_in().iter().map(|peer| peer.name.as_str())
}

fn built_in() -> &'static [Peer] {
    static PEERS: LazyLock<Vec<Peer>> = LazyLock::new(|| parse(BUILT_IN, Path::new("peers.toml")).expect("a test of this crate reads it"));
    &PEERS
}

fn parse(text: &str, path: &Path) -> Result<Vec<Peer>, Error> {
    let malformed = |what: String| Error::Malformed { path: path.to_path_buf(), what };
    let file: PeersFile = toml::from_str(text).map_err(|error| malformed(in_one_line(text, &error)))?;
    let lacks = |peer: &Peer| {
        let needed = [(&peer.encode, "encode", "{in}"), (&peer.encode, "encode", "{out}"), (&peer.encode, "encode", "{q}")];
        let needed = needed.into_iter().chain([(&peer.decode, "decode", "{in}"), (&peer.decode, "decode", "{out}")]);
        let mut missing = needed.filter(|(arguments, _, variable)| arguments.matches(variable).count() != 1);
        missing.next().map(|(_, key, variable)| format!("codec \"{}\": {key} must hold {variable} once", peer.name))
    };
    match file.codec.iter().find_map(lacks) {
        Some(what) => Err(malformed(what)),
        None => Ok(file.codec),
    }
}

fn in_one_line(text: &str, error: &toml::de::Error) -> String {
    let line = error.span().map_or(1, |span| text[..span.start].matches('\n').count() + 1);
    format!("line {line}: {}", error.message().replace('\n', "; "))
}

/// The peer of this name, its tools each in the first of `folders` that holds it.
///
/// # Errors
/// [`Error::UnknownName`]; [`Error::MissingTool`]; [`Error::Tool`] if the encoder does not tell its version.
pub fn find_peer(name: &str, folders: &[PathBuf]) -> Result<CommandCodec, Error> {
    let known = || peer_names().collect::<Vec<_>>().join(", ");
    let peer =
        built_in().iter().find(|peer| peer.name == name).ok_or_else(|| Error::UnknownName { name: name.to_string(), known: known() })?;
    codec(peer, Path::new(""), folders)
}

/// The codecs of a TOML file like `peers.toml`, their tools in `folders`, or where they are paths, from the file's folder.
///
/// # Errors
/// [`Error::Io`]; [`Error::Malformed`]; then as [`find_peer`].
pub fn read_peers(path: &Path, folders: &[PathBuf]) -> Result<Vec<CommandCodec>, Error> {
    let text = fs::read_to_string(path).map_err(Error::io(path, "read"))?;
    let here = path.parent().filter(|parent| *parent != Path::new("")).unwrap_or(Path::new("."));
    parse(&text, path)?.iter().map(|peer| codec(peer, here, folders)).collect()
}

fn codec(peer: &Peer, here: &Path, folders: &[PathBuf]) -> Result<CommandCodec, Error> {
    let find =
        |tool: &str| find_tool(tool, here, folders).ok_or_else(|| Error::MissingTool { codec: peer.name.clone(), tool: tool.to_string() });
    let (encoder, decoder) = (find(&peer.encoder)?, find(&peer.decoder)?);
    let filled = |arguments: &str| arguments.replace("{here}", &here.display().to_string());
    Ok(CommandCodec {
        version: version(&encoder, &filled(&peer.version))?,
        label: peer.label.as_ref().unwrap_or(&peer.name).clone(),
        encoder,
        decoder,
        encode: filled(&peer.encode),
        decode: filled(&peer.decode),
        more: Vec::new(),
        container: peer.container,
        ending: peer.ending.clone(),
        qualities: peer.qualities.clone(),
        fine: peer.fine.as_ref().map_or_else(Vec::new, Series::settings),
    })
}

fn find_tool(name: &str, here: &Path, folders: &[PathBuf]) -> Option<PathBuf> {
    let file = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    if Path::new(name).components().count() > 1 {
        return Some(here.join(file)).filter(|path| path.is_file());
    }
    folders.iter().map(|folder| folder.join(&file)).find(|path| path.is_file())
}

/// The first line with a number that the tool says of itself, with its name in front. Tools disagree on the stream and on the exit code.
fn version(tool: &Path, arguments: &str) -> Result<String, Error> {
    let failed = |what: String| Error::Tool { tool: tool.to_path_buf(), what };
    let mut command = Command::new(tool);
    let output =
        command.args(arguments.split(' ')).stdin(Stdio::null()).output().map_err(|error| failed(format!("cannot run: {error}")))?;
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    let line = said.lines().map(str::trim).find(|line| line.contains(|letter: char| letter.is_ascii_digit()));
    let line = line.ok_or_else(|| failed(format!("{arguments} says no version")))?;
    let name = tool.file_stem().and_then(OsStr::to_str).unwrap_or_default();
    // An interpreter's name says nothing of the codec.
    let interpreter = arguments.split(' ').count() > 1;
    Ok(if interpreter || line.starts_with(name) { line.to_string() } else { format!("{name} {line}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"
        [[codec]]
        name = "mine"
        encoder = "sh"
        decoder = "sh"
        version = "{here}/codec.sh version"
        encode = "{here}/codec.sh {in} {out} {q}"
        decode = "{here}/codec.sh {in} {out}"
        container = "ppm"
        ending = "x"
        qualities = [1, 2.5]
    "#;

    #[test]
    fn built_in_codecs_are_complete() {
        assert_eq!(peer_names().collect::<Vec<_>>(), ["jpeg", "webp", "avif", "jxl"]);
        let fine =
            |name: &str| built_in().iter().find(|peer| peer.name == name).unwrap().fine.as_ref().map_or_else(Vec::new, Series::settings);
        assert_eq!(fine("avif"), (0..=63).rev().map(f64::from).collect::<Vec<_>>());
        let distances = fine("jxl");
        assert_eq!((distances.len(), distances[0], distances[1], distances[255]), (256, 25.0, 24.4645, 0.1));
    }

    #[test]
    fn unknown_names_and_missing_tools_are_told_apart() {
        assert!(matches!(find_peer("bpg", &[]), Err(Error::UnknownName { known, .. }) if known.contains("avif")));
        assert!(matches!(find_peer("jpeg", &[]), Err(Error::MissingTool { tool, .. }) if tool == "cjpeg"));
    }

    #[test]
    fn a_file_that_is_wrong_says_where() {
        let wrong = |text: &str, words: &str| {
            let Err(Error::Malformed { what, .. }) = parse(text, Path::new("a.toml")) else { panic!("{text} is taken") };
            assert!(what.contains(words), "{what}");
        };
        wrong(&FILE.replace("{q}", "50"), "encode must hold {q} once");
        wrong(&FILE.replace("ending", "endings"), "endings");
        wrong(&FILE.replace("\"ppm\"", "\"bmp\""), "bmp");
    }

    #[cfg(unix)]
    #[test]
    fn a_file_names_tools_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("peers.toml");
        fs::write(&path, FILE).unwrap();
        fs::write(folder.path().join("codec.sh"), "echo mine 3.1").unwrap();
        let tools = [PathBuf::from("/bin"), PathBuf::from("/usr/bin")];
        let [mine] = read_peers(&path, &tools).unwrap().try_into().unwrap();
        assert_eq!((mine.label.as_str(), mine.version.as_str(), mine.qualities), ("mine", "mine 3.1", vec![1.0, 2.5]));
        assert_eq!(mine.encode, format!("{}/codec.sh {{in}} {{out}} {{q}}", folder.path().display()));
    }
}

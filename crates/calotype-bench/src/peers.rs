//! The codecs that ours is compared with: their tools, settings and qualities.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::command_codec::{CommandCodec, Container};
use crate::error::Error;

/// A codec that can be compared with.
struct Peer {
    name: &'static str,
    label: &'static str,
    encoder: &'static str,
    decoder: &'static str,
    version: &'static str,
    encode: &'static str,
    decode: &'static str,
    container: Container,
    ending: &'static str,
    qualities: &'static [f64],
    fine: fn() -> Vec<f64>,
}

/// In the order in which reports show them; arguments as in [`CommandCodec`]. Settings are those of the field's published curves (docs/DECISIONS.md, peers).
const PEERS: [Peer; 4] = [
    Peer {
        name: "jpeg",
        label: "jpeg-turbo-420-optimized",
        encoder: "cjpeg",
        decoder: "djpeg",
        version: "-version",
        encode: "-quality {q} -optimize -sample 2x2 -outfile {out} {in}",
        decode: "-outfile {out} {in}",
        container: Container::Ppm,
        ending: "jpg",
        qualities: &[5.0, 10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 80.0, 90.0, 95.0],
        fine: Vec::new,
    },
    Peer {
        name: "webp",
        label: "webp-m6",
        encoder: "cwebp",
        decoder: "dwebp",
        version: "-version",
        encode: "-quiet -m 6 -mt -q {q} {in} -o {out}",
        decode: "-quiet -mt -ppm {in} -o {out}",
        container: Container::Ppm,
        ending: "webp",
        qualities: &[1.0, 10.0, 20.0, 30.0, 45.0, 60.0, 75.0, 85.0, 92.0, 97.0],
        fine: Vec::new,
    },
    Peer {
        name: "avif",
        label: "avif-aom-s6-444",
        encoder: "avifenc",
        decoder: "avifdec",
        version: "--version",
        encode: "-c aom -s 6 -j {threads} -y 444 -d 8 --min 0 --max 63 -a end-usage=q -a cq-level={q} {in} {out}",
        decode: "-j {threads} --png-compress 0 {in} {out}",
        container: Container::Png,
        ending: "avif",
        qualities: &[57.0, 52.0, 46.0, 40.0, 35.0, 29.0, 23.0, 18.0, 12.0, 6.0],
        fine: cq_levels,
    },
    Peer {
        name: "jxl",
        label: "jxl-e7",
        encoder: "cjxl",
        decoder: "djxl",
        version: "--version",
        encode: "{in} {out} -e 7 -d {q} --num_threads={threads}",
        decode: "{in} {out} --num_threads={threads}",
        container: Container::Ppm,
        ending: "jxl",
        qualities: &[15.0, 10.0, 7.0, 5.0, 3.5, 2.5, 1.6, 1.0, 0.6, 0.3],
        fine: distances,
    },
];

/// libaom's levels of constant quality.
fn cq_levels() -> Vec<f64> {
    (0..=63).rev().map(f64::from).collect()
}

/// Butteraugli distances from 25 to 0.1, each 2.2 % below the one before.
fn distances() -> Vec<f64> {
    (0..256).map(|step| (25.0 * 0.004_f64.powf(f64::from(step) / 255.0) * 1e4).round() / 1e4).collect()
}

/// The names that [`find_peer`] knows.
pub fn peer_names() -> Vec<&'static str> {
    PEERS.iter().map(|peer| peer.name).collect()
}

/// The peer of this name, its tools each in the first of `folders` that holds it.
///
/// # Errors
/// [`Error::UnknownName`]; [`Error::MissingTool`]; [`Error::Tool`] if the encoder does not tell its version.
pub fn find_peer(name: &str, folders: &[PathBuf]) -> Result<CommandCodec, Error> {
    let known = || peer_names().join(", ");
    let peer = PEERS.iter().find(|peer| peer.name == name).ok_or_else(|| Error::UnknownName { name: name.to_string(), known: known() })?;
    let find = |tool| find_tool(tool, folders).ok_or_else(|| Error::MissingTool { codec: name.to_string(), tool });
    let (encoder, decoder) = (find(peer.encoder)?, find(peer.decoder)?);
    Ok(CommandCodec {
        label: peer.label.to_string(),
        version: version(&encoder, peer)?,
        encoder,
        decoder,
        encode: peer.encode,
        decode: peer.decode,
        more: Vec::new(),
        container: peer.container,
        ending: peer.ending,
        qualities: peer.qualities.to_vec(),
        fine: (peer.fine)(),
    })
}

fn find_tool(name: &str, folders: &[PathBuf]) -> Option<PathBuf> {
    let file = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    folders.iter().map(|folder| folder.join(&file)).find(|path| path.is_file())
}

/// The first line that the tool says of itself, with its name in front. Tools disagree on the stream and on the exit code.
fn version(tool: &Path, peer: &Peer) -> Result<String, Error> {
    let failed = |what: String| Error::Tool { tool: tool.to_path_buf(), what };
    let mut command = Command::new(tool);
    let output = command.arg(peer.version).stdin(Stdio::null()).output().map_err(|error| failed(format!("cannot run: {error}")))?;
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    let line = said.lines().map(str::trim).find(|line| line.contains(|letter: char| letter.is_ascii_digit()));
    let line = line.ok_or_else(|| failed(format!("{} says no version", peer.version)))?;
    let name = tool.file_stem().and_then(OsStr::to_str).unwrap_or(peer.encoder);
    Ok(if line.starts_with(name) { line.to_string() } else { format!("{name} {line}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_argument_list_is_complete() {
        for peer in &PEERS {
            let holds = |arguments: &str, variable: &str| arguments.matches(variable).count() == 1;
            assert!(holds(peer.encode, "{in}") && holds(peer.encode, "{out}") && holds(peer.encode, "{q}"), "{}", peer.name);
            assert!(holds(peer.decode, "{in}") && holds(peer.decode, "{out}"), "{}", peer.name);
        }
    }

    #[test]
    fn unknown_names_and_missing_tools_are_told_apart() {
        assert!(matches!(find_peer("bpg", &[]), Err(Error::UnknownName { known, .. }) if known.contains("avif")));
        assert!(matches!(find_peer("jpeg", &[]), Err(Error::MissingTool { tool: "cjpeg", .. })));
    }
}

//! What is compared with what.

use std::path::{Path, PathBuf};

use calotype::Quality;

/// What one side of the view is to show, as it is chosen.
#[derive(Clone, Debug, PartialEq)]
pub enum Choice {
    /// The file in view.
    Current,
    /// The photograph that the file in view is, or was made of.
    Original,
    /// The photograph at a quality.
    Calotype(Quality),
    /// The photograph by another codec, with as many bytes as the other side has.
    Peer(&'static str),
    /// Another file.
    File(PathBuf),
}

/// What it shows, exactly.
#[derive(Clone, Debug, PartialEq)]
pub enum Side {
    /// A file as it is.
    File(PathBuf),
    /// A photograph at a quality.
    Calotype(PathBuf, Quality),
    /// A photograph by another codec, with about so many bytes.
    Peer(PathBuf, &'static str, u64),
}

/// How two sides are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compare {
    /// The first one alone.
    #[default]
    Off,
    /// One beside the other, with a border that moves.
    Split,
    /// Their difference.
    Difference,
    /// One after the other.
    Flicker,
}

/// What lies over the picture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Overlay {
    /// Nothing.
    #[default]
    None,
    /// Bits of each latent position.
    Bits,
    /// Their mean log2 sigma.
    Sigma,
    /// Values of one latent channel.
    Channel(usize),
}

impl Side {
    /// The file that it comes from.
    pub fn photo(&self) -> &Path {
        match self {
            Side::File(path) | Side::Calotype(path, _) | Side::Peer(path, ..) => path,
        }
    }
}

impl Choice {
    /// From a word of the command line: `original`, `q` and a number, the name of a codec, or a file.
    pub fn parse(word: &str) -> Choice {
        let quality = word.strip_prefix('q').and_then(|points| points.parse().ok()).and_then(|points| Quality::new(points).ok());
        let peer = calotype_bench::peer_names().find(|name| *name == word);
        match (word, quality, peer) {
            ("original", ..) => Choice::Original,
            (_, Some(quality), _) => Choice::Calotype(quality),
            (_, _, Some(name)) => Choice::Peer(name),
            _ => Choice::File(PathBuf::from(word)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_choices() {
        assert_eq!(Choice::parse("original"), Choice::Original);
        assert_eq!(Choice::parse("q40"), Choice::Calotype(Quality::new(40.0).unwrap()));
        assert_eq!(Choice::parse("avif"), Choice::Peer("avif"));
        for file in ["q400", "q.png", "x/avif", "photo.calo"] {
            assert_eq!(Choice::parse(file), Choice::File(PathBuf::from(file)));
        }
    }
}

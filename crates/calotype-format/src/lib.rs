//! The .calo container: header, section table, tile index, checksums (docs/FORMAT.md sections 1-5).
//!
//! [`write()`] makes a file of a header, sections and the coded streams of its tiles; [`File::parse`] takes one apart
//! without copying, [`File::parse_prefix`] what has come of one; [`Header::parse`] reads the header alone. No input makes them panic or allocate
//! out of proportion to its length.
//!
//! ```
//! use calotype_format::{File, Header, TileStreams, write};
//!
//! let header = Header { development: true, grey: false, folded: false, depth: 8, width: 2, height: 1, model_id: [0; 8], fineness: 8064, tile_log2: 10 };
//! let mut tile = TileStreams { z: vec![1, 0, 0, 0], ..TileStreams::default() };
//! tile.y[0] = vec![1, 0, 0, 0, 7, 7];
//! let bytes = write(&header, &[], &[tile]).unwrap();
//! assert_eq!(bytes.len(), 44 + 4 + 6);
//! let file = File::parse(&bytes, 1 << 30).unwrap();
//! assert_eq!(file.header, header);
//! assert_eq!(file.tiles[0].y[0], [1, 0, 0, 0, 7, 7]);
//! ```

#![forbid(unsafe_code)]

mod alpha;
mod error;
mod fold;
mod header;
pub mod layout;
mod read;
mod tiles;
mod write;

pub use alpha::{alpha_section, alpha_streams};
pub use error::{Error, Fault, Feature, Misuse};
pub use fold::Fold;
pub use header::Header;
pub use read::{File, Held, SectionRef, TileRef};
pub use tiles::Region;
pub use write::{Section, TileStreams, write};

//! Any bytes as a container; what is read is written again, the same.
#![no_main]

use calotype_format::layout::section;
use calotype_format::{File, Section, TileStreams, alpha_streams, write};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = File::parse(bytes, 1 << 30);
    let bytes = calotype_fuzz::mended(bytes);
    let Ok(file) = File::parse(&bytes, 1 << 30) else { return };
    let _ = file.section(section::ALPHA).map(|alpha| alpha_streams(alpha, file.tiles.len()));
    let sections: Vec<Section> = file.sections.iter().map(|section| Section { tag: section.tag, bytes: section.bytes.to_vec() }).collect();
    let tiles: Vec<TileStreams> = file.tiles.iter().map(|tile| TileStreams { z: tile.z.to_vec(), y: tile.y.map(<[u8]>::to_vec) }).collect();
    assert_eq!(write(&file.header, &sections, &tiles).expect("a file that was read"), bytes);
});

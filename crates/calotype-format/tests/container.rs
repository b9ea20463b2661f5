//! Files come back as they went in; damaged, hostile and unknown ones are errors of the right kind, never panics.

use calotype_format::{Error, Fault, Feature, File, Fold, Header, Held, Misuse, Region, Section, TileStreams, write};
use proptest::prelude::*;

const NO_LIMIT: u64 = u64::MAX;

fn header() -> Header {
    Header {
        development: false,
        grey: false,
        folded: false,
        depth: 8,
        width: 100,
        height: 65,
        model_id: *b"abcdefgh",
        fineness: 16_128,
        tile_log2: 6,
    }
}

/// Four tiles, two sections of which one is empty.
fn sample() -> Vec<u8> {
    let sections = [Section { tag: *b"noTe", bytes: b"kept".to_vec() }, Section { tag: *b"voId", bytes: vec![] }];
    let part = |tile: u8, part: usize| if part < 4 { vec![10 * tile + part as u8; usize::from(tile)] } else { vec![] };
    let tiles: Vec<TileStreams> = (0..4).map(|tile| TileStreams { z: vec![tile; 4], y: std::array::from_fn(|g| part(tile, g)) }).collect();
    write(&header(), &sections, &tiles).unwrap()
}

/// The same file with other bytes at `offset`, and the header CRC made to fit.
fn patched(file: &[u8], offset: usize, bytes: &[u8]) -> Vec<u8> {
    let mut file = file.to_vec();
    file[offset..][..bytes.len()].copy_from_slice(bytes);
    let crc_at = 28 + 2 * 12 + 4 * 40;
    let crc = crc32fast::hash(&file[..crc_at]);
    file[crc_at..][..4].copy_from_slice(&crc.to_le_bytes());
    file
}

fn malformed(file: &[u8]) -> (u64, Fault) {
    match File::parse(file, NO_LIMIT) {
        Err(Error::Malformed { offset, what }) => (offset, what),
        other => panic!("{other:?}"),
    }
}

#[test]
fn sections_and_streams_come_back() {
    let bytes = sample();
    let file = File::parse(&bytes, 6500).unwrap();
    assert_eq!(file.header, header());
    assert_eq!((file.sections[0].tag, file.sections[0].bytes), (*b"noTe", b"kept".as_slice()));
    assert_eq!((file.sections[1].tag, file.sections[1].bytes), (*b"voId", b"".as_slice()));
    assert_eq!((file.tiles[3].z, file.tiles[3].y[2]), ([3; 4].as_slice(), [32; 3].as_slice()));
    assert_eq!(Header::parse(&bytes[..28]), Ok(header()));
    assert_eq!(patched(&bytes, 0, b"C"), bytes);
}

#[test]
fn truncation_at_every_byte_is_an_error() {
    let bytes = sample();
    for length in 0..bytes.len() {
        match File::parse(&bytes[..length], NO_LIMIT).unwrap_err() {
            Error::NotCalo => assert!(length < 4),
            Error::Malformed { offset, what: Fault::Truncated { needed } } => {
                assert!(offset == length as u64 && needed > offset && needed <= bytes.len() as u64)
            }
            other => panic!("{length}: {other}"),
        }
    }
}

/// The first bytes hold the first parts of all tiles; what they hold of a tile, they say.
#[test]
fn a_prefix_holds_what_has_come() {
    let bytes = sample();
    let bodies = 28 + 24 + 160 + 4;
    for length in 0..=bytes.len() {
        let prefix = File::parse_prefix(&bytes[..length], NO_LIMIT);
        if length < bodies + 4 {
            assert!(prefix.is_err(), "{length}");
            continue;
        }
        let (file, whole) = (prefix.unwrap(), File::parse(&bytes, NO_LIMIT).unwrap());
        let held = file.tiles.iter().map(|tile| tile.z.len() + tile.y.concat().len()).sum::<usize>();
        assert_eq!((held, file.length), (length - bodies - 4, bytes.len() as u64));
        for (tile, whole) in file.tiles.iter().zip(&whole.tiles) {
            let (some, all) = ([tile.z, &tile.y.concat()].concat(), [whole.z, &whole.y.concat()].concat());
            assert!(all.starts_with(&some) || tile.held == Held::Nothing);
            let expected = if some == all {
                Held::Whole
            } else if tile.z == whole.z {
                Held::Scales
            } else {
                Held::Nothing
            };
            assert_eq!(tile.held, expected);
        }
    }
}

#[test]
fn every_flipped_bit_is_an_error() {
    let bytes = sample();
    for bit in 0..8 * bytes.len() {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(File::parse(&flipped, NO_LIMIT).is_err(), "bit {bit}");
    }
    assert!(File::parse(&bytes, NO_LIMIT).is_ok());
}

#[test]
fn checksums_name_their_part() {
    let bytes = sample();
    let flipped = |offset: usize| {
        let mut flipped = bytes.clone();
        flipped[offset] ^= 1;
        malformed(&flipped)
    };
    let bodies = 28 + 24 + 160 + 4;
    assert!(matches!(flipped(16), (212, Fault::HeaderCrc { .. })));
    assert!(matches!(flipped(212), (212, Fault::HeaderCrc { .. })));
    assert!(matches!(flipped(bodies), (216, Fault::SectionCrc { section: 0, .. })));
    assert!(matches!(flipped(bodies + 4 + 15), (_, Fault::TileCrc { tile: 3, .. })));
    assert!(matches!(flipped(bytes.len() - 1), (_, Fault::TileCrc { tile: 3, .. })));
}

#[test]
fn lengths_must_add_up() {
    let mut longer = sample();
    let end = longer.len() as u64;
    longer.extend([0, 0]);
    assert_eq!(malformed(&longer), (end, Fault::TrailingBytes { bytes: 2 }));
    assert_eq!(malformed(&patched(&sample(), 28 + 4, &u32::MAX.to_le_bytes())).0, end);
    assert_eq!(malformed(&patched(&sample(), 60, &[0xFF; 8])), (end, Fault::Truncated { needed: end + 2 * u64::from(u32::MAX) }));
}

#[test]
fn unknown_things_are_unsupported() {
    let unsupported = |offset: usize, bytes: &[u8]| match File::parse(&patched(&sample(), offset, bytes), NO_LIMIT) {
        Err(Error::Unsupported { feature }) => feature,
        other => panic!("{other:?}"),
    };
    assert_eq!(unsupported(4, &[2]), Feature::FormatVersion(2));
    assert_eq!(unsupported(5, &[0]), Feature::SemanticsVersion(0));
    assert_eq!(unsupported(6, &[3]), Feature::Flags(3));
    assert_eq!(unsupported(6, &[128]), Feature::Flags(128));
    assert_eq!(unsupported(7, &[12]), Feature::Depth(12));
    assert_eq!(unsupported(28, b"Note"), Feature::Section(*b"Note"));
    assert_eq!(File::parse(b"PNG?", NO_LIMIT), Err(Error::NotCalo));
    assert_eq!(File::parse(&[], NO_LIMIT), Err(Error::NotCalo));
}

#[test]
fn fields_out_of_range_are_malformed() {
    let patch = |offset: usize, bytes: &[u8]| malformed(&patched(&sample(), offset, bytes));
    assert_eq!(patch(8, &[0; 4]), (8, Fault::Empty { width: 0, height: 65 }));
    assert_eq!(patch(12, &[0; 4]), (8, Fault::Empty { width: 100, height: 0 }));
    assert_eq!(patch(24, &16_129_u16.to_le_bytes()), (24, Fault::Fineness(16_129)));
    assert_eq!(patch(26, &[5]), (26, Fault::TileLog2(5)));
    assert_eq!(patch(26, &[17]), (26, Fault::TileLog2(17)));
    assert_eq!(patch(28, b"no e"), (28, Fault::SectionTag(*b"no e")));
    assert_eq!(patch(40, b"noTe"), (40, Fault::RepeatedSection(*b"noTe")));
}

/// A header alone may promise anything; the reader allocates nothing for it.
#[test]
fn huge_pictures_are_refused_before_anything_is_allocated() {
    let with_size = |side: u32, tile_log2: u8| Header { width: side, height: side, tile_log2, ..header() };
    let head = |header: &Header| {
        let mut bytes = sample()[..28].to_vec();
        bytes[8..12].copy_from_slice(&header.width.to_le_bytes());
        bytes[12..16].copy_from_slice(&header.height.to_le_bytes());
        bytes[26] = header.tile_log2;
        bytes
    };
    let large = with_size(100_000, 6);
    let limit = 1 << 30;
    assert_eq!(File::parse(&head(&large), limit), Err(Error::TooManyPixels { width: 100_000, height: 100_000, limit }));
    assert_eq!(Header::parse(&head(&large)), Ok(large));
    for tile_log2 in [6, 16] {
        let largest = with_size(u32::MAX, tile_log2);
        let entries = 1_u64 << (2 * (32 - tile_log2));
        assert_eq!((largest.tile_count(), largest.pixels()), (entries, u64::from(u32::MAX).pow(2)));
        assert!(
            matches!(malformed(&head(&largest)), (28, Fault::Truncated { needed }) if needed == 28 + 24 + 40 * entries || needed == 28 + 24)
        );
        assert!(write(&largest, &[], &[]).is_err());
    }
    assert!(File::parse(&sample(), 6499).is_err());
}

#[test]
fn what_makes_no_file_is_not_written() {
    let unwritable =
        |header: Header, sections: &[Section], tiles: usize| match write(&header, sections, &vec![TileStreams::default(); tiles]) {
            Err(Error::Unwritable { what }) => what,
            other => panic!("{other:?}"),
        };
    assert_eq!(unwritable(header(), &[], 3), Misuse::TileCount { expected: 4, got: 3 });
    assert_eq!(unwritable(Header { width: 0, ..header() }, &[], 0), Misuse::Empty { width: 0, height: 65 });
    assert_eq!(unwritable(Header { fineness: 20_000, ..header() }, &[], 4), Misuse::Fineness(20_000));
    assert_eq!(unwritable(Header { depth: 10, ..header() }, &[], 4), Misuse::Depth(10));
    assert_eq!(unwritable(Header { tile_log2: 255, ..header() }, &[], 1), Misuse::TileLog2(255));
    let section = |tag: &[u8; 4]| Section { tag: *tag, bytes: vec![] };
    assert_eq!(unwritable(header(), &[section(b"a1aa")], 4), Misuse::SectionTag(*b"a1aa"));
    assert_eq!(unwritable(header(), &vec![section(b"aaaa"); 256], 4), Misuse::SectionCount(256));
    assert_eq!(unwritable(header(), &[section(b"aaaa"), section(b"bbbb"), section(b"aaaa")], 4), Misuse::RepeatedSection(*b"aaaa"));
}

#[test]
fn tiles_cover_the_picture_in_raster_order() {
    let tiles: Vec<Region> = header().tiles().collect();
    let rect = |x, y, width, height| Region { x, y, width, height };
    assert_eq!(tiles, [rect(0, 0, 64, 64), rect(64, 0, 36, 64), rect(0, 64, 64, 1), rect(64, 64, 36, 1)]);
    let edge = Header { width: u32::MAX, height: 1, tile_log2: 16, ..header() };
    assert_eq!(edge.tiles().last(), Some(rect(u32::MAX - 65_535, 0, 65_535, 1)));
}

#[test]
fn tiles_of_a_folded_picture_lie_in_what_is_coded() {
    let thin = Header { width: 9, height: 1000, folded: true, ..header() };
    assert_eq!((thin.coded_extent(), thin.pixels()), ((63, 143), 9000));
    let rect = |y, height| Region { x: 0, y, width: 63, height };
    assert_eq!(thin.tiles().collect::<Vec<_>>(), [rect(0, 64), rect(64, 64), rect(128, 15)]);
    assert_eq!((thin.tile_count(), thin.tile_columns()), (3, 1));
    let unfolded = Header { folded: false, ..thin };
    assert_eq!((unfolded.coded_extent(), unfolded.tile_count()), ((9, 1000), 16));
    // The flag says so, and nothing else.
    let file = write(&thin, &[], &vec![TileStreams::default(); 3]).unwrap();
    assert_eq!((file[6], Header::parse(&file)), (8, Ok(thin)));
}

/// A picture that is not thin has one way to be coded.
#[test]
fn what_is_not_thin_is_not_folded() {
    let (width, height) = (100, 65);
    assert_eq!(malformed(&patched(&sample(), 6, &[8])), (6, Fault::Fold { width, height }));
    let tiles = vec![TileStreams::default(); 4];
    let folded = write(&Header { folded: true, ..header() }, &[], &tiles);
    assert_eq!(folded, Err(Error::Unwritable { what: Misuse::Fold { width, height } }));
}

fn any_header() -> impl Strategy<Value = Header> {
    let sample_kind = (any::<bool>(), any::<bool>(), any::<bool>(), prop::sample::select(vec![8, 16]));
    let thin_or_not = || prop_oneof![1_u32..20, 1_u32..400];
    (sample_kind, thin_or_not(), thin_or_not(), any::<[u8; 8]>(), 0_u16..=16_128, 6_u8..=16).prop_map(
        |((development, grey, folded, depth), width, height, model_id, fineness, tile_log2)| Header {
            development,
            grey,
            folded: folded && Fold::of(width, height).is_some(),
            depth,
            width,
            height,
            model_id,
            fineness,
            tile_log2,
        },
    )
}

fn any_section() -> impl Strategy<Value = Section> {
    ("[a-z][a-zA-Z]{3}", prop::collection::vec(any::<u8>(), 0..40))
        .prop_map(|(tag, bytes)| Section { tag: tag.into_bytes().try_into().unwrap(), bytes })
}

/// Each tag once, as a reader demands.
fn any_sections() -> impl Strategy<Value = Vec<Section>> {
    prop::collection::vec(any_section(), 0..5).prop_map(|mut sections| {
        sections.sort_by_key(|section| section.tag);
        sections.dedup_by_key(|section| section.tag);
        sections
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    #[test]
    fn any_file_comes_back(
        header in any_header(), sections in any_sections(),
        streams in prop::collection::vec((prop::collection::vec(any::<u8>(), 0..20), prop::array::uniform8(prop::collection::vec(any::<u8>(), 0..9))), 49),
    ) {
        let tiles: Vec<TileStreams> = streams.into_iter().take(header.tile_count() as usize).map(|(z, y)| TileStreams { z, y }).collect();
        let bytes = write(&header, &sections, &tiles).unwrap();
        let file = File::parse(&bytes, header.pixels()).unwrap();
        prop_assert_eq!(file.header, header);
        prop_assert_eq!(file.header.tiles().count(), file.tiles.len());
        prop_assert!(file.sections.iter().map(|section| (section.tag, section.bytes)).eq(sections.iter().map(|section| (section.tag, &section.bytes[..]))));
        prop_assert!(file.tiles.iter().map(|tile| (tile.z, tile.y.concat())).eq(tiles.iter().map(|tile| (&tile.z[..], tile.y.concat()))));
        prop_assert!(tiles.len() == 1 || file.tiles.iter().zip(&tiles).all(|(file, tile)| file.y == tile.y.each_ref().map(|part| &part[..])));
    }

    /// With the CRC made to fit, so that the bytes get past it.
    #[test]
    fn any_bytes_after_the_magic_never_panic(mut bytes in prop::collection::vec(any::<u8>(), 28..320), plain in any::<bool>()) {
        bytes[..8].copy_from_slice(b"CALO\x01\x01\x00\x08");
        if plain {
            bytes[8..28].copy_from_slice(&sample()[8..28]);
            bytes[27] %= 3;
        }
        let crc_at = 28 + usize::from(bytes[27]) * 12 + 160;
        if crc_at + 4 <= bytes.len() {
            let crc = crc32fast::hash(&bytes[..crc_at]);
            bytes[crc_at..][..4].copy_from_slice(&crc.to_le_bytes());
        }
        prop_assert!(File::parse(&bytes, NO_LIMIT).is_err());
    }
}

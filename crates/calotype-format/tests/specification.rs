//! FORMAT.md's tables and hex block against the code.

use calotype_format::layout::{self, Field};
use calotype_format::{File, Fold, Header, TileStreams, write};

const FORMAT: &str = include_str!("../../../docs/FORMAT.md");

/// Rows of the table that follows `<!-- table: name -->`, without its head.
fn table<'a>(document: &'a str, name: &str) -> Vec<Vec<&'a str>> {
    let (_, after) = document.split_once(&format!("<!-- table: {name} -->")).expect(name);
    let rows = after.trim_start().lines().take_while(|line| line.starts_with('|')).skip(2);
    rows.map(|line| line.trim_matches('|').split('|').map(str::trim).collect()).collect()
}

/// Bytes of the block that follows `<!-- hex: name -->`.
fn hex(document: &str, name: &str) -> Vec<u8> {
    let (_, after) = document.split_once(&format!("<!-- hex: {name} -->")).expect(name);
    let lines = after.trim_start_matches('\n').lines().take_while(|line| line.starts_with("    "));
    lines.flat_map(str::split_whitespace).map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect()
}

type Named = (&'static str, Field);

const HEADER: [Named; 11] = [
    ("magic", layout::HEADER_MAGIC),
    ("format_version", layout::HEADER_FORMAT_VERSION),
    ("semantics_version", layout::HEADER_SEMANTICS_VERSION),
    ("flags", layout::HEADER_FLAGS),
    ("depth", layout::HEADER_DEPTH),
    ("width", layout::HEADER_WIDTH),
    ("height", layout::HEADER_HEIGHT),
    ("model_id", layout::HEADER_MODEL_ID),
    ("fineness", layout::HEADER_FINENESS),
    ("tile_log2", layout::HEADER_TILE_LOG2),
    ("section_count", layout::HEADER_SECTION_COUNT),
];
const SECTION: [Named; 3] = [("tag", layout::SECTION_TAG), ("length", layout::SECTION_LENGTH), ("crc", layout::SECTION_CRC)];
const TILE: [Named; 3] = [("z_bytes", layout::TILE_Z_BYTES), ("crc", layout::TILE_CRC), ("y_bytes", layout::TILE_Y_BYTES)];

/// Whether a table's offsets, sizes and names are the code's, without gaps and `size` bytes long.
fn layout_agrees(document: &str, name: &str, fields: &[Named], size: usize) -> bool {
    let rows = table(document, name);
    let row_agrees = |(row, (field_name, field)): (&Vec<&str>, &Named)| {
        row[2] == *field_name && row[0].parse() == Ok(field.offset) && row[1].parse() == Ok(field.bytes)
    };
    let ends = fields.iter().map(|(_, field)| field.offset + field.bytes);
    let begins = fields.iter().map(|(_, field)| field.offset).skip(1).chain([size]);
    rows.len() == fields.len() && rows.iter().zip(fields).all(row_agrees) && ends.eq(begins)
}

/// Numbers in a cell of the header table.
fn header_numbers(document: &str, field: &str) -> Vec<u64> {
    let rows = table(document, "header");
    let row = rows.iter().find(|row| row[2] == field).expect(field);
    row[3].split(|c: char| !c.is_ascii_digit()).filter_map(|digits| digits.parse().ok()).collect()
}

fn header_values_agree(document: &str) -> bool {
    let first = |field: &str| header_numbers(document, field).first().copied();
    let (magic, tile_log2) = (&table(document, "header")[0][3], header_numbers(document, "tile_log2"));
    magic.contains("`43 41 4C 4F`")
        && layout::MAGIC == [0x43, 0x41, 0x4C, 0x4F]
        && first("format_version") == Some(layout::FORMAT_VERSION.into())
        && first("semantics_version") == Some(layout::SEMANTICS_VERSION.into())
        && header_numbers(document, "depth") == layout::DEPTHS.map(u64::from)
        && first("width") == Some(1)
        && first("height") == Some(1)
        && header_numbers(document, "fineness")[..2] == [0, u64::from(layout::LARGEST_FINENESS)]
        && tile_log2.ends_with(&[layout::SMALLEST_TILE_LOG2.into(), layout::LARGEST_TILE_LOG2.into()])
}

fn flags_agree(document: &str) -> bool {
    let rows = table(document, "flags");
    let flags = rows.iter().map(|row| (1_u8 << row[0].parse::<u8>().unwrap(), row[1]));
    flags.eq([
        (layout::FLAG_DEVELOPMENT, "development"),
        (layout::FLAG_ANIMATION, "animation"),
        (layout::FLAG_GREY, "grey"),
        (layout::FLAG_FOLDED, "folded"),
    ]) && layout::FLAGS == layout::FLAG_DEVELOPMENT | layout::FLAG_GREY | layout::FLAG_FOLDED
        && document.contains("Bits 4-7 are reserved")
}

/// The equations' constants, and the table's folds.
fn folds_agree(document: &str) -> bool {
    let fold = |row: &Vec<&str>| {
        let [width, height, strips, length, columns, rows] = row[..].try_into().ok().and_then(numbers)?;
        let fold = Fold::of(width, height)?;
        (fold.strips == strips && fold.length == length && fold.extent() == (columns, rows)).then_some(())
    };
    let (below, above, side) = (layout::FOLD_BELOW, layout::FOLD_ABOVE, layout::FOLDED_SIDE);
    document.contains(&format!("only where s < {below} and l > {above};"))
        && document.contains(&format!("n = floor({side} / s)"))
        && table(document, "folds").iter().all(|row| fold(row).is_some())
}

fn numbers(cells: [&str; 6]) -> Option<[u32; 6]> {
    let numbers: Vec<u32> = cells.iter().filter_map(|cell| cell.parse().ok()).collect();
    numbers.try_into().ok()
}

fn sections_agree(document: &str) -> bool {
    let rows = table(document, "sections");
    let tags = rows.iter().map(|row| row[0].trim_matches('`').as_bytes());
    tags.eq(layout::section::ALL.iter().map(|tag| &tag[..]))
}

fn example() -> (Header, TileStreams) {
    let header = Header {
        development: true,
        grey: false,
        folded: false,
        depth: 8,
        width: 2,
        height: 1,
        model_id: [0, 1, 2, 3, 4, 5, 6, 7],
        fineness: 8064,
        tile_log2: 10,
    };
    let mut tile = TileStreams { z: vec![1, 0, 0, 0], ..TileStreams::default() };
    (tile.y[0], tile.y[3]) = (vec![1, 0, 2, 0], vec![3, 0]);
    (header, tile)
}

fn example_agrees(document: &str) -> bool {
    let (header, tile) = example();
    let file = hex(document, "minimal");
    let parsed = File::parse(&file, u64::MAX);
    let same = |parsed: &File<'_>| parsed.header == header && parsed.tiles[0].z == tile.z && parsed.tiles[0].y[0] == tile.y.concat();
    parsed.is_ok_and(|parsed| same(&parsed) && parsed.tiles.len() == 1 && parsed.sections.is_empty())
        && write(&header, &[], &[tile]).is_ok_and(|written| written == file)
}

/// "N = 1 if the picture is one tile, else N = 8", and entries of 8 + 4 N bytes.
fn parts_agree(document: &str) -> bool {
    let parts = [layout::y_parts(1), layout::y_parts(2)];
    document.contains(&format!("N = {} if the\npicture is one tile, else N = {}", parts[0], parts[1]))
        && document.contains("entry of 8 + 4 N bytes")
        && [1, 2].map(layout::tile_entry_bytes) == parts.map(|parts| 8 + 4 * parts)
}

fn document_agrees(document: &str) -> bool {
    layout_agrees(document, "header", &HEADER, layout::HEADER_BYTES)
        && layout_agrees(document, "section", &SECTION, layout::SECTION_ENTRY_BYTES)
        && layout_agrees(document, "tile", &TILE, layout::tile_entry_bytes(1))
        && header_values_agree(document)
        && parts_agree(document)
        && flags_agree(document)
        && folds_agree(document)
        && sections_agree(document)
        && example_agrees(document)
}

#[test]
fn layouts_are_those_of_the_document() {
    assert!(layout_agrees(FORMAT, "header", &HEADER, layout::HEADER_BYTES));
    assert!(layout_agrees(FORMAT, "section", &SECTION, layout::SECTION_ENTRY_BYTES));
    assert!(layout_agrees(FORMAT, "tile", &TILE, layout::tile_entry_bytes(1)));
}

#[test]
fn values_are_those_of_the_document() {
    assert!(header_values_agree(FORMAT));
    assert!(flags_agree(FORMAT));
    assert!(folds_agree(FORMAT));
    assert!(parts_agree(FORMAT));
    assert!(sections_agree(FORMAT));
}

#[test]
fn the_example_is_read_and_written() {
    assert!(example_agrees(FORMAT));
}

#[test]
fn overhead_is_that_of_the_document() {
    let (header, tile) = example();
    let overhead = write(&header, &[], &[tile]).unwrap().len() - 10;
    assert_eq!(overhead, layout::HEADER_BYTES + layout::tile_entry_bytes(1) + layout::HEADER_CRC_BYTES);
    assert!(FORMAT.contains(&format!("A plain photograph of one tile has {overhead} bytes beside its streams")));
}

#[test]
fn a_changed_document_is_noticed() {
    let changes = [
        ("| 8 | 4 | width |", "| 8 | 2 | width |"),
        ("| 7 | 1 | depth |", "| 9 | 1 | depth |"),
        ("| tile_log2 |", "| tile_side |"),
        ("`43 41 4C 4F`", "`43 41 4C 50`"),
        ("| format_version | 1 |", "| format_version | 2 |"),
        ("output; 8 or 16 |", "output; 8 or 12 |"),
        ("| `exif` |", "| `exiF` |"),
        ("| 2 | grey |", "| 3 | grey |"),
        ("| 3 | folded |", "| 4 | folded |"),
        ("s < 16 and", "s < 32 and"),
        ("| 143 | 63 |", "| 144 | 63 |"),
        ("Q in 0..16128", "Q in 0..16384"),
        ("pixels, 6 to 16 |", "pixels, 5 to 16 |"),
        ("| 0 | development |", "| 1 | development |"),
        ("| 4 | 4 | length |", "| 5 | 4 | length |"),
        ("| 8 | 4 | y_bytes |", "| 4 | 4 | y_bytes |"),
        ("else N = 8,", "else N = 9,"),
        ("43 41 4C 4F 01", "43 41 4C 4F 02"),
        ("    01 00 02 00 03 00", "    01 00 02 00 03 01"),
    ];
    assert!(document_agrees(FORMAT));
    for (was, is) in changes {
        let changed = FORMAT.replacen(was, is, 1);
        assert_ne!(changed, FORMAT, "{was} is not in the document");
        assert!(!document_agrees(&changed), "{was} -> {is} went unnoticed");
    }
}

//! FORMAT.md's tables of lanes and groups against the code.

use calotype_rans::{GROUPS, LANES, group, lanes};

const FORMAT: &str = include_str!("../../../docs/FORMAT.md");

/// The rows `from, to, lanes` of the table of lanes.
fn rows(document: &str) -> Vec<[u64; 3]> {
    let (_, table) = document.split_once("<!-- table: lanes -->").expect("the table of lanes");
    let rows = table.trim_start().lines().take_while(|line| line.starts_with('|')).skip(2);
    rows.map(|line| line.trim_matches('|').split('|').map(|cell| cell.trim().parse().unwrap()).collect::<Vec<_>>().try_into().unwrap())
        .collect()
}

/// Whether the code's lanes are those of the rows, at their first and last symbol counts, without gaps.
fn agrees(rows: &[[u64; 3]]) -> bool {
    let limits = rows.iter().map(|row| (row[1], row[2] as usize));
    let ends = rows.iter().all(|row| lanes(row[0] as usize) == row[2] as usize && lanes(row[1] as usize) == row[2] as usize);
    let adjacent = rows[0][0] == 1 && rows.windows(2).all(|pair| pair[0][1] + 1 == pair[1][0]);
    ends && adjacent && limits.eq(LANES.map(|(upto, lanes)| (u64::from(upto), lanes)))
}

#[test]
fn lanes_are_those_of_the_document() {
    assert_eq!(rows(FORMAT).len(), LANES.len());
    assert!(agrees(&rows(FORMAT)));
    assert_eq!(lanes(0), 0);
}

#[test]
fn a_changed_document_is_noticed() {
    for (was, is) in [("| 1 | 32767 |", "| 1 | 32768 |"), ("| 2097151 | 4 |", "| 2097151 | 8 |"), ("| 4194304 |", "| 4194305 |")] {
        let changed = FORMAT.replacen(was, is, 1);
        assert_ne!(changed, FORMAT);
        assert!(!agrees(&rows(&changed)), "{was}");
    }
}

/// The rows `group, first channel, last channel or nothing` of the table of groups.
fn groups_agree(document: &str) -> bool {
    let (_, table) = document.split_once("<!-- table: groups -->").expect("the table of groups");
    let rows: Vec<Vec<Option<usize>>> = table
        .trim_start()
        .lines()
        .take_while(|line| line.starts_with('|'))
        .skip(2)
        .map(|line| line.trim_matches('|').split('|').map(|cell| cell.trim().parse().ok()).collect())
        .collect();
    let row_agrees = |(g, row): (usize, &Vec<Option<usize>>)| {
        let end = row[2].map_or(1000, |last| last + 1);
        row[0] == Some(g) && row[1] == Some(group(g, 1000).start) && group(g, 1000).end == end
    };
    rows.len() == GROUPS && rows.iter().enumerate().all(row_agrees)
}

#[test]
fn groups_are_those_of_the_document() {
    assert!(groups_agree(FORMAT));
    assert!(!groups_agree(&FORMAT.replacen("| 3 | 8 | 15 |", "| 3 | 8 | 16 |", 1)));
    assert!(!groups_agree(&FORMAT.replacen("| 7 | 128 | |", "| 7 | 128 | 383 |", 1)));
    assert_eq!(group(2, 6), 4..6);
    assert!((3..GROUPS).all(|g| group(g, 6).is_empty()));
}

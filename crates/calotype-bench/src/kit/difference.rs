//! Where two results differ first, in words.

/// The first byte that differs, as "file: byte 40 of 180 is 0x17 instead of 0x16; 12 of 180 bytes differ"; `None` for equal files.
pub fn of_files(found: &[u8], expected: &[u8]) -> Option<String> {
    if found.len() != expected.len() {
        let common = found.iter().zip(expected).take_while(|(a, b)| a == b).count();
        return Some(format!("file: {} bytes instead of {}, equal up to byte {common}", found.len(), expected.len()));
    }
    let first = found.iter().zip(expected).position(|(a, b)| a != b)?;
    let count = found.iter().zip(expected).filter(|(a, b)| a != b).count();
    let (is, instead) = (found[first], expected[first]);
    Some(format!("file: byte {first} of {} is {is:#04x} instead of {instead:#04x}; {count} bytes differ", found.len()))
}

/// The first pixel that differs, of 8-bit RGB pictures of `width` columns; `None` for equal ones.
pub fn of_pixels(found: &[u8], expected: &[u8], width: u32) -> Option<String> {
    if found.len() != expected.len() {
        return Some(format!("pixels: {} samples instead of {}", found.len(), expected.len()));
    }
    let first = found.iter().zip(expected).position(|(a, b)| a != b)? / 3;
    let (x, y) = (first % width as usize, first / width as usize);
    let pixel = |rgb: &[u8]| format!("({}, {}, {})", rgb[3 * first], rgb[3 * first + 1], rgb[3 * first + 2]);
    let differences = || found.iter().zip(expected).map(|(a, b)| a.abs_diff(*b)).filter(|difference| *difference > 0);
    let (count, most) = (differences().count(), differences().max().unwrap_or(0));
    Some(format!(
        "pixels: x {x}, y {y} is {} instead of {}; {count} of {} samples differ, by at most {most}",
        pixel(found),
        pixel(expected),
        found.len()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_results_have_no_difference() {
        assert_eq!(of_files(b"abc", b"abc"), None);
        assert_eq!(of_pixels(&[1, 2, 3], &[1, 2, 3], 1), None);
    }

    #[test]
    fn the_first_difference_is_told_in_full() {
        assert_eq!(of_files(b"abXdY", b"abcde").unwrap(), "file: byte 2 of 5 is 0x58 instead of 0x63; 2 bytes differ");
        assert_eq!(of_files(b"abX", b"abcd").unwrap(), "file: 3 bytes instead of 4, equal up to byte 2");
        let expected = [10, 20, 30, 40, 50, 60, 70, 80, 90, 1, 2, 3];
        let mut found = expected;
        (found[7], found[9]) = (83, 0);
        let told = "pixels: x 0, y 1 is (70, 83, 90) instead of (70, 80, 90); 2 of 12 samples differ, by at most 3";
        assert_eq!(of_pixels(&found, &expected, 2).unwrap(), told);
        assert_eq!(of_pixels(&found[..9], &expected, 2).unwrap(), "pixels: 9 samples instead of 12");
    }
}

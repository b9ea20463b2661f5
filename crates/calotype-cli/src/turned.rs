//! Where a part of a picture is after turning.

use calotype::Region;
use image::metadata::Orientation;

/// Width and height of a picture that is turned.
pub fn turned_size((width, height): (u32, u32), orientation: Orientation) -> (u32, u32) {
    if is_sideways(orientation) { (height, width) } else { (width, height) }
}

/// Where a part of a picture of this size lies when that is turned.
pub fn turned(part: Region, (width, height): (u32, u32), orientation: Orientation) -> Region {
    use Orientation::{FlipHorizontal, FlipVertical, Rotate90, Rotate180, Rotate270, Rotate270FlipH};
    let (mut across, mut down) = ((part.x, part.width, width), (part.y, part.height, height));
    if is_sideways(orientation) {
        std::mem::swap(&mut across, &mut down);
    }
    let place = |(begin, length, of): (u32, u32, u32), from_end| if from_end { of - begin - length } else { begin };
    let x = place(across, matches!(orientation, Rotate90 | Rotate180 | FlipHorizontal | Rotate270FlipH));
    let y = place(down, matches!(orientation, Rotate180 | Rotate270 | FlipVertical | Rotate270FlipH));
    Region { x, y, width: across.1, height: down.1 }
}

/// What undoes a turn.
pub fn inverse(orientation: Orientation) -> Orientation {
    match orientation {
        Orientation::Rotate90 => Orientation::Rotate270,
        Orientation::Rotate270 => Orientation::Rotate90,
        other => other,
    }
}

fn is_sideways(orientation: Orientation) -> bool {
    use Orientation::{Rotate90, Rotate90FlipH, Rotate270, Rotate270FlipH};
    matches!(orientation, Rotate90 | Rotate270 | Rotate90FlipH | Rotate270FlipH)
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{DynamicImage, GrayImage, Luma};

    #[test]
    fn parts_are_where_turning_brings_them() {
        let picture = DynamicImage::from(GrayImage::from_fn(11, 7, |x, y| Luma([(x + 11 * y) as u8])));
        let part = Region { x: 2, y: 1, width: 5, height: 3 };
        let cut = |picture: &DynamicImage, part: Region| picture.crop_imm(part.x, part.y, part.width, part.height);
        for orientation in (1..=8).map(|exif| Orientation::from_exif(exif).unwrap()) {
            let (mut whole, mut expected) = (picture.clone(), cut(&picture, part));
            whole.apply_orientation(orientation);
            expected.apply_orientation(orientation);
            let place = turned(part, (11, 7), orientation);
            assert!(cut(&whole, place) == expected, "{orientation:?}");
            let size = turned_size((11, 7), orientation);
            assert_eq!(size, (whole.width(), whole.height()), "{orientation:?}");
            assert_eq!(turned(place, size, inverse(orientation)), part, "{orientation:?}");
        }
    }
}

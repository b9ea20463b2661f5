//! TIFFs of the table of inputs.

use image::{DynamicImage, GrayImage, ImageBuffer, Luma, LumaA, Rgb, RgbImage, Rgba, RgbaImage};

use super::{CMYK, Case, DEEP, Right, SIZE, case, exact, flat, noted, with};
use crate::inputs;
use crate::makers::{self, BITS, COLOUR_MAP, EXTRA, FORMAT, ORIENTATION, PHOTOMETRIC, Samples, Tiff};

const WIDE: &str = "its samples of 32 bits are cut to 16";
const FOURTH: &str = "sample 4 of its pixels, which it does not call alpha, is left out";

pub(super) fn tiffs() -> Vec<Case> {
    let pixels = (SIZE.0 * SIZE.1) as usize;
    let tiff8 = |photometric, pixel: &[u8]| Tiff::of(SIZE, photometric, Samples::U8(&pixel.repeat(pixels)));
    let tiff16 = |photometric, pixel: &[u16]| Tiff::of(SIZE, photometric, Samples::U16(&pixel.repeat(pixels)));
    let tiff32 = |photometric, pixel: &[u32]| Tiff::of(SIZE, photometric, Samples::U32(&pixel.repeat(pixels)));
    let rgba = |r, g, b, a| RgbaImage::from_pixel(SIZE.0, SIZE.1, Rgba([r, g, b, a]));
    let rgba16 = |pixel| DynamicImage::ImageRgba16(ImageBuffer::from_pixel(SIZE.0, SIZE.1, Rgba(pixel)));
    let rgb16 = |pixel| DynamicImage::ImageRgb16(ImageBuffer::from_pixel(SIZE.0, SIZE.1, Rgb(pixel)));
    let grey_alpha = |pixel| DynamicImage::ImageLumaA8(ImageBuffer::from_pixel(SIZE.0, SIZE.1, LumaA(pixel)));
    let grey16 = |grey| DynamicImage::ImageLuma16(ImageBuffer::from_pixel(SIZE.0, SIZE.1, Luma([grey])));
    let grey_alpha16 = |pixel| DynamicImage::ImageLumaA16(ImageBuffer::from_pixel(SIZE.0, SIZE.1, LumaA(pixel)));
    let part = |of_255: u32| u32::MAX / 255 * of_255;
    let wide = &[part(100), part(90), part(80)];
    let wide_right = || noted(rgb16([25_700, 23_130, 20_560]), &[WIDE, DEEP]);
    let row = |name: &str, tiff: Tiff, right| case(format!("TIFF, {name}"), "a.tif", tiff.bytes(), right);
    let mut cases = vec![
        row("premultiplied", tiff8(2, &[100, 50, 25, 128]).with(EXTRA, &[1]), exact(rgba(199, 100, 50, 128))),
        row("premultiplied, clear", tiff8(2, &[9, 9, 9, 0]).with(EXTRA, &[1]), exact(rgba(0, 0, 0, 0))),
        row("premultiplied, more than alpha", tiff8(2, &[200, 50, 25, 100]).with(EXTRA, &[1]), exact(rgba(255, 128, 64, 100))),
        row("premultiplied, in planes", tiff8(2, &[100, 50, 25, 128]).with(EXTRA, &[1]).in_planes(), exact(rgba(199, 100, 50, 128))),
        row(
            "premultiplied, turned",
            tiff8(2, &[100, 50, 25, 128]).with(EXTRA, &[1]).with(ORIENTATION, &[3]),
            exact(rgba(199, 100, 50, 128)),
        ),
        row(
            "premultiplied, 16 bits",
            tiff16(2, &[10_000, 5_000, 0, 30_000]).with(EXTRA, &[1]),
            noted(rgba16([21_845, 10_923, 0, 30_000]), &[DEEP]),
        ),
        row("premultiplied grey", tiff8(1, &[50, 100]).with(EXTRA, &[1]), exact(grey_alpha([128, 100]))),
        row("premultiplied grey, 16 bits", tiff16(1, &[50, 100]).with(EXTRA, &[1]), noted(grey_alpha16([32_768, 100]), &[DEEP])),
        row("straight", tiff8(2, &[100, 50, 25, 128]).with(EXTRA, &[2]), exact(rgba(100, 50, 25, 128))),
        row("straight grey", tiff8(1, &[50, 100]).with(EXTRA, &[2]), exact(grey_alpha([50, 100]))),
        row("fourth sample", tiff8(2, &[100, 50, 25, 128]).with(EXTRA, &[0]), noted(flat(100, 50, 25), &[FOURTH])),
        row("fourth sample, in planes", tiff8(2, &[100, 50, 25, 128]).with(EXTRA, &[0]).in_planes(), noted(flat(100, 50, 25), &[FOURTH])),
        row("fourth sample, 16 bits", tiff16(2, &[9, 8, 7, 6]).with(EXTRA, &[0]), noted(rgb16([9, 8, 7]), &[FOURTH, DEEP])),
        row(
            "alpha and two others",
            tiff8(2, &[100, 50, 25, 128, 1, 2]).with(EXTRA, &[2, 0, 0]),
            noted(rgba(100, 50, 25, 128), &["samples 5 to 6 of its pixels, which it does not call alpha, are left out"]),
        ),
        row(
            "grey and another",
            tiff8(1, &[100, 50]).with(EXTRA, &[0]),
            noted(GrayImage::from_pixel(24, 18, Luma([100])), &["sample 2 of its pixels, which it does not call alpha, is left out"]),
        ),
        // 255 - 100 of the light that black lets through, and so on.
        row("CMYK", tiff8(5, &[100, 155, 255, 0]), noted(flat(155, 100, 0), &[CMYK])),
        row("32 bits", tiff32(2, wide), wide_right()),
        row("32 bits that say so", tiff32(2, wide).with(FORMAT, &[1, 1, 1]), wide_right()),
        row("32 bits, turned", tiff32(2, wide).with(ORIENTATION, &[3]), wide_right()),
        row("32 bits and a fourth", tiff32(2, &[wide[0], wide[1], wide[2], 7]).with(EXTRA, &[0]), {
            noted(rgb16([25_700, 23_130, 20_560]), &[FOURTH, WIDE, DEEP])
        }),
        row(
            "32 bits, alpha",
            tiff32(2, &[wide[0], wide[1], wide[2], part(255)]).with(EXTRA, &[2]),
            noted(rgba16([25_700, 23_130, 20_560, 65_535]), &[WIDE, DEEP]),
        ),
        row(
            "32 bits, premultiplied",
            tiff32(2, &[part(50), part(25), 0, part(100)]).with(EXTRA, &[1]),
            noted(rgba16([32_768, 16_384, 0, 25_700]), &[WIDE, DEEP]),
        ),
        row("32 bits, grey", tiff32(1, &[part(77)]), noted(grey16(77 * 257), &[WIDE, DEEP])),
    ];
    cases.extend(tiff_refusals(&tiff8(2, &[1, 2, 3]), &tiff32(2, wide)));
    cases.extend(tiff_tiles().into_iter().chain(tiff_palettes()));
    cases
}

/// The last column and the last row of tiles go beyond the picture.
fn tiff_tiles() -> Vec<Case> {
    let rgb = RgbImage::from_fn(24, 18, |x, y| Rgb([10 * x as u8, 14 * y as u8, (x * y) as u8]));
    let rgba = RgbaImage::from_fn(24, 18, |x, y| Rgba([10 * x as u8, 14 * y as u8, (x * y) as u8, 255 - x as u8]));
    let deep: Vec<u16> = rgb.iter().map(|&sample| u16::from(sample) * 257).collect();
    let deep_rgb = ImageBuffer::<Rgb<u16>, _>::from_raw(24, 18, deep.clone()).unwrap();
    let row = |name: &str, tiff: Tiff, right| case(format!("TIFF in tiles, {name}"), "a.tif", tiff.in_tiles(16).bytes(), right);
    vec![
        row("RGB", Tiff::of(SIZE, 2, Samples::U8(&rgb)), exact(rgb.clone())),
        row("RGBA", Tiff::of(SIZE, 2, Samples::U8(&rgba)).with(EXTRA, &[2]), exact(rgba.clone())),
        row("16 bits", Tiff::of(SIZE, 2, Samples::U16(&deep)), noted(deep_rgb, &[DEEP])),
        row("a fourth sample", Tiff::of(SIZE, 2, Samples::U8(&rgba)).with(EXTRA, &[0]), {
            noted(DynamicImage::from(rgba).into_rgb8(), &[FOURTH])
        }),
    ]
}

/// Colours of a table: red 7 n, green 255 - n, blue 3 n + 40, each of 8 bits.
fn table_colour(number: u32) -> [u8; 3] {
    [7 * number, 255 - number, 3 * number + 40].map(|colour| colour as u8)
}

/// The numbers of such a table, each made of 8 bits by `number`.
fn table(bits: u16, number: impl Fn(u16) -> u16) -> Vec<u16> {
    (0..3).flat_map(|colour| (0..1 << bits).map(move |at| u16::from(table_colour(at)[colour]))).map(number).collect()
}

/// A picture of 23 x 18 numbers in a table of colours, and it itself.
fn painted(bits: u16) -> (Tiff, RgbImage) {
    let number = |x: u32, y: u32| (x + 23 * y) % (1 << bits);
    let row = |y: u32| {
        let ones: Vec<bool> = (0..23).flat_map(|x| (0..bits).rev().map(move |bit| number(x, y) >> bit & 1 == 1)).collect();
        let byte = |bits: &[bool]| bits.iter().enumerate().fold(0, |byte, (at, &one)| byte | u8::from(one) << (7 - at));
        ones.chunks(8).map(byte).collect::<Vec<u8>>()
    };
    let tiff = Tiff::of((23, 18), 3, Samples::U8(&[0; 23 * 18])).with(BITS, &[bits]);
    let picture = RgbImage::from_fn(23, 18, |x, y| Rgb(table_colour(number(x, y))));
    (Tiff { strips: vec![(0..18).flat_map(row).collect()], ..tiff }, picture)
}

fn tiff_palettes() -> Vec<Case> {
    const CUT: &str = "its table of colours of 16 bits is cut to 8";
    let row = |name: &str, tiff: Tiff, right| case(format!("TIFF with a table, {name}"), "a.tif", tiff.bytes(), right);
    let refused = |name: &str, tiff: Tiff, code, words| row(name, tiff, Right::Refused(code, words));
    let (eight, picture) = painted(8);
    let with = |number: fn(u16) -> u16| eight.clone().with(COLOUR_MAP, &table(8, number));
    let plain = with(|number| number * 257);
    let turned = DynamicImage::from(picture.clone()).rotate90();
    let packed = Tiff { strips: vec![inputs::zlib(&plain.strips[0])], ..plain.clone() }.compressed(8);
    let differences: Vec<u8> =
        plain.strips[0].chunks(23).flat_map(|row| (0..23).map(|x| row[x].wrapping_sub(if x > 0 { row[x - 1] } else { 0 }))).collect();
    let differing = Tiff { strips: vec![inputs::zlib(&differences)], ..plain.clone() }.compressed(8).with(317, &[2]);
    let pair = [Tiff::of(SIZE, 2, Samples::U8(&flat(1, 2, 3))), plain.clone()];
    let deep = Tiff::of(SIZE, 3, Samples::U16(&[7; 24 * 18])).with(COLOUR_MAP, &[0; 3 << 8]);
    let two = Tiff::of(SIZE, 3, Samples::U8(&[7; 2 * 24 * 18])).with(EXTRA, &[2]).with(COLOUR_MAP, &[0; 3 << 8]);
    let mut cases: Vec<Case> = [1, 2, 4]
        .map(|bits| {
            let (tiff, picture) = painted(bits);
            row(&format!("{bits} bits"), tiff.with(COLOUR_MAP, &table(bits, |number| number * 257)), exact(picture))
        })
        .into();
    cases.extend([
        row("8 bits", plain.clone(), exact(picture.clone())),
        row("of numbers times 256", with(|number| number << 8), exact(picture.clone())),
        row("of numbers of 8 bits", with(|number| number), exact(picture.clone())),
        row("of more than 8 bits", with(|number| number << 8 | 99), noted(picture.clone(), &[CUT])),
        row("compressed", packed, exact(picture.clone())),
        row("compressed differences", differing, exact(picture.clone())),
        row("in tiles", plain.clone().in_tiles(16), exact(picture.clone())),
        row("turned", plain.clone().with(ORIENTATION, &[6]), exact(turned)),
        self::with("--frame 2", case("TIFF with a table, second page", "a.tif", makers::pages(&pair), exact(picture))),
        refused("with alpha", two, 3, "uses a table of colours with alpha or other samples beside it, which calotype does not read"),
        refused("of 16 bits", deep, 3, "uses a table of colours for samples of 16 bits, which calotype does not read"),
        refused("that is missing", eight.clone(), 1, "its table of colours has 0 numbers instead of 768; get it again\n"),
        refused(
            "that is short",
            eight.with(COLOUR_MAP, &[0; 767]),
            1,
            "its table of colours has 767 numbers instead of 768; get it again\n",
        ),
    ]);
    cases
}

fn tiff_refusals(rgb: &Tiff, wide: &Tiff) -> Vec<Case> {
    let compressions = [
        (2, "uses CCITT RLE compression, which calotype does not read; convert it to PNG first"),
        (3, "uses CCITT group 3 compression"),
        (6, "uses old-style JPEG compression"),
        (34712, "uses JPEG 2000 compression"),
        (34887, "uses LERC compression"),
        (34925, "uses LZMA compression"),
        (50000, "uses zstd compression, which calotype does not read; convert it to PNG first"),
        (50001, "uses WebP compression"),
        (50002, "uses JPEG XL compression"),
        (12345, "uses compression 12345, which calotype does not read"),
    ];
    let compressed =
        compressions.into_iter().map(|(number, words)| (format!("compression {number}"), rgb.clone().compressed(number), words));
    let others = [
        ("32 bits in planes", wide.clone().in_planes(), "uses whole numbers of 32 bits in an unusual order or colour"),
        (
            "a sensor's samples",
            rgb.clone().with(PHOTOMETRIC, &[32803]),
            "is a camera's raw file, which calotype does not read; develop it first",
        ),
        ("DNG", rgb.clone().with(50706, &[1, 4]), "is a camera's raw file"),
        ("Lab", rgb.clone().with(PHOTOMETRIC, &[8]), "uses CIE Lab colours, which calotype does not read; convert it to PNG first"),
        ("a mask", rgb.clone().with(PHOTOMETRIC, &[4]), "uses a mask of transparency, which calotype does not read"),
        (
            "LogLuv",
            rgb.clone().with(PHOTOMETRIC, &[32845]),
            "uses colours of a kind that its decoder does not know, which calotype does not read",
        ),
        ("bits that differ", rgb.clone().with(BITS, &[8, 16, 8]), "uses samples of several kinds in a pixel, which calotype does not read"),
        ("grey of floating point", Tiff::of(SIZE, 1, Samples::U32(&[0; 24 * 18])).with(FORMAT, &[3]), "uses grey of floating point"),
        ("a thumbnail of a raw file", rgb.clone().with(254, &[1]).with(330, &[8]).with(271, &[65]), "is a camera's raw file"),
    ];
    let all = compressed.chain(others.map(|(name, tiff, words)| (name.to_string(), tiff, words)));
    all.map(|(name, tiff, words)| case(format!("TIFF, {name}"), "a.tif", tiff.bytes(), Right::Refused(3, words))).collect()
}

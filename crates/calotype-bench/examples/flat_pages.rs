//! How far flat parts of pictures come back from what they were: `cargo run --release -p calotype-bench --example flat_pages [QUALITIES] [EVERY]`.
//!
//! Pages of one colour, of all widths and heights of a grid and as large as screens, and the sample photograph above a flat margin. Prints the
//! worst deviation of any sample of a flat part for each quality. EVERY takes every so many-th side of the grid alone.

use std::error::Error;

use calotype::{Codec, DecodeOptions, Decoder, EncodeOptions, EngineChoice, Quality, RgbImage};
use rayon::prelude::*;

const COLOURS: [(&str, [u8; 3]); 4] = [("black", [0; 3]), ("white", [255; 3]), ("red", [255, 0, 0]), ("blue", [0, 0, 255])];
/// Sides of the grid: these against all from 1 to `LONGEST`.
const SIDES: [u32; 5] = [1, 63, 64, 65, 200];
const LONGEST: u32 = 200;
const SCREENS: [(u32, u32); 2] = [(1280, 720), (1600, 1200)];
/// Rows of margin below the photograph.
const MARGINS: [u32; 4] = [20, 64, 100, 150];

/// A picture whose rows from `flat_from` on have one colour.
struct Page {
    width: u32,
    height: u32,
    rgb: Vec<u8>,
    colour: [u8; 3],
    flat_from: u32,
}

/// The worst sample of some pages.
#[derive(Clone, Copy, Default)]
struct Worst {
    levels: u8,
    /// Size of the page, and the place in it.
    page: (u32, u32),
    place: (u32, u32),
}

fn flat((width, height): (u32, u32), colour: [u8; 3]) -> Page {
    Page { width, height, rgb: colour.repeat((width * height) as usize), colour, flat_from: 0 }
}

fn above_margin(photo: &image::RgbImage, rows: u32, colour: [u8; 3]) -> Page {
    let (width, height) = photo.dimensions();
    let rgb = [photo.as_raw().clone(), colour.repeat((width * rows) as usize)].concat();
    Page { width, height: height + rows, rgb, colour, flat_from: height }
}

fn worst(codec: &Codec, page: &Page, quality: Quality) -> Result<Worst, calotype::Error> {
    let image = RgbImage::new(page.width, page.height, &page.rgb)?;
    let encoded = codec.encode(&image, &EncodeOptions { quality, ..EncodeOptions::default() })?;
    let decoded = Decoder::new(&encoded.bytes, &DecodeOptions::default())?.decode(codec)?;
    let first = page.width as usize * page.flat_from as usize;
    let pixels = decoded.rgb.as_chunks::<3>().0.iter().enumerate().skip(first);
    let levels = |pixel: &[u8; 3]| pixel.iter().zip(page.colour).map(|(a, b)| a.abs_diff(b)).max().unwrap_or(0);
    let (at, levels) = pixels.map(|(at, pixel)| (at as u32, levels(pixel))).max_by_key(|found| found.1).unwrap_or_default();
    Ok(Worst { levels, page: (page.width, page.height), place: (at % page.width, at / page.width) })
}

fn worst_of(codec: &Codec, pages: &[Page], quality: Quality) -> Result<Worst, calotype::Error> {
    let found: Vec<Worst> = pages.par_iter().map(|page| worst(codec, page, quality)).collect::<Result<_, _>>()?;
    Ok(found.into_iter().max_by_key(|worst| worst.levels).unwrap_or_default())
}

/// Both ways round.
fn grid(every: usize) -> Vec<(u32, u32)> {
    let sides = || (1..=LONGEST).step_by(every).chain(SIDES);
    let mut sizes: Vec<(u32, u32)> = SIDES.iter().flat_map(|&side| sides().flat_map(move |other| [(side, other), (other, side)])).collect();
    sizes.sort_unstable();
    sizes.dedup();
    sizes
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let qualities = arguments.first().map_or("0,30,50,70,80,100", String::as_str);
    let every = arguments.get(1).map_or(Ok(1), |every| every.parse())?;
    let codec = Codec::new(EngineChoice::Cpu(None))?;
    let photo = image::open(concat!(env!("CARGO_MANIFEST_DIR"), "/../../assets/images/SAMPLE.png"))?.into_rgb8();
    let sizes = grid(every);
    println!("model {}, {} sizes; worst levels of 255 (size; column, row)", codec.model_id(), sizes.len());
    for quality in qualities.split(',') {
        let quality = Quality::new(quality.parse()?)?;
        for (name, colour) in COLOURS {
            let small: Vec<Page> = sizes.iter().map(|size| flat(*size, colour)).collect();
            let screens = SCREENS.map(|size| flat(size, colour));
            let margins = MARGINS.map(|rows| above_margin(&photo, rows, colour));
            let words = [&small[..], &screens, &margins].map(|pages| {
                let Worst { levels, page, place } = worst_of(&codec, pages, quality)?;
                Ok::<String, calotype::Error>(format!("{levels} ({}x{}; {},{})", page.0, page.1, place.0, place.1))
            });
            let [grid, screens, margins] = words;
            println!("q {:5.1} {name:5}: grid {}, screens {}, margins {}", quality.points(), grid?, screens?, margins?);
        }
    }
    Ok(())
}

//! Files that are wrong behind right checksums: every engine refuses them in the same words, or makes the pixels of the oracle.
//!
//! A short run; `CALOTYPE_MUTATIONS=15000` makes it as long as `.ci/long` has it.

mod mended;
mod mutation;

use std::panic::{AssertUnwindSafe, catch_unwind};

use calotype::{Channels, Codec, DecodeOptions, Decoder, EncodeOptions, Isa, Metadata, Picture, Quality, Region, Samples};
use calotype_format::{File, Section, TileStreams};
use calotype_model::synthetic;
use mutation::{Random, mutate};

/// So that no file takes long.
const OPTIONS: DecodeOptions = DecodeOptions { max_pixels: 1 << 15, max_memory: 64 << 20 };

fn codec(isa: Isa) -> Codec {
    let (decoder, encoder) = synthetic::pair(&synthetic::tiny(), 7);
    Codec::from_parts(&decoder.to_safetensors().unwrap(), Some(&encoder.to_safetensors().unwrap()), Some(isa)).unwrap()
}

fn picture(width: u32, height: u32, channels: Channels, depth: u8) -> Picture {
    let sample = |i: u32| (i * 977 / channels.count() as u32 % 65_521) as u16;
    let samples = (0..width * height * channels.count() as u32).map(sample);
    let samples =
        if depth == 16 { Samples::U16(samples.collect()) } else { Samples::U8(samples.map(|sample| (sample >> 8) as u8).collect()) };
    Picture::new(width, height, channels, samples).unwrap()
}

/// Every kind of file: one tile and several, all channels, both depths, folded both ways, metadata, all qualities.
fn files(codec: &Codec) -> Vec<Vec<u8>> {
    let plain = Metadata::default();
    let metadata =
        Metadata { icc: Some(b"profile".to_vec()), cicp: Some([9, 16, 0, 1]), exif: Some(b"II*\0".to_vec()), xmp: Some(b"<x/>".to_vec()) };
    let kinds = [
        (picture(1, 1, Channels::Rgb, 8), &plain, 10, 50.0),
        (picture(33, 17, Channels::Rgb, 8), &plain, 10, 70.0),
        (picture(70, 66, Channels::Rgb, 8), &plain, 6, 20.0),
        (picture(70, 20, Channels::Rgba, 8), &plain, 6, 90.0),
        (picture(20, 9, Channels::GreyAlpha, 8), &plain, 10, 40.0),
        (picture(15, 22, Channels::Rgba, 16), &plain, 10, 60.0),
        (picture(24, 24, Channels::Grey, 8), &metadata, 10, 30.0),
        (picture(16, 16, Channels::Rgb, 16), &plain, 6, 100.0),
        (picture(300, 3, Channels::GreyAlpha, 16), &metadata, 6, 80.0),
        (picture(9, 500, Channels::Rgb, 8), &plain, 6, 0.0),
    ];
    let file = |(picture, metadata, tile_log2, percent): (Picture, &Metadata, u8, f64)| {
        let options = EncodeOptions { tile_log2, quality: Quality::new(percent).unwrap(), ..EncodeOptions::default() };
        codec.encode_picture(&picture, metadata, &options).unwrap().bytes
    };
    kinds.into_iter().map(file).collect()
}

/// The parts of a file changed, and put together again; where that makes no file, its bytes changed and sealed.
fn mutated(file: &[u8], random: &mut Random) -> Vec<u8> {
    if random.below(2) == 0
        && let Some(file) = in_parts(file, random)
    {
        return file;
    }
    let mut file = file.to_vec();
    mutate(&mut file, random);
    mended::mended(&file)
}

fn in_parts(file: &[u8], random: &mut Random) -> Option<Vec<u8>> {
    let file = File::parse(file, u64::MAX).ok()?;
    let mut header = file.header;
    let mut sections: Vec<Section> =
        file.sections.iter().map(|section| Section { tag: section.tag, bytes: section.bytes.to_vec() }).collect();
    let mut tiles: Vec<TileStreams> =
        file.tiles.iter().map(|tile| TileStreams { z: tile.z.to_vec(), y: tile.y.map(<[u8]>::to_vec) }).collect();
    match random.below(8) {
        0 => header.fineness = random.below(16_129) as u16,
        1 => header.grey ^= true,
        2 => header.depth ^= 24,
        3 => header.folded ^= true,
        4 => header.width = header.width.saturating_add_signed(random.below(9) as i32 - 4),
        5 => header.height = header.height.saturating_add_signed(random.below(9) as i32 - 4),
        _ => {}
    }
    let number = random.below(tiles.len());
    match random.below(6) {
        0 => mutate(&mut tiles[number].z, random),
        1 | 2 => mutate(&mut tiles[number].y[random.below(8)], random),
        3 => tiles.swap(0, number),
        4 if !sections.is_empty() => {
            let number = random.below(sections.len());
            mutate(&mut sections[number].bytes, random);
        }
        _ => {}
    }
    calotype_format::write(&header, &sections, &tiles).ok()
}

/// How a file is opened.
#[derive(Clone, Copy)]
enum Opened {
    Whole,
    Beginning,
    Damaged,
}

/// A file, how it is opened, and which part of it is asked for.
struct Try {
    file: Vec<u8>,
    opened: Opened,
    corner: bool,
}

impl Try {
    /// The whole file; its beginning; the file damaged again.
    fn all(file: Vec<u8>, random: &mut Random) -> [Try; 3] {
        let (mut beginning, mut damaged) = (file.clone(), file.clone());
        beginning.truncate(file.len() - random.below(file.len().min(200) + 1));
        mutate(&mut damaged, random);
        let corner = random.below(4) == 0;
        [
            Try { file, opened: Opened::Whole, corner },
            Try { file: beginning, opened: Opened::Beginning, corner },
            Try { file: damaged, opened: Opened::Damaged, corner },
        ]
    }

    /// What comes of it: a picture, or words.
    fn seen(&self, codec: &Codec) -> Result<Picture, String> {
        let decoder = match self.opened {
            Opened::Whole => Decoder::new(&self.file, &OPTIONS),
            Opened::Beginning => Decoder::partial(&self.file, &OPTIONS),
            Opened::Damaged => Decoder::salvage(&self.file, &OPTIONS),
        };
        let picture = decoder.and_then(|decoder| {
            decoder.metadata()?;
            let Region { x, y, width, height } = decoder.whole();
            let corner = Region { x: width / 2, y: height / 3, width: width - width / 2, height: height - height / 3 };
            decoder.picture_region(codec, if self.corner { corner } else { Region { x, y, width, height } })
        });
        picture.map_err(|error| error.to_string())
    }
}

#[test]
fn wrong_files_are_refused_or_make_the_pixels_of_the_oracle() {
    let (fast, oracle) = (codec(Isa::detect()), codec(Isa::Scalar));
    let files = files(&fast);
    let count = mutation::count(3000);
    let mut pictures = [0; 3];
    for seed in 0..count {
        let mut random = Random::new(seed);
        let file = mutated(&files[random.below(files.len())], &mut random);
        for (number, attempt) in Try::all(file, &mut random).iter().enumerate() {
            let seen =
                catch_unwind(AssertUnwindSafe(|| attempt.seen(&fast))).unwrap_or_else(|_| panic!("seed {seed}, way {number}: a panic"));
            let truth = attempt.seen(&oracle);
            let words = |seen: &Result<Picture, String>| seen.as_ref().map(|picture| picture.shape()).map_err(String::clone);
            assert!(seen == truth, "seed {seed}, way {number}: {:?}, but the oracle has {:?}", words(&seen), words(&truth));
            pictures[number] += u64::from(seen.is_ok());
        }
    }
    let [whole, beginnings, salvaged] = pictures;
    println!(
        "{count} files: pictures of {whole} whole ones, {beginnings} beginnings and {salvaged} damaged again, all those of the oracle"
    );
    // Some of each, or nothing has been compared.
    assert!(pictures.iter().all(|pictures| *pictures >= count / 20), "{pictures:?}");
}

/// The comparison can fail, and a seed makes the same file always.
#[test]
fn another_picture_shows() {
    let (fast, oracle) = (codec(Isa::detect()), codec(Isa::Scalar));
    let file = files(&fast).remove(2);
    let attempt = |file: Vec<u8>| Try { file, opened: Opened::Beginning, corner: false };
    let (whole, beginning) = (attempt(file.clone()), attempt(file[..file.len() - 40].to_vec()));
    assert!(whole.seen(&fast) == whole.seen(&oracle) && whole.seen(&fast) != beginning.seen(&oracle));
    assert!(mutated(&file, &mut Random::new(5)) == mutated(&file, &mut Random::new(5)));
    assert!(mutated(&file, &mut Random::new(5)) != mutated(&file, &mut Random::new(6)));
}

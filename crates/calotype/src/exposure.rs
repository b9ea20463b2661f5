//! A picture that has been exposed, and is developed at any quality: g_a runs once, the rest as often as it is asked for.

use std::borrow::Cow;

use calotype_engine::{Map, Placed, Rect, padded_area};
use calotype_format::{Header, Region, Section, TileStreams};
use calotype_model::LARGEST_FINENESS;
use rayon::prelude::*;

use crate::alpha;
use crate::codec::Codec;
use crate::encode::{EncodeOptions, Encoded, Job, check_memory};
use crate::error::{Error, Usage, in_order};
use crate::fold::{Unfolding, coded_region, folded};
use crate::memory;
use crate::metadata::Metadata;
use crate::picture::{Image, Picture, make_grey};
use crate::quality::Quality;
use crate::region::{cut, inside, latents_of};
use crate::search::{Search, Step, Window};
use crate::tile::Decoded;

/// What a size may stay below its target, as a part of it.
pub const SIZE_WITHIN: f64 = 0.02;
/// What a file may have more or less than its estimate: as a part of it, and bytes beside that. Nearer to a target the file itself is counted.
const ESTIMATE_WITHIN: (f64, f64) = (0.01, 64.0);
/// log2 of the bits per pixel at the lowest quality, and how much they grow up to the highest: a first guess for photographs.
const LOG2_BPP: (f64, f64) = (-3.3, 4.9);

/// A picture after g_a, with its metadata. Runs on the CPU, with the bytes of every engine.
pub struct Exposure<'a> {
    codec: &'a Codec,
    header: Header,
    sections: Vec<Section>,
    options: EncodeOptions,
    v: Map<i16>,
}

/// What a file is to be.
pub enum Goal<'m> {
    /// At most so many bytes, and at least 98 % of them unless the best quality needs fewer.
    Bytes(u64),
    /// Pixels whose measure is at least `least` and at most `least + within`, unless the lowest quality has more.
    Score {
        /// The least measure.
        least: f64,
        /// By how much it may be more.
        within: f64,
        /// How much it grows from the lowest quality to the highest, about.
        span: f64,
        /// What is measured on the decoded picture; grows with the quality.
        measure: &'m (dyn Fn(&Image) -> f64 + Sync),
    },
}

/// What met a goal, or what is nearest to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Hit {
    /// The file.
    pub encoded: Encoded,
    /// Its quality.
    pub quality: Quality,
    /// What the goal is about: its bytes, or its measure.
    pub value: f64,
    /// How many qualities were tried.
    pub tries: u32,
    /// Whether the goal is met. If not, no quality meets it: the file is the best on the right side of it, or at the wrong end of the scale.
    pub met: bool,
}

/// A picture at a quality: its file, and pixels of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Developed {
    /// The file.
    pub encoded: Encoded,
    /// The colours of a region, as [`Decoder::decode_region`](crate::Decoder::decode_region) gives them.
    pub image: Image,
}

/// The symbols of a picture at a quality.
struct Trial<'a> {
    job: Job<'a>,
    header: Header,
    tiles: Vec<Decoded<Map<i16>>>,
}

impl Codec {
    /// Runs g_a over a picture, to encode it at several qualities; holds all of it.
    ///
    /// # Errors
    /// As [`Codec::encode_rows`].
    pub fn expose(&self, picture: &Picture, metadata: &Metadata, options: &EncodeOptions) -> Result<Exposure<'_>, Error> {
        let header = self.header(picture.shape(), options)?;
        if self.model.encoder().is_none() {
            return Err(Usage::NoEncoder.into());
        }
        check_memory(memory::of_exposure(padded_area(header.coded_extent()), picture.shape()), options)?;
        let picture = header.fold().map_or(Cow::Borrowed(picture), |fold| Cow::Owned(folded(picture, fold)));
        let tiles: Vec<Region> = header.tiles().collect();
        let alpha = picture.alpha().map(|samples| alpha::streams(&samples, 0, &tiles, &header));
        let sections = alpha::sections(alpha.as_deref(), metadata)?;
        let v = self.engines.on_cpu().analyse(&picture.opaque_rgb8(), picture.width() as usize, picture.height() as usize);
        Ok(Exposure { codec: self, header, sections, options: *options, v })
    }
}

impl Exposure<'_> {
    /// The file at a quality: the bytes that [`Codec::encode_picture`] writes.
    ///
    /// # Errors
    /// As [`Codec::encode_picture`].
    pub fn encode(&self, quality: Quality) -> Result<Encoded, Error> {
        self.trial(self.codec.fineness(quality)?)?.encode(&self.sections)
    }

    /// The colours at a quality, as [`Decoder::decode`](crate::Decoder::decode) gives them; nothing is coded for it.
    ///
    /// # Errors
    /// As [`Codec::encode_picture`].
    pub fn preview(&self, quality: Quality) -> Result<Image, Error> {
        Ok(self.trial(self.codec.fineness(quality)?)?.preview())
    }

    /// The file at a quality, and the pixels of a region of it; g_s runs for that region alone.
    ///
    /// # Errors
    /// As [`Codec::encode_picture`], and [`Usage::Region`] if the region is empty or not inside the picture.
    pub fn develop(&self, quality: Quality, region: Region) -> Result<Developed, Error> {
        inside(region, self.whole())?;
        let trial = self.trial(self.codec.fineness(quality)?)?;
        let (encoded, image) = rayon::join(|| trial.encode(&self.sections), || trial.pixels(region));
        Ok(Developed { encoded: encoded?, image })
    }

    /// The whole picture as a region.
    pub fn whole(&self) -> Region {
        whole(&self.header)
    }

    /// Looks for the quality that meets a goal.
    ///
    /// # Errors
    /// As [`Codec::encode_picture`]. A goal that no quality meets is no error: [`Hit::met`].
    pub fn meet(&self, goal: &Goal<'_>) -> Result<Hit, Error> {
        match goal {
            Goal::Bytes(bytes) => self.meet_bytes((*bytes).max(1) as f64),
            Goal::Score { least, within, span, measure } => self.meet_score(*least, *within, *span, *measure),
        }
    }

    /// Counts bits by the tables' costs; what a file has beyond them is learnt from the first try, which is coded.
    fn meet_bytes(&self, target: f64) -> Result<Hit, Error> {
        let (low, span) = LOG2_BPP;
        let least = target * (1.0 - SIZE_WITHIN);
        let window = Window { least: least.log2(), most: target.log2(), aim: ((least + target) / 2.0).log2() };
        let bits_per_pixel = 8.0 * target / self.header.pixels() as f64;
        let last = f64::from(LARGEST_FINENESS);
        let first = ((bits_per_pixel.log2() - low) / span).clamp(0.02, 0.98) * last;
        let (part, beside) = ESTIMATE_WITHIN;
        let uncertain = least * (1.0 - part) - beside..=target * (1.0 + part) + beside;
        let mut search = Search::new(window, first as u16, span / last);
        let (mut fineness, mut overhead) = (search.first(), None);
        loop {
            let trial = self.trial(fineness)?;
            let coded = trial.coded_bytes();
            let mut bytes = overhead.map_or(0.0, |overhead: f64| coded + overhead);
            let mut encoded = None;
            if overhead.is_none() || uncertain.contains(&bytes) {
                let file = trial.encode(&self.sections)?;
                bytes = file.bytes.len() as f64;
                overhead = Some(bytes - coded);
                encoded = Some(file);
            }
            match (search.value(bytes.log2()), encoded) {
                (Step::Found, Some(encoded)) => return self.hit(encoded, fineness, search.tries, true),
                (Step::Found, None) => return self.hit(trial.encode(&self.sections)?, fineness, search.tries, true),
                (Step::Try(next), _) => fineness = next,
                (Step::Neighbours(below, above), _) => {
                    let nearest = below.or(above).unwrap_or(0);
                    let encoded = self.trial(nearest)?.encode(&self.sections)?;
                    // The best picture is small enough.
                    let met = above.is_none() && encoded.bytes.len() as f64 <= target;
                    return self.hit(encoded, nearest, search.tries, met);
                }
            }
        }
    }

    fn meet_score(&self, least: f64, within: f64, span: f64, measure: &dyn Fn(&Image) -> f64) -> Result<Hit, Error> {
        let last = LARGEST_FINENESS;
        let window = Window { least, most: least + within, aim: least + within / 2.0 };
        let mut search = Search::new(window, last / 2, span / f64::from(last));
        let mut fineness = search.first();
        loop {
            let trial = self.trial(fineness)?;
            let value = measure(&trial.preview());
            let nearest = match search.value(value) {
                Step::Found => return Ok(Hit { value, ..self.hit(trial.encode(&self.sections)?, fineness, search.tries, true)? }),
                Step::Try(next) => {
                    fineness = next;
                    continue;
                }
                Step::Neighbours(None, Some(lowest)) => (lowest, true),
                Step::Neighbours(below, above) => (above.or(below).unwrap_or(last), false),
            };
            let (nearest, smallest) = nearest;
            let trial = self.trial(nearest)?;
            let value = measure(&trial.preview());
            // The smallest file is good enough.
            let met = smallest && value >= least;
            return Ok(Hit { value, ..self.hit(trial.encode(&self.sections)?, nearest, search.tries, met)? });
        }
    }

    fn hit(&self, encoded: Encoded, fineness: u16, tries: u32, met: bool) -> Result<Hit, Error> {
        let value = encoded.bytes.len() as f64;
        Ok(Hit { encoded, quality: self.codec.quality_of(fineness)?, value, tries, met })
    }

    fn trial(&self, fineness: u16) -> Result<Trial<'_>, Error> {
        let header = Header { fineness, ..self.header };
        let job = self.codec.job(&header, &self.options)?;
        let places: Vec<Rect> = header.tiles().map(|tile| latents_of(tile, self.codec.stride())).collect();
        let v = Placed { place: Rect { y: 0, x: 0, height: self.v.height, width: self.v.width }, tile: &self.v };
        let tile = |&place: &Rect| {
            let (symbols, v_hat) = self.codec.cpu().code_tile(&job.tables, v, place);
            Decoded { place, symbols, v_hat }
        };
        let tiles = places.par_iter().map(tile).collect();
        Ok(Trial { job, header, tiles })
    }
}

impl Trial<'_> {
    fn encode(&self, sections: &[Section]) -> Result<Encoded, Error> {
        let streams: Vec<TileStreams> = in_order(self.tiles.par_iter().map(|tile| self.job.write(&tile.symbols)))?;
        let statistics = self.job.statistics;
        let bits = statistics.then(|| self.tiles.iter().map(|tile| self.job.cross_entropy_bits(&tile.symbols)).sum());
        Ok(Encoded { bytes: calotype_format::write(&self.header, sections, &streams)?, cross_entropy_bits: bits })
    }

    /// What the symbols take under the model's tables.
    fn coded_bytes(&self) -> f64 {
        let bits_q8: u64 = self.tiles.par_iter().map(|tile| self.job.cost_q8(&tile.symbols)).sum();
        bits_q8 as f64 / (8.0 * 256.0)
    }

    fn preview(&self) -> Image {
        self.pixels(whole(&self.header))
    }

    fn pixels(&self, region: Region) -> Image {
        let Some(unfolding) = Unfolding::of(&self.header, region) else { return self.coded_pixels(region) };
        let coded = self.coded_pixels(coded_region(&self.header));
        Image { width: region.width, height: region.height, rgb: unfolding.unfold(&coded.rgb, 3) }
    }

    /// The pixels of a region of what is coded.
    fn coded_pixels(&self, region: Region) -> Image {
        let (width, height) = self.header.coded_extent();
        let size = (width as usize, height as usize);
        let maps: Vec<_> = self.tiles.iter().map(|tile| Placed { place: tile.place, tile: &tile.v_hat }).collect();
        let stride = self.job.codec.stride();
        let wanted = latents_of(region, stride);
        let rgb = self.job.codec.cpu().graph().pixels(&self.job.tables.quality, &maps, wanted, size);
        let (_, mut rgb) = cut(rgb, wanted.pixels(size, stride), region);
        if self.header.grey {
            make_grey(&mut rgb);
        }
        Image { width: region.width, height: region.height, rgb }
    }
}

fn whole(header: &Header) -> Region {
    Region { x: 0, y: 0, width: header.width, height: header.height }
}

//! Makes image files that no encoder at hand writes.

use image::codecs::gif::GifEncoder;
use image::{DynamicImage, Frame, GenericImageView, RgbImage, RgbaImage};

/// JPEG markers of frames and segments.
pub const SOF0: u8 = 0xC0;
pub const SOF2: u8 = 0xC2;

/// A JPEG whose blocks are flat: only the mean of each is stored.
#[derive(Clone)]
pub struct Jpeg {
    pub size: (u16, u16),
    /// The code of the frame header.
    pub frame: u8,
    pub bits: u8,
    /// Number, sampling across and down.
    pub colours: Vec<(u8, u8, u8)>,
    /// Which colours come in each scan.
    pub scans: Vec<Vec<usize>>,
    /// MCUs between restart markers.
    pub restart: u16,
    /// Segments that follow the first marker.
    pub segments: Vec<u8>,
    /// The sample of a colour's block at column and row.
    pub sample: fn(usize, usize, usize) -> u8,
}

impl Jpeg {
    /// Three colours of these samplings in one scan.
    pub fn of(samplings: [(u8, u8); 3]) -> Jpeg {
        let colours = samplings.iter().zip(1..).map(|(&(across, down), number)| (number, across, down)).collect();
        Jpeg {
            size: (75, 53),
            frame: SOF0,
            bits: 8,
            colours,
            scans: vec![vec![0, 1, 2]],
            restart: 0,
            segments: segment(0xE0, b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0"),
            sample: |colour, x, y| (60 + 23 * x + 31 * y + 40 * colour) as u8 % 200,
        }
    }

    /// The same in other scans.
    pub fn in_scans(self, scans: &[&[usize]]) -> Jpeg {
        Jpeg { scans: scans.iter().map(|scan| scan.to_vec()).collect(), ..self }
    }

    fn most(&self) -> (u8, u8) {
        self.colours.iter().fold((1, 1), |most, &(_, across, down)| (most.0.max(across), most.1.max(down)))
    }

    /// The file.
    pub fn bytes(&self) -> Vec<u8> {
        let mut file = [&[0xFF, 0xD8][..], &self.segments].concat();
        // All steps are 8, so that a mean of 1 is a sample of 1.
        file.extend(segment(0xDB, &[&[0][..], &[8; 64]].concat()));
        let (width, height) = self.size;
        let mut frame = [&[self.bits][..], &height.to_be_bytes(), &width.to_be_bytes(), &[self.colours.len() as u8]].concat();
        self.colours.iter().for_each(|&(number, across, down)| frame.extend([number, across << 4 | down, 0]));
        file.extend(segment(self.frame, &frame));
        // The twelve categories of means have codes of 4 bits; the end of a block has the code 0 of one bit.
        file.extend(segment(0xC4, &[&[0, 0, 0, 0, 12][..], &[0; 12], &(0..12).collect::<Vec<u8>>()].concat()));
        file.extend(segment(0xC4, &[&[0x10, 1][..], &[0; 15], &[0]].concat()));
        if self.restart > 0 {
            file.extend(segment(0xDD, &self.restart.to_be_bytes()));
        }
        self.scans.iter().for_each(|scan| file.extend(self.scan(scan)));
        file.extend([0xFF, 0xD9]);
        file
    }

    fn scan(&self, scan: &[usize]) -> Vec<u8> {
        let last = if self.frame == SOF2 { 0 } else { 63 };
        let colours = scan.iter().flat_map(|&colour| [self.colours[colour].0, 0]);
        let head: Vec<u8> = [scan.len() as u8].into_iter().chain(colours).chain([0, last, 0]).collect();
        let mut bytes = segment(0xDA, &head);
        let (mcus, blocks) = self.order(scan);
        let interval = if self.restart > 0 { usize::from(self.restart) } else { mcus };
        for (number, mcus) in blocks.chunks((interval * blocks.len()).div_ceil(mcus.max(1)).max(1)).enumerate() {
            if number > 0 {
                bytes.extend([0xFF, 0xD0 | ((number - 1) as u8 % 8)]);
            }
            bytes.extend(self.coded(mcus));
        }
        bytes
    }

    /// The number of MCUs, and their blocks: colour, column, row.
    fn order(&self, scan: &[usize]) -> (usize, Vec<(usize, usize, usize)>) {
        let (width, height) = (usize::from(self.size.0), usize::from(self.size.1));
        let (most_across, most_down) = (usize::from(self.most().0), usize::from(self.most().1));
        let grid = |columns: usize, rows: usize| (0..rows).flat_map(move |y| (0..columns).map(move |x| (x, y)));
        if let [colour] = scan {
            let (_, across, down) = self.colours[*colour];
            let columns = (width * usize::from(across)).div_ceil(most_across).div_ceil(8);
            let rows = (height * usize::from(down)).div_ceil(most_down).div_ceil(8);
            return (columns * rows, grid(columns, rows).map(|(x, y)| (*colour, x, y)).collect());
        }
        let (columns, rows) = (width.div_ceil(8 * most_across), height.div_ceil(8 * most_down));
        let mcu = |(x, y): (usize, usize)| {
            scan.iter().flat_map(move |&colour| {
                let (across, down) = (usize::from(self.colours[colour].1), usize::from(self.colours[colour].2));
                grid(across, down).map(move |(dx, dy)| (colour, x * across + dx, y * down + dy))
            })
        };
        (columns * rows, grid(columns, rows).flat_map(mcu).collect())
    }

    fn coded(&self, blocks: &[(usize, usize, usize)]) -> Vec<u8> {
        let mut means = vec![0; self.colours.len()];
        let mut bits = Vec::new();
        for &(colour, x, y) in blocks {
            let mean = i32::from((self.sample)(colour, x, y)) - 128;
            let step = mean - std::mem::replace(&mut means[colour], mean);
            let category = (32 - step.unsigned_abs().leading_zeros()) as u8;
            push(&mut bits, category.into(), 4);
            let low = if step < 0 { step - 1 } else { step };
            push(&mut bits, low as u32, category.into());
            if self.frame != SOF2 {
                push(&mut bits, 0, 1);
            }
        }
        bits.resize(bits.len().next_multiple_of(8), true);
        stuffed(&bits)
    }
}

fn push(bits: &mut Vec<bool>, value: u32, count: u32) {
    bits.extend((0..count).rev().map(|place| value >> place & 1 == 1));
}

/// Bytes of bits, with 0 after 255.
fn stuffed(bits: &[bool]) -> Vec<u8> {
    let byte = |bits: &[bool]| bits.iter().fold(0_u8, |byte, &bit| byte << 1 | u8::from(bit));
    bits.chunks(8).map(byte).flat_map(|byte| if byte == 255 { vec![255, 0] } else { vec![byte] }).collect()
}

/// A JPEG segment.
pub fn segment(code: u8, payload: &[u8]) -> Vec<u8> {
    [&[0xFF, code][..], &(payload.len() as u16 + 2).to_be_bytes(), payload].concat()
}

/// A TIFF of one strip a page.
#[derive(Clone)]
pub struct Tiff {
    pub size: (u32, u32),
    /// Tags that are to be there beside those of the layout, and short numbers in them.
    pub tags: Vec<(u16, Vec<u16>)>,
    /// Bytes of the strips, one for each plane, or of the tiles.
    pub strips: Vec<Vec<u8>>,
    /// Side of the tiles, if there are any.
    pub tile: Option<u32>,
}

pub const BITS: u16 = 258;
const COMPRESSION: u16 = 259;
pub const PHOTOMETRIC: u16 = 262;
pub const ORIENTATION: u16 = 274;
const SAMPLES: u16 = 277;
const PLANAR: u16 = 284;
pub const COLOUR_MAP: u16 = 320;
pub const EXTRA: u16 = 338;
pub const FORMAT: u16 = 339;

impl Tiff {
    /// A page of samples of 8, 16 or 32 bits, `photometric` 1 (grey) or 2 (RGB).
    pub fn of(size: (u32, u32), photometric: u16, samples: Samples<'_>) -> Tiff {
        let (bits, count, strip) = match samples {
            Samples::U8(samples) => (8, samples.len(), samples.to_vec()),
            Samples::U16(samples) => (16, samples.len(), samples.iter().flat_map(|sample| sample.to_le_bytes()).collect()),
            Samples::U32(samples) => (32, samples.len(), samples.iter().flat_map(|sample| sample.to_le_bytes()).collect()),
        };
        let count = (count / (size.0 * size.1) as usize) as u16;
        let tags = vec![(BITS, vec![bits; count.into()]), (PHOTOMETRIC, vec![photometric]), (SAMPLES, vec![count])];
        Tiff { size, tags, strips: vec![strip], tile: None }
    }

    pub fn with(mut self, tag: u16, numbers: &[u16]) -> Tiff {
        self.tags.retain(|(other, _)| *other != tag);
        self.tags.push((tag, numbers.to_vec()));
        self
    }

    pub fn compressed(self, number: u16) -> Tiff {
        self.with(COMPRESSION, &[number])
    }

    /// The same in planes of bytes.
    pub fn in_planes(self) -> Tiff {
        let count = usize::from(self.tags.iter().find(|(tag, _)| *tag == SAMPLES).unwrap().1[0]);
        let plane = |number: usize| self.strips[0].iter().skip(number).step_by(count).copied().collect();
        let strips = (0..count).map(plane).collect();
        Tiff { strips, ..self }.with(PLANAR, &[2])
    }

    /// The same in tiles of this side, of pixels of whole bytes.
    pub fn in_tiles(self, side: u32) -> Tiff {
        let (width, height) = self.size;
        let pixel = self.strips[0].len() / (width * height) as usize;
        let byte = |x: u32, y: u32| {
            let begin = (y * width + x) as usize * pixel;
            if x < width && y < height { self.strips[0][begin..begin + pixel].to_vec() } else { vec![77; pixel] }
        };
        let tile = |left: u32, top: u32| (top..top + side).flat_map(|y| (left..left + side).flat_map(move |x| byte(x, y))).collect();
        let corners = (0..height).step_by(side as usize).flat_map(|top| (0..width).step_by(side as usize).map(move |left| (left, top)));
        let strips = corners.map(|(left, top)| tile(left, top)).collect();
        Tiff { strips, tile: Some(side), ..self }
    }

    pub fn bytes(&self) -> Vec<u8> {
        pages(std::slice::from_ref(self))
    }
}

/// Samples of a TIFF.
pub enum Samples<'a> {
    U8(&'a [u8]),
    U16(&'a [u16]),
    U32(&'a [u32]),
}

/// A TIFF of several pages, little endian.
pub fn pages(pages: &[Tiff]) -> Vec<u8> {
    let mut file = b"II*\0\0\0\0\0".to_vec();
    let mut pointer = 4;
    for page in pages {
        let strips: Vec<u32> = page
            .strips
            .iter()
            .map(|strip| {
                let begin = file.len() as u32;
                file.extend(strip);
                file.resize(file.len().next_multiple_of(2), 0);
                begin
            })
            .collect();
        let mut entries: Vec<(u16, u16, Vec<u8>)> =
            page.tags.iter().map(|(tag, numbers)| (*tag, 3, numbers.iter().flat_map(|number| number.to_le_bytes()).collect())).collect();
        let longs = |numbers: &[u32]| numbers.iter().flat_map(|number| number.to_le_bytes()).collect::<Vec<u8>>();
        let lengths: Vec<u32> = page.strips.iter().map(|strip| strip.len() as u32).collect();
        let (width, height) = page.size;
        entries.extend([(256, 4, longs(&[width])), (257, 4, longs(&[height]))]);
        match page.tile {
            Some(side) => {
                entries.extend([(322, 4, longs(&[side])), (323, 4, longs(&[side])), (324, 4, longs(&strips)), (325, 4, longs(&lengths))])
            }
            None => entries.extend([(278, 4, longs(&[height])), (273, 4, longs(&strips)), (279, 4, longs(&lengths))]),
        }
        entries.sort();
        let begin = file.len() as u32;
        file[pointer..pointer + 4].copy_from_slice(&begin.to_le_bytes());
        let mut behind = begin as usize + 2 + 12 * entries.len() + 4;
        let mut values = Vec::new();
        file.extend((entries.len() as u16).to_le_bytes());
        for (tag, kind, mut value) in entries {
            file.extend([tag.to_le_bytes(), kind.to_le_bytes()].as_flattened());
            file.extend((value.len() as u32 / if kind == 3 { 2 } else { 4 }).to_le_bytes());
            if value.len() > 4 {
                file.extend((behind as u32).to_le_bytes());
                value.resize(value.len().next_multiple_of(2), 0);
                behind += value.len();
                values.extend(value);
            } else {
                value.resize(4, 0);
                file.extend(value);
            }
        }
        pointer = file.len();
        file.extend([0; 4]);
        file.extend(values);
    }
    file
}

/// A BMP of 32 bits with a header of `header` bytes, `compression` 0 or 3, and masks of red, green, blue, alpha.
pub fn bmp(image: &DynamicImage, header: u32, compression: u32, masks: [u32; 4]) -> Vec<u8> {
    let (width, height) = image.dimensions();
    let begin = 14 + header.max(if compression == 3 { 52 } else { 0 });
    let mut file = b"BM".to_vec();
    [begin + 4 * width * height, 0, begin, header, width, height].iter().for_each(|number| file.extend(number.to_le_bytes()));
    file.extend([1, 0, 32, 0]);
    [compression, 4 * width * height, 2835, 2835, 0, 0].iter().chain(&masks).for_each(|number| file.extend(number.to_le_bytes()));
    file.resize(begin as usize, 0);
    let rgba = image.to_rgba8();
    rgba.rows().rev().for_each(|row| row.for_each(|pixel| file.extend([pixel.0[2], pixel.0[1], pixel.0[0], pixel.0[3]])));
    file
}

/// An animated WebP of pictures of one size.
pub fn webp_animation(frames: &[DynamicImage]) -> Vec<u8> {
    let chunk = |name: &[u8; 4], payload: &[u8]| {
        let padding = &[0][..payload.len() % 2];
        [&name[..], &(payload.len() as u32).to_le_bytes(), payload, padding].concat()
    };
    let side = |length: u32| (length - 1).to_le_bytes()[..3].to_vec();
    let (width, height) = frames[0].dimensions();
    let mut body = b"WEBP".to_vec();
    // Alpha and animation.
    body.extend(chunk(b"VP8X", &[vec![0x12, 0, 0, 0], side(width), side(height)].concat()));
    body.extend(chunk(b"ANIM", &[0; 6]));
    for frame in frames {
        let mut still = Vec::new();
        image_webp::WebPEncoder::new(&mut still).encode(&frame.to_rgb8(), width, height, image_webp::ColorType::Rgb8).unwrap();
        // Behind RIFF, its length and WEBP lies the one chunk of pixels.
        body.extend(chunk(b"ANMF", &[vec![0; 6], side(width), side(height), vec![100, 0, 0, 2], still[12..].to_vec()].concat()));
    }
    [&b"RIFF"[..], &(body.len() as u32).to_le_bytes(), &body].concat()
}

/// JPEGs one after the other with a list of them in the first (CIPA DC-007); `kind` is that of the others.
pub fn mpo(pictures: &[Vec<u8>], kind: u32) -> Vec<u8> {
    let list = |offsets: &[u32]| {
        let mut list = b"MPF\0MM\0*\0\0\0\x08\0\x01".to_vec();
        list.extend([0xB0, 0x02, 0, 7]);
        [16 * offsets.len() as u32, 8 + 2 + 12 + 4, 0].iter().for_each(|number| list.extend(number.to_be_bytes()));
        for (number, (&offset, picture)) in offsets.iter().zip(pictures).enumerate() {
            let kind = if number == 0 { 0x2003_0000 } else { kind };
            [kind, picture.len() as u32, offset, 0].iter().for_each(|number| list.extend(number.to_be_bytes()));
        }
        segment(0xE2, &list)
    };
    let length = list(&vec![0; pictures.len()]).len();
    // Offsets count from the byte order mark, behind the first marker, the segment's head and its name.
    let mut offsets = vec![0];
    let mut end = pictures[0].len() + length - (2 + 4 + 4);
    for picture in &pictures[1..] {
        offsets.push(end as u32);
        end += picture.len();
    }
    let (marker, rest) = pictures[0].split_at(2);
    [marker, &list(&offsets), rest].concat().into_iter().chain(pictures[1..].concat()).collect()
}

/// `cjxl -q 100 -e 3` (0.7) of 12 x 8 pixels (20 x, 30 y, 100), with alpha 255 - 10 x, of grey 5000 x + 100 y; of three flat pictures.
pub const JXL_RGB: &str = "ff0a01414071210802010060024b12c582055220192c2b9787a8a8aa77b1543cc618ef006ccbd977e993cfc98d3dffe8ddfb051d41c80f1f78f984a51304a9fb6e\
    17db36a70fc68c2b7899be7b1e399eff002c7e0100ac3c8069592866a38c711d8e1be2acab4c2dbc8774957519f30a62604bb5e0d3578de67def666f616fa42704\
    3a0cc33076767a84628947061288ca57384218f78b107b04fb0f463aaaf1d3d00bec02";
pub const JXL_RGBA: &str = "ff0a01c182e24208081000f4024b12c5820552608355562ed351494b99b1a7981763cc1863cc03102cee0ad0ddad166ff36e2618a099a799d31e58ab1c7ba1c08a\
    9497e999d67ea6f81ebcd35e189d2f7b81e6b0c0c764ee003ebf00acca0358fc07d04dae71d09a5632963d623fa471a3d24837b212dcadb28e19fb80759a9cdfdd\
    7fdd87c69048102ec38e1c2b5c8911172f46ac7782ba281d1d6b24bd4e900ad3c049947bff4042153302ffd0ff5fdd53dd3fe77edca3dc2b5cc0b1901720ae8c20\
    c94e845c19141d";
pub const JXL_GREY: &str = "0000000c4a584c200d0a870a00000014667479706a786c20000000006a786c20000000096a786c6c0a000000886a786c63ff0a01f10314170208020100c8014b12\
    c58285241625fea7b25b1d36891a1aa8d6982f647823100fc403f1403c100fc403f1403c100fc403f1fdd428ffc757ff0aad6eb5a95255a93a55a77e401765dbb0\
    600093756356a36fcf0d98551d9da0a97220808fb6307e4f06d51ef0fe7774421bbe14603097ff91776a0a38868e00";
pub const JXL_TURNED: &str = "0000000c4a584c200d0a870a00000014667479706a786c20000000006a786c20000000ae6a786c63ff0a012d10505c120802010060024b12c582055220192c2b97\
    87a8a8aa77b1543cc618ef006ccbd977e993cfc98d3dffe8ddfb051d41c80f1f78f984a51304a9fb6e17db36a70fc68c2b7899be7b1e399eff002c7e0100ac3c80\
    69592866a38c711d8e1be2acab4c2dbc8774957519f30a62604bb5e0d3578de67def666f616fa427043a0cc33076767a84628947061288ca57384218f78b107b04\
    fb0f463aaaf1d3d00bec02";
pub const JXL_ANIMATION: &str = "ff0a8830c100028a4b0208029209000090004b120912183804414881fc8c31789c182706658c31ce01201cde45d181ead49874951a4d080292090000ac004b1209\
    12183804414881fc8c31789c18274e8c9331c6380720700004c00c53030c4fa6980662b25546170108029205008c004b120912183804414881fc89314e9c182c26\
    062f13e7008c0f3497aa4080714940a215";

/// Bytes of hexadecimal digits.
pub fn hex(digits: &str) -> Vec<u8> {
    let digits: Vec<u8> = digits.bytes().map(|digit| char::from(digit).to_digit(16).unwrap() as u8).collect();
    digits.as_chunks::<2>().0.iter().map(|[high, low]| high << 4 | low).collect()
}

/// A GIF of frames.
pub fn gif(frames: &[RgbaImage]) -> Vec<u8> {
    let mut bytes = Vec::new();
    GifEncoder::new(&mut bytes).encode_frames(frames.iter().map(|image| Frame::new(image.clone()))).unwrap();
    bytes
}

/// An animated PNG of frames.
pub fn apng(frames: &[RgbImage]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, frames[0].width(), frames[0].height());
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_animated(frames.len() as u32, 0).unwrap();
    let mut writer = encoder.write_header().unwrap();
    frames.iter().for_each(|frame| writer.write_image_data(frame).unwrap());
    writer.finish().unwrap();
    bytes
}

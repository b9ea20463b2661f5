//! JPEG XL, through jxl-oxide.

use image::{ColorType, ImageDecoder, ImageResult};
use jxl_oxide::image::BitDepth;
use jxl_oxide::{AllocTracker, ImageStream, InitializeResult, JxlImage};

use crate::metadata::pixel_boxes;
use crate::refusal::{BREAKS_OFF, Refusal};

/// sRGB in the numbers of ITU-T H.273.
const SRGB: [u8; 4] = [1, 13, 0, 1];

/// A JPEG XL file, and which of its frames is wanted.
pub struct Jxl {
    image: JxlImage,
    frame: usize,
}

impl Jxl {
    /// Reads all of a file, `frame` from 0; decodes nothing yet.
    ///
    /// # Errors
    /// Damaged; unsupported for CMYK.
    pub fn open(bytes: &[u8], frame: usize, max_bytes: u64) -> Result<Jxl, Refusal> {
        let tracker = AllocTracker::with_limit(usize::try_from(max_bytes).unwrap_or(usize::MAX));
        // Not `read`, which stops at the last frame: Exif may lie behind it.
        let mut begun = JxlImage::builder().alloc_tracker(tracker).build_uninit();
        begun.feed_bytes(&pixel_boxes(bytes)).map_err(Refusal::of_decoder)?;
        let InitializeResult::Initialized(mut image) = begun.try_init().map_err(Refusal::of_decoder)? else {
            return Err(Refusal::damaged(BREAKS_OFF));
        };
        image.finalize().map_err(Refusal::of_decoder)?;
        if image.pixel_format().has_black() {
            return Err(Refusal::uses("CMYK"));
        }
        Ok(Jxl { image, frame })
    }

    /// How many frames there are.
    pub fn frames(&self) -> u64 {
        self.image.num_loaded_keyframes() as u64
    }

    /// Whether colours are multiplied by alpha.
    pub fn is_premultiplied(&self) -> bool {
        self.image.image_header().metadata.ec_info.iter().any(|channel| channel.alpha_associated() == Some(true))
    }

    /// The frame, or what there is of it.
    fn render(&mut self) -> jxl_oxide::Result<jxl_oxide::Render> {
        if self.frame < self.image.num_loaded_keyframes() { self.image.render_frame(self.frame) } else { self.image.render_loading_frame() }
    }
}

impl ImageDecoder for Jxl {
    fn dimensions(&self) -> (u32, u32) {
        (self.image.width(), self.image.height())
    }

    fn color_type(&self) -> ColorType {
        let (format, depth) = (self.image.pixel_format(), self.image.image_header().metadata.bit_depth);
        let exact = matches!(depth, BitDepth::IntegerSample { .. }) && depth.bits_per_sample() <= 16;
        match (format.is_grayscale(), format.has_alpha(), exact, depth.bits_per_sample() > 8) {
            (true, false, _, true) => ColorType::L16,
            (true, true, _, true) => ColorType::La16,
            (true, false, ..) => ColorType::L8,
            (true, true, ..) => ColorType::La8,
            (false, false, false, _) => ColorType::Rgb32F,
            (false, true, false, _) => ColorType::Rgba32F,
            (false, false, true, true) => ColorType::Rgb16,
            (false, true, true, true) => ColorType::Rgba16,
            (false, false, true, false) => ColorType::Rgb8,
            (false, true, true, false) => ColorType::Rgba8,
        }
    }

    fn icc_profile(&mut self) -> ImageResult<Option<Vec<u8>>> {
        // What is not said is sRGB.
        Ok((self.image.rendered_cicp() != Some(SRGB)).then(|| self.image.rendered_icc()))
    }

    fn read_image(mut self, buf: &mut [u8]) -> ImageResult<()> {
        let colour = self.color_type();
        let render = self.render().map_err(Refusal::of_decoder)?;
        let mut stream = render.stream();
        match colour {
            ColorType::L8 | ColorType::La8 | ColorType::Rgb8 | ColorType::Rgba8 => {
                stream.write_to_buffer(buf);
            }
            ColorType::Rgb32F | ColorType::Rgba32F => write(stream, buf, f32::to_ne_bytes),
            _ => write(stream, buf, u16::to_ne_bytes),
        }
        if self.image.is_loading_done() { Ok(()) } else { Err(Refusal::damaged(BREAKS_OFF).into()) }
    }

    fn read_image_boxed(self: Box<Self>, buf: &mut [u8]) -> ImageResult<()> {
        (*self).read_image(buf)
    }
}

/// Samples of more than a byte, row by row.
fn write<S: jxl_oxide::FrameBufferSample + Copy + Default, const N: usize>(
    mut stream: ImageStream<'_>,
    buf: &mut [u8],
    bytes: impl Fn(S) -> [u8; N],
) {
    let mut row = vec![S::default(); stream.width() as usize * stream.channels() as usize];
    for place in buf.chunks_exact_mut(row.len() * N) {
        stream.write_to_buffer(&mut row);
        place.as_chunks_mut().0.iter_mut().zip(&row).for_each(|(place, &sample)| *place = bytes(sample));
    }
}

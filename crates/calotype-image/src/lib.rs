//! Lets the `image` crate read .calo files: after [`register`], `image::open("x.calo")` works.
//!
//! ```no_run
//! calotype_image::register();
//! let picture = image::open("x.calo")?;
//! # Ok::<(), image::ImageError>(())
//! ```

#![forbid(unsafe_code)]

use std::io::Read;
use std::sync::{Arc, OnceLock};

use calotype::{Codec, DecodeOptions, Decoder, Error, Info, Metadata, Samples};
use image::error::{DecodingError, ImageFormatHint, LimitError, LimitErrorKind, UnsupportedError, UnsupportedErrorKind};
use image::{ColorType, ImageDecoder, ImageError, ImageResult, hooks};

/// The ending and the first bytes of files.
const ENDING: &str = "calo";
const MAGIC: &[u8] = b"CALO";

/// Teaches the `image` crate to read files that end in `.calo` or begin with `CALO`. `false` if something else reads that ending already.
pub fn register() -> bool {
    let registered = hooks::register_decoding_hook(ENDING.into(), Box::new(|reader| Ok(Box::new(CaloDecoder::new(reader)?))));
    if registered {
        hooks::register_format_detection_hook(ENDING.into(), MAGIC, None);
    }
    registered
}

/// A .calo file whose container has been read.
pub struct CaloDecoder {
    file: Vec<u8>,
    info: Info,
    metadata: Metadata,
}

impl CaloDecoder {
    /// Reads a whole file and its container.
    ///
    /// # Errors
    /// Of the reader; of a file that is damaged or too new.
    pub fn new(mut reader: impl Read) -> ImageResult<CaloDecoder> {
        let mut file = Vec::new();
        reader.read_to_end(&mut file)?;
        let decoder = Decoder::new(&file, &DecodeOptions::default()).map_err(image_error)?;
        let (info, metadata) = (decoder.info(), decoder.metadata().map_err(image_error)?);
        Ok(CaloDecoder { file, info, metadata })
    }
}

impl ImageDecoder for CaloDecoder {
    fn dimensions(&self) -> (u32, u32) {
        (self.info.width, self.info.height)
    }

    fn color_type(&self) -> ColorType {
        match (self.info.grey, self.info.alpha, self.info.depth) {
            (true, false, 8) => ColorType::L8,
            (true, true, 8) => ColorType::La8,
            (false, false, 8) => ColorType::Rgb8,
            (false, true, 8) => ColorType::Rgba8,
            (true, false, _) => ColorType::L16,
            (true, true, _) => ColorType::La16,
            (false, false, _) => ColorType::Rgb16,
            (false, true, _) => ColorType::Rgba16,
        }
    }

    fn icc_profile(&mut self) -> ImageResult<Option<Vec<u8>>> {
        Ok(self.metadata.icc.clone())
    }

    fn exif_metadata(&mut self) -> ImageResult<Option<Vec<u8>>> {
        Ok(self.metadata.exif.clone())
    }

    fn xmp_metadata(&mut self) -> ImageResult<Option<Vec<u8>>> {
        Ok(self.metadata.xmp.clone())
    }

    fn read_image(self, bytes: &mut [u8]) -> ImageResult<()> {
        let decoder = Decoder::new(&self.file, &DecodeOptions::default()).map_err(image_error)?;
        let picture = decoder.picture(codec()?).map_err(image_error)?;
        match picture.into_samples() {
            Samples::U8(samples) => bytes.copy_from_slice(&samples),
            Samples::U16(samples) => {
                let places = bytes.as_chunks_mut::<2>().0.iter_mut();
                places.zip(samples).for_each(|(place, sample)| *place = sample.to_ne_bytes());
            }
        }
        Ok(())
    }

    fn read_image_boxed(self: Box<Self>, bytes: &mut [u8]) -> ImageResult<()> {
        (*self).read_image(bytes)
    }
}

/// Loaded once.
fn codec() -> ImageResult<&'static Codec> {
    static CODEC: OnceLock<Result<Codec, Arc<Error>>> = OnceLock::new();
    let codec = CODEC.get_or_init(|| Codec::decode_only(None).map_err(Arc::new));
    codec.as_ref().map_err(|error| ImageError::Decoding(DecodingError::new(hint(), Arc::clone(error))))
}

fn hint() -> ImageFormatHint {
    ImageFormatHint::PathExtension(ENDING.into())
}

/// Sorted as the `image` crate does.
fn image_error(error: Error) -> ImageError {
    match error {
        Error::Limits { .. } => ImageError::Limits(LimitError::from_kind(LimitErrorKind::DimensionError)),
        Error::Unsupported(what) => {
            ImageError::Unsupported(UnsupportedError::from_format_and_kind(hint(), UnsupportedErrorKind::GenericFeature(what.to_string())))
        }
        other => ImageError::Decoding(DecodingError::new(hint(), other)),
    }
}

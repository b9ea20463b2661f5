//! Calotype for C: include/calotype.h says what each function does, to callers.
//!
//! Every function here is `unsafe` because C is: pointers are what the header asks for, or the behaviour is undefined. No panic leaves it.

use std::cell::RefCell;
use std::ffi::{CString, c_char, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::{ptr, slice};

use calotype::{Channels, Codec, DecodeOptions, Decoder, EncodeOptions, Error, Metadata, Picture, Quality, Samples, Usage};

/// `calotype_status`.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// The outputs are written.
    Ok = 0,
    /// The file is damaged.
    Malformed = 1,
    /// An argument makes no sense.
    Usage = 2,
    /// The file is too new or too large.
    Unsupported = 3,
    /// The codec cannot run here.
    Engine = 4,
}

/// `calotype_picture`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct CPicture {
    /// Pixels in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// 1 to 4.
    pub channels: u32,
    /// 8 or 16.
    pub depth: u32,
    /// The samples, or null.
    pub samples: *mut c_void,
    /// Length of the samples.
    pub bytes: usize,
}

/// `calotype_bytes`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct CBytes {
    /// The bytes, or null.
    pub data: *mut u8,
    /// How many.
    pub length: usize,
}

thread_local! {
    static MESSAGE: RefCell<CString> = RefCell::default();
}

/// Runs a task, keeps what it complains about, and turns a panic into a status.
fn guarded(task: impl FnOnce() -> Result<(), Error>) -> Status {
    let (status, message) = match catch_unwind(AssertUnwindSafe(task)) {
        Ok(Ok(())) => return Status::Ok,
        Ok(Err(error)) => (status_of(&error), error.to_string()),
        Err(_) => (Status::Engine, "a bug in calotype: it panicked".to_string()),
    };
    MESSAGE.with(|place| *place.borrow_mut() = CString::new(message.replace('\0', " ")).unwrap_or_default());
    status
}

fn status_of(error: &Error) -> Status {
    match error {
        Error::Malformed { .. } => Status::Malformed,
        Error::Usage(_) => Status::Usage,
        Error::Unsupported(_) | Error::Limits { .. } | Error::Memory { .. } | Error::NoMemory { .. } => Status::Unsupported,
        _ => Status::Engine,
    }
}

/// The library's version.
#[unsafe(no_mangle)]
pub extern "C" fn calotype_version() -> u32 {
    let number = |text: &str| text.parse::<u32>().unwrap_or(0);
    let [major, minor, patch] =
        [env!("CARGO_PKG_VERSION_MAJOR"), env!("CARGO_PKG_VERSION_MINOR"), env!("CARGO_PKG_VERSION_PATCH")].map(number);
    major << 16 | minor << 8 | patch
}

/// What the last failure of this thread was about.
#[unsafe(no_mangle)]
pub extern "C" fn calotype_error() -> *const c_char {
    // Stays where it is until this thread fails again.
    MESSAGE.with(|message| message.borrow().as_ptr())
}

/// Loads the embedded model.
///
/// # Safety
/// `codec` is writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn calotype_codec_new(codec: *mut *mut Codec) -> Status {
    guarded(|| {
        let loaded = Box::into_raw(Box::new(Codec::new(None)?));
        // SAFETY: the caller's.
        unsafe { codec.write(loaded) };
        Ok(())
    })
}

/// Frees a codec.
///
/// # Safety
/// `codec` is null or from [`calotype_codec_new`], and not used any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn calotype_codec_free(codec: *mut Codec) {
    if !codec.is_null() {
        // SAFETY: the caller's; it came from a Box.
        drop(unsafe { Box::from_raw(codec) });
    }
}

/// What a file says about itself.
///
/// # Safety
/// `data` points to `length` bytes, `picture` is writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn calotype_info(data: *const u8, length: usize, picture: *mut CPicture) -> Status {
    guarded(|| {
        // SAFETY: the caller's.
        let file = unsafe { bytes_at(data, length) };
        let info = Decoder::new(file, &DecodeOptions { max_pixels: u64::MAX, ..DecodeOptions::default() })?.info();
        let channels = 1 + 2 * u32::from(!info.grey) + u32::from(info.alpha);
        let samples =
            CPicture { width: info.width, height: info.height, channels, depth: info.depth.into(), samples: ptr::null_mut(), bytes: 0 };
        // SAFETY: the caller's.
        unsafe { picture.write(samples) };
        Ok(())
    })
}

/// Decodes a file.
///
/// # Safety
/// `codec` is alive, `data` points to `length` bytes, `picture` is writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn calotype_decode(
    codec: *const Codec,
    data: *const u8,
    length: usize,
    max_pixels: u64,
    picture: *mut CPicture,
) -> Status {
    guarded(|| {
        // SAFETY: the caller's.
        let (codec, file) = unsafe { (&*codec, bytes_at(data, length)) };
        let decoded = Decoder::new(file, &DecodeOptions { max_pixels, ..DecodeOptions::default() })?.picture(codec)?;
        // SAFETY: the caller's.
        unsafe { picture.write(given_away(decoded)) };
        Ok(())
    })
}

/// Encodes a picture.
///
/// # Safety
/// `codec` is alive, `picture` is readable with samples of the size that it says, `file` is writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn calotype_encode(codec: *const Codec, picture: *const CPicture, quality: f64, file: *mut CBytes) -> Status {
    guarded(|| {
        // SAFETY: the caller's.
        let (codec, picture) = unsafe { (&*codec, borrowed(&*picture)?) };
        let options = EncodeOptions { quality: Quality::new(quality)?, ..EncodeOptions::default() };
        let bytes = codec.encode_picture(&picture, &Metadata::default(), &options)?.bytes.into_boxed_slice();
        let length = bytes.len();
        // SAFETY: the caller's.
        unsafe { file.write(CBytes { data: Box::into_raw(bytes).cast(), length }) };
        Ok(())
    })
}

/// Frees a picture's samples.
///
/// # Safety
/// `picture` is writable and from [`calotype_decode`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn calotype_picture_free(picture: *mut CPicture) {
    // SAFETY: the caller's.
    let picture = unsafe { &mut *picture };
    let (samples, bytes) = (std::mem::replace(&mut picture.samples, ptr::null_mut()), std::mem::take(&mut picture.bytes));
    if samples.is_null() {
        return;
    }
    // SAFETY: `given_away` made it of a boxed slice of this length and element type.
    unsafe {
        match picture.depth {
            16 => drop(Box::from_raw(ptr::slice_from_raw_parts_mut(samples.cast::<u16>(), bytes / 2))),
            _ => drop(Box::from_raw(ptr::slice_from_raw_parts_mut(samples.cast::<u8>(), bytes))),
        }
    }
}

/// Frees a file.
///
/// # Safety
/// `bytes` is writable and from [`calotype_encode`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn calotype_bytes_free(bytes: *mut CBytes) {
    // SAFETY: the caller's.
    let bytes = unsafe { &mut *bytes };
    let (data, length) = (std::mem::replace(&mut bytes.data, ptr::null_mut()), std::mem::take(&mut bytes.length));
    if !data.is_null() {
        // SAFETY: `calotype_encode` made it of a boxed slice of this length.
        drop(unsafe { Box::from_raw(ptr::slice_from_raw_parts_mut(data, length)) });
    }
}

/// # Safety
/// `data` points to `length` bytes, or `length` is 0.
unsafe fn bytes_at<'a>(data: *const u8, length: usize) -> &'a [u8] {
    // SAFETY: the caller's.
    if data.is_null() { &[] } else { unsafe { slice::from_raw_parts(data, length) } }
}

/// A copy of the caller's picture.
///
/// # Safety
/// Its samples are as many bytes as it says.
unsafe fn borrowed(picture: &CPicture) -> Result<Picture, Error> {
    let CPicture { width, height, channels, depth, samples, bytes } = *picture;
    let refused = || Error::Usage(Usage::PictureSize { width, height, channels: channels as usize, samples: bytes });
    let channels = match channels {
        1 => Channels::Grey,
        2 => Channels::GreyAlpha,
        3 => Channels::Rgb,
        4 => Channels::Rgba,
        _ => return Err(refused()),
    };
    // SAFETY: the caller's.
    let bytes = unsafe { bytes_at(samples.cast(), bytes) };
    let samples = match depth {
        8 => Samples::U8(bytes.to_vec()),
        16 => Samples::U16(bytes.as_chunks::<2>().0.iter().map(|sample| u16::from_ne_bytes(*sample)).collect()),
        _ => return Err(refused()),
    };
    Picture::new(width, height, channels, samples)
}

/// A picture that the caller frees.
fn given_away(picture: Picture) -> CPicture {
    let (width, height, depth) = (picture.width(), picture.height(), picture.depth().into());
    let channels = picture.channels().count() as u32;
    let (samples, bytes): (*mut c_void, usize) = match picture.into_samples() {
        Samples::U8(samples) => {
            let samples = samples.into_boxed_slice();
            let bytes = samples.len();
            (Box::into_raw(samples).cast(), bytes)
        }
        Samples::U16(samples) => {
            let samples = samples.into_boxed_slice();
            let bytes = 2 * samples.len();
            (Box::into_raw(samples).cast(), bytes)
        }
    };
    CPicture { width, height, channels, depth, samples, bytes }
}

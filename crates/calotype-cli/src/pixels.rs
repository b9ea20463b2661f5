//! Pictures of the codec as those of the `image` crate, and back.

use calotype::{Channels, Picture, Samples};
use image::{DynamicImage, ImageBuffer};

/// The same picture for the codec. 32-bit floats become 16 bits.
pub fn from_image(image: DynamicImage) -> Result<Picture, calotype::Error> {
    let (width, height) = (image.width(), image.height());
    let (channels, samples) = match image {
        DynamicImage::ImageLuma8(pixels) => (Channels::Grey, Samples::U8(pixels.into_raw())),
        DynamicImage::ImageLumaA8(pixels) => (Channels::GreyAlpha, Samples::U8(pixels.into_raw())),
        DynamicImage::ImageRgb8(pixels) => (Channels::Rgb, Samples::U8(pixels.into_raw())),
        DynamicImage::ImageRgba8(pixels) => (Channels::Rgba, Samples::U8(pixels.into_raw())),
        DynamicImage::ImageLuma16(pixels) => (Channels::Grey, Samples::U16(pixels.into_raw())),
        DynamicImage::ImageLumaA16(pixels) => (Channels::GreyAlpha, Samples::U16(pixels.into_raw())),
        DynamicImage::ImageRgba16(pixels) => (Channels::Rgba, Samples::U16(pixels.into_raw())),
        DynamicImage::ImageRgba32F(_) => (Channels::Rgba, Samples::U16(image.into_rgba16().into_raw())),
        other => (Channels::Rgb, Samples::U16(other.into_rgb16().into_raw())),
    };
    Picture::new(width, height, channels, samples)
}

/// The same picture for the `image` crate.
pub fn into_image(picture: Picture) -> DynamicImage {
    let (width, height, channels) = (picture.width(), picture.height(), picture.channels());
    let image = match picture.into_samples() {
        Samples::U8(samples) => match channels {
            Channels::Grey => ImageBuffer::from_raw(width, height, samples).map(DynamicImage::ImageLuma8),
            Channels::GreyAlpha => ImageBuffer::from_raw(width, height, samples).map(DynamicImage::ImageLumaA8),
            Channels::Rgb => ImageBuffer::from_raw(width, height, samples).map(DynamicImage::ImageRgb8),
            Channels::Rgba => ImageBuffer::from_raw(width, height, samples).map(DynamicImage::ImageRgba8),
        },
        Samples::U16(samples) => match channels {
            Channels::Grey => ImageBuffer::from_raw(width, height, samples).map(DynamicImage::ImageLuma16),
            Channels::GreyAlpha => ImageBuffer::from_raw(width, height, samples).map(DynamicImage::ImageLumaA16),
            Channels::Rgb => ImageBuffer::from_raw(width, height, samples).map(DynamicImage::ImageRgb16),
            Channels::Rgba => ImageBuffer::from_raw(width, height, samples).map(DynamicImage::ImageRgba16),
        },
    };
    image.expect("a picture has as many samples as it has pixels and channels")
}

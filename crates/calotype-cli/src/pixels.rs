//! Pictures of the codec as those of the `image` crate, and back.

use calotype::{Channels, Picture, Samples, Shape};
use image::{ColorType, DynamicImage, ImageBuffer, ImageDecoder};

use crate::refusal::Refusal;

/// A sample in the middle.
const GREY: u8 = 128;

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

/// What a decoder makes, with grey where it fails, and what is wrong there, if anything is.
///
/// # Errors
/// If it has made nothing, or does not know the file.
pub fn salvaged(decoder: impl ImageDecoder) -> Result<(DynamicImage, Option<String>), Refusal> {
    let ((width, height), colour) = (decoder.dimensions(), decoder.color_type());
    let pixel = grey(colour);
    let mut bytes = pixel.repeat(width as usize * height as usize);
    let broken = match decoder.read_image(&mut bytes).map_err(Refusal::from_image) {
        Ok(()) => None,
        Err(Refusal::Damaged(what)) if bytes.chunks_exact(pixel.len()).any(|bytes| bytes != pixel) => Some(what),
        Err(refusal) => return Err(refusal),
    };
    Ok((from_bytes(colour, (width, height), bytes), broken))
}

/// An opaque grey pixel.
fn grey(colour: ColorType) -> Vec<u8> {
    let (count, bytes) = (usize::from(colour.channel_count()), usize::from(colour.bytes_per_pixel() / colour.channel_count()));
    let sample = |most: bool| match (bytes, most) {
        (4, false) => 0.5_f32.to_ne_bytes().to_vec(),
        (4, true) => 1.0_f32.to_ne_bytes().to_vec(),
        (_, most) => vec![if most { 255 } else { GREY }; bytes],
    };
    (0..count).flat_map(|number| sample(colour.has_alpha() && number + 1 == count)).collect()
}

/// The kind of pixels of a picture as the `image` crate calls it.
pub fn color_type(shape: Shape) -> ColorType {
    match (shape.channels, shape.depth) {
        (Channels::Grey, 8) => ColorType::L8,
        (Channels::GreyAlpha, 8) => ColorType::La8,
        (Channels::Rgb, 8) => ColorType::Rgb8,
        (Channels::Rgba, 8) => ColorType::Rgba8,
        (Channels::Grey, _) => ColorType::L16,
        (Channels::GreyAlpha, _) => ColorType::La16,
        (Channels::Rgb, _) => ColorType::Rgb16,
        (Channels::Rgba, _) => ColorType::Rgba16,
    }
}

/// Makes rows opaque grey, 16 bits in any order.
pub fn make_grey(rows: &mut [u8], shape: Shape) {
    let colours = shape.pixel_bytes() - if shape.channels.has_alpha() { usize::from(shape.depth / 8) } else { 0 };
    for pixel in rows.chunks_exact_mut(shape.pixel_bytes()) {
        pixel[..colours].fill(GREY);
        pixel[colours..].fill(255);
    }
}

/// An image of bytes as a decoder of the `image` crate makes them.
fn from_bytes(colour: ColorType, (width, height): (u32, u32), bytes: Vec<u8>) -> DynamicImage {
    let deep = |bytes: &[u8]| bytes.as_chunks().0.iter().map(|sample| u16::from_ne_bytes(*sample)).collect::<Vec<u16>>();
    let floats = |bytes: &[u8]| bytes.as_chunks().0.iter().map(|sample| f32::from_ne_bytes(*sample)).collect::<Vec<f32>>();
    let image = match colour {
        ColorType::L8 => ImageBuffer::from_raw(width, height, bytes).map(DynamicImage::ImageLuma8),
        ColorType::La8 => ImageBuffer::from_raw(width, height, bytes).map(DynamicImage::ImageLumaA8),
        ColorType::Rgb8 => ImageBuffer::from_raw(width, height, bytes).map(DynamicImage::ImageRgb8),
        ColorType::Rgba8 => ImageBuffer::from_raw(width, height, bytes).map(DynamicImage::ImageRgba8),
        ColorType::L16 => ImageBuffer::from_raw(width, height, deep(&bytes)).map(DynamicImage::ImageLuma16),
        ColorType::La16 => ImageBuffer::from_raw(width, height, deep(&bytes)).map(DynamicImage::ImageLumaA16),
        ColorType::Rgb16 => ImageBuffer::from_raw(width, height, deep(&bytes)).map(DynamicImage::ImageRgb16),
        ColorType::Rgba16 => ImageBuffer::from_raw(width, height, deep(&bytes)).map(DynamicImage::ImageRgba16),
        ColorType::Rgb32F => ImageBuffer::from_raw(width, height, floats(&bytes)).map(DynamicImage::ImageRgb32F),
        _ => ImageBuffer::from_raw(width, height, floats(&bytes)).map(DynamicImage::ImageRgba32F),
    };
    image.expect("as many bytes as the pixels have")
}

/// A colour that was multiplied by alpha, of samples from 0 to `most`.
pub fn straight(colour: u32, alpha: u32, most: u32) -> u32 {
    // The sum fits: 65535 * 65535 + 32767 is less than 2^32.
    (colour * most + alpha / 2).checked_div(alpha).map_or(0, |quotient| quotient.min(most))
}

/// Divides the colours of an image by its alpha.
pub fn divide(image: &mut DynamicImage) {
    fn each<S: Copy>(samples: &mut [S], count: usize, divided: impl Fn(S, S) -> S) {
        for pixel in samples.chunks_exact_mut(count) {
            let alpha = pixel[count - 1];
            pixel[..count - 1].iter_mut().for_each(|colour| *colour = divided(*colour, alpha));
        }
    }
    let shallow = |colour: u8, alpha: u8| straight(colour.into(), alpha.into(), 255) as u8;
    let deep = |colour: u16, alpha: u16| straight(colour.into(), alpha.into(), 65_535) as u16;
    match image {
        DynamicImage::ImageLumaA8(pixels) => each(pixels, 2, shallow),
        DynamicImage::ImageRgba8(pixels) => each(pixels, 4, shallow),
        DynamicImage::ImageLumaA16(pixels) => each(pixels, 2, deep),
        DynamicImage::ImageRgba16(pixels) => each(pixels, 4, deep),
        DynamicImage::ImageRgba32F(pixels) => each(pixels, 4, |colour, alpha| if alpha > 0.0 { colour / alpha } else { 0.0 }),
        _ => {}
    }
}

/// The image without alpha where that says nothing, as frames of formats have it that always have alpha.
pub fn without_full_alpha(image: DynamicImage) -> DynamicImage {
    match image {
        DynamicImage::ImageRgba8(pixels) if pixels.pixels().all(|pixel| pixel.0[3] == 255) => {
            DynamicImage::ImageRgba8(pixels).into_rgb8().into()
        }
        image => image,
    }
}

/// A picture with the channels and the depth of `shape`.
pub fn fitted(picture: Picture, shape: Shape) -> Picture {
    if (picture.channels(), picture.depth()) == (shape.channels, shape.depth) {
        return picture;
    }
    let image = into_image(picture);
    let image: DynamicImage = match (shape.channels, shape.depth) {
        (Channels::Grey, 8) => image.into_luma8().into(),
        (Channels::GreyAlpha, 8) => image.into_luma_alpha8().into(),
        (Channels::Rgb, 8) => image.into_rgb8().into(),
        (Channels::Rgba, 8) => image.into_rgba8().into(),
        (Channels::Grey, _) => image.into_luma16().into(),
        (Channels::GreyAlpha, _) => image.into_luma_alpha16().into(),
        (Channels::Rgb, _) => image.into_rgb16().into(),
        (Channels::Rgba, _) => image.into_rgba16().into(),
    };
    from_image(image).expect("as many samples as before, of another kind")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn premultiplied_colours_are_divided() {
        assert_eq!([100, 50, 25].map(|colour| straight(colour, 128, 255)), [199, 100, 50]);
        assert_eq!([(7, 0), (255, 255), (200, 100)].map(|(colour, alpha)| straight(colour, alpha, 255)), [0, 255, 255]);
        assert_eq!([(65_535, 65_535), (1, 2), (300, 600)].map(|(colour, alpha)| straight(colour, alpha, 65_535)), [65_535, 32_768, 32_768]);
    }
}

//! `image::open` reads .calo files of every kind.

use calotype::{Channels, Codec, DecodeOptions, Decoder, EncodeOptions, Metadata, Picture, Samples};
use image::metadata::Orientation;
use image::{ColorType, ImageDecoder, ImageError, ImageReader};

const KINDS: [(Channels, u8, ColorType); 4] = [
    (Channels::Grey, 8, ColorType::L8),
    (Channels::GreyAlpha, 16, ColorType::La16),
    (Channels::Rgb, 16, ColorType::Rgb16),
    (Channels::Rgba, 8, ColorType::Rgba8),
];

/// Exif that says no more than an orientation.
const EXIF: &[u8] = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";

fn file(codec: &Codec, channels: Channels, depth: u8) -> Vec<u8> {
    let samples = (0..50 * 40 * channels.count()).map(|i| (i * 37) as u16);
    let samples =
        if depth == 8 { Samples::U8(samples.map(|sample| (sample >> 8) as u8).collect()) } else { Samples::U16(samples.collect()) };
    let picture = Picture::new(50, 40, channels, samples).unwrap();
    let metadata = Metadata { icc: Some(vec![7; 9]), exif: Some(EXIF.to_vec()), ..Metadata::default() };
    codec.encode_picture(&picture, &metadata, &EncodeOptions::default()).unwrap().bytes
}

#[test]
fn pictures_open() {
    calotype_image::register();
    assert!(!calotype_image::register(), "once is enough");
    let (codec, folder) = (Codec::new(None).unwrap(), tempfile::tempdir().unwrap());
    for (channels, depth, colour) in KINDS {
        let path = folder.path().join("x.CALO");
        let bytes = file(&codec, channels, depth);
        std::fs::write(&path, &bytes).unwrap();
        let picture = Decoder::new(&bytes, &DecodeOptions::default()).unwrap().picture(&codec).unwrap();
        let opened = image::open(&path).unwrap();
        assert_eq!((opened.width(), opened.height(), opened.color()), (50, 40, colour));
        match picture.samples() {
            Samples::U8(samples) => assert_eq!(opened.as_bytes(), samples),
            Samples::U16(samples) => {
                assert_eq!(opened.as_bytes(), samples.iter().flat_map(|sample| sample.to_ne_bytes()).collect::<Vec<u8>>())
            }
        }
        // By its content, under another name.
        std::fs::rename(&path, folder.path().join("x")).unwrap();
        let mut decoder = ImageReader::open(folder.path().join("x")).unwrap().with_guessed_format().unwrap().into_decoder().unwrap();
        assert_eq!(decoder.icc_profile().unwrap(), Some(vec![7; 9]));
        assert_eq!(decoder.orientation().unwrap(), Orientation::Rotate90);
    }
}

#[test]
fn damaged_files_are_errors() {
    calotype_image::register();
    let mut bytes = file(&Codec::new(None).unwrap(), Channels::Rgb, 8);
    let folder = tempfile::tempdir().unwrap();
    let open = |bytes: &[u8]| {
        std::fs::write(folder.path().join("x.calo"), bytes).unwrap();
        image::open(folder.path().join("x.calo")).map(|_| ())
    };
    assert!(open(&bytes).is_ok());
    assert!(matches!(open(&bytes[..99]), Err(ImageError::Decoding(_))));
    bytes[4] = 9;
    assert!(matches!(open(&bytes), Err(ImageError::Unsupported(_))));
}

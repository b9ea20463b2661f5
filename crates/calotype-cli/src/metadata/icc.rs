//! ICC profiles: whether one can be that of these pixels, and profiles made of what a PNG says with numbers.

use moxcms::{Chromaticity, ColorPrimaries, ColorProfile, LocalizableString, ProfileText, ToneReprCurve};

/// ICC.1:2022 section 7: the header, then the number of tags, then 12 bytes for each tag.
const HEADER_BYTES: usize = 128;
const TAG_BYTES: usize = 12;
/// Kinds of devices whose profiles tell what pixels mean; others link devices or name colours.
const CLASSES: [&[u8]; 4] = [b"mntr", b"scnr", b"prtr", b"spac"];

/// PNG's units: 100000 is 1.
const UNIT: f64 = 1e5;
const SRGB_GAMMA: u32 = 45_455;
/// What libpng calls no significant difference: 5 % of gamma, 0.01 in chromaticities.
const SAME_GAMMA: f64 = 0.05;
const SAME_CHROMATICITY: u32 = 1000;
const SRGB: Chromaticities =
    Chromaticities { white: [31_270, 32_900], red: [64_000, 33_000], green: [30_000, 60_000], blue: [15_000, 6_000] };

/// x and y of PNG's chunk cHRM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chromaticities {
    pub white: [u32; 2],
    pub red: [u32; 2],
    pub green: [u32; 2],
    pub blue: [u32; 2],
}

/// Why a profile is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// It takes more memory than metadata may take.
    #[error("{}", super::too_long("ICC profile"))]
    TooLong,
    /// It is no profile.
    #[error("{}", super::damaged("ICC profile"))]
    Damaged,
    /// It is one of RGB, and the pixels are grey.
    #[error("its ICC profile is left out, for it is one of RGB, and the pixels are grey")]
    Rgb,
    /// It is one of grey, and the pixels are RGB.
    #[error("its ICC profile is left out, for it is one of grey, and the pixels are RGB")]
    Grey,
    /// It is one of another space, in which the pixels are no more.
    #[error("{}", super::converted(.0.escape_ascii().to_string().trim_end()))]
    Converted([u8; 4]),
}

/// A chunk of a PNG whose numbers no picture can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadChunk {
    /// The one of gamma.
    #[error("gAMA")]
    Gamma,
    /// The one of the primaries and the white.
    #[error("cHRM")]
    Chromaticities,
}

/// Whether it is a profile, and one of grey or of RGB.
///
/// # Errors
/// Why it is left out.
pub fn check(icc: &[u8], grey: bool) -> Result<(), Unfit> {
    if icc.len() as u64 > super::MOST_BYTES {
        return Err(Unfit::TooLong);
    }
    let wanted = if grey { b"GRAY" } else { b"RGB " };
    match colour_space(icc) {
        None => Err(Unfit::Damaged),
        Some(space) if space == wanted => Ok(()),
        Some(b"RGB ") => Err(Unfit::Rgb),
        Some(b"GRAY") => Err(Unfit::Grey),
        Some(space) => Err(Unfit::Converted(*space)),
    }
}

/// The space of the pixels that a plausible profile is for.
fn colour_space(icc: &[u8]) -> Option<&[u8; 4]> {
    let word = |at: usize| icc.get(at..at + 4)?.first_chunk::<4>();
    let number = |at: usize| word(at).map(|word| u32::from_be_bytes(*word) as usize);
    let (length, tags) = (number(0)?, number(HEADER_BYTES)?);
    let inside = |tag: usize| {
        let at = HEADER_BYTES + 4 + tag * TAG_BYTES;
        number(at + 4).zip(number(at + 8)).is_some_and(|(begin, bytes)| begin.checked_add(bytes).is_some_and(|end| end <= length))
    };
    let fits = (HEADER_BYTES + 4..=icc.len()).contains(&length) && tags <= (length - HEADER_BYTES - 4) / TAG_BYTES && (0..tags).all(inside);
    let class = CLASSES.contains(&word(12)?.as_slice());
    let connection = [b"XYZ ", b"Lab "].contains(&word(20)?);
    (fits && class && connection && word(36)? == b"acsp").then(|| word(16)).flatten()
}

/// A profile of the chunks gAMA and cHRM, one of which may be missing: it is sRGB's then. `None` where both together say sRGB, as libpng takes it.
///
/// # Errors
/// The chunk whose numbers no picture can have.
pub fn of_gamma(gamma: Option<u32>, chromaticities: Option<Chromaticities>, grey: bool) -> Result<Option<Vec<u8>>, BadChunk> {
    let gamma = gamma.map(f64::from);
    if gamma.is_some_and(|gamma| !(UNIT / 100.0..=UNIT * 100.0).contains(&gamma)) {
        return Err(BadChunk::Gamma);
    }
    let srgb_gamma = gamma.is_none_or(|gamma| (gamma / f64::from(SRGB_GAMMA) - 1.0).abs() <= SAME_GAMMA);
    if srgb_gamma && chromaticities.is_none_or(|chromaticities| chromaticities.is_srgb()) {
        return Ok(None);
    }
    let mut profile = if grey { ColorProfile::new_gray_with_gamma(1.0) } else { ColorProfile::new_srgb() };
    if let Some(gamma) = gamma {
        let curve = Some(ToneReprCurve::Parametric(vec![(UNIT / gamma) as f32]));
        if grey {
            profile.gray_trc = curve;
        } else {
            (profile.red_trc, profile.green_trc, profile.blue_trc) = (curve.clone(), curve.clone(), curve);
        }
    }
    profile.cicp = None;
    if let Some(chromaticities) = chromaticities.filter(|chromaticities| !chromaticities.is_srgb()) {
        chromaticities.describe(&mut profile).ok_or(BadChunk::Chromaticities)?;
    }
    profile.description = Some(ProfileText::Localizable(vec![LocalizableString::new(
        "en".to_string(),
        "US".to_string(),
        "gAMA and cHRM of a PNG".to_string(),
    )]));
    let mut icc = profile.encode().map_err(|_| BadChunk::Chromaticities)?;
    // No date: the same picture gives the same bytes.
    icc[24..36].fill(0);
    Ok(Some(icc))
}

impl Chromaticities {
    fn is_srgb(&self) -> bool {
        let near = |a: [u32; 2], b: [u32; 2]| a.into_iter().zip(b).all(|(a, b)| a.abs_diff(b) <= SAME_CHROMATICITY);
        near(self.white, SRGB.white) && near(self.red, SRGB.red) && near(self.green, SRGB.green) && near(self.blue, SRGB.blue)
    }

    /// The colorants of a profile; `None` for what are no three colours around a white.
    fn describe(&self, profile: &mut ColorProfile) -> Option<()> {
        let all = [self.white, self.red, self.green, self.blue];
        all.iter().all(|[x, y]| *y > 0 && x.saturating_add(*y) <= UNIT as u32).then_some(())?;
        let [white, red, green, blue] = all.map(|[x, y]| Chromaticity { x: (f64::from(x) / UNIT) as f32, y: (f64::from(y) / UNIT) as f32 });
        profile.update_rgb_colorimetry(white.to_xyyb(), ColorPrimaries { red, green, blue });
        profile.chromatic_adaptation = None;
        let colorants = [profile.red_colorant, profile.green_colorant, profile.blue_colorant];
        let sound = |value: f64| value.is_finite() && value.abs() < 4.0;
        colorants.iter().all(|colorant| sound(colorant.x) && sound(colorant.y) && sound(colorant.z) && colorant.y > 0.0).then_some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn profiles_are_of_their_pixels() {
        let (rgb, grey) = (ColorProfile::new_display_p3().encode().unwrap(), ColorProfile::new_gray_with_gamma(2.2).encode().unwrap());
        assert_eq!([check(&rgb, false), check(&grey, true)], [Ok(()), Ok(())]);
        let note = |icc: &[u8], is_grey| check(icc, is_grey).unwrap_err().to_string();
        assert_eq!(note(&rgb, true), "its ICC profile is left out, for it is one of RGB, and the pixels are grey");
        assert_eq!(note(&grey, false), "its ICC profile is left out, for it is one of grey, and the pixels are RGB");
        let cmyk = [&rgb[..16], b"CMYK", &rgb[20..]].concat();
        assert_eq!(note(&cmyk, false), "its CMYK colours were converted to sRGB without a profile");
        for cut in [0, 3, 127, 131, rgb.len() - 1] {
            assert_eq!(note(&rgb[..cut], false), "its ICC profile is damaged and left out", "{cut}");
        }
        for byte in [0, 12, 20, 36, 128, 136] {
            let mut damaged = rgb.clone();
            damaged[byte] ^= 0x55;
            assert_eq!(note(&damaged, false), "its ICC profile is damaged and left out", "{byte}");
        }
    }

    #[test]
    fn gamma_and_chromaticities_become_a_profile() {
        let curve = |icc: Option<Vec<u8>>| {
            let profile = ColorProfile::new_from_slice(&icc.unwrap()).unwrap();
            profile.red_trc.or(profile.gray_trc).unwrap()
        };
        assert_eq!(curve(of_gamma(Some(100_000), None, false).unwrap()), ToneReprCurve::Parametric(vec![1.0]));
        assert_eq!(curve(of_gamma(Some(50_000), None, true).unwrap()), ToneReprCurve::Parametric(vec![2.0]));
        assert_eq!(of_gamma(Some(45_455), None, false), Ok(None));
        assert_eq!(of_gamma(Some(45_455), Some(SRGB), false), Ok(None));
        assert_eq!(of_gamma(Some(0), None, false), Err(BadChunk::Gamma));
        assert_eq!(of_gamma(None, Some(Chromaticities { red: [0, 0], ..SRGB }), false), Err(BadChunk::Chromaticities));
        assert_eq!(of_gamma(None, Some(Chromaticities { red: SRGB.blue, ..SRGB }), false), Err(BadChunk::Chromaticities));
        let adobe = Chromaticities { green: [21_000, 71_000], ..SRGB };
        let icc = of_gamma(Some(45_471), Some(adobe), false).unwrap().unwrap();
        assert_eq!(icc, of_gamma(Some(45_471), Some(adobe), false).unwrap().unwrap(), "no date");
        let (made, known) = (ColorProfile::new_from_slice(&icc).unwrap(), ColorProfile::new_adobe_rgb());
        for (made, known) in [(made.red_colorant, known.red_colorant), (made.green_colorant, known.green_colorant)] {
            assert!((made.x - known.x).abs() < 0.001 && (made.y - known.y).abs() < 0.001, "{made:?} {known:?}");
        }
        assert_eq!(check(&icc, false), Ok(()));
    }
}

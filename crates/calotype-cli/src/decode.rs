//! `calotype decode`: a .calo file becomes an image.

use std::time::Instant;

use calotype::{Codec, DecodeOptions, Decoder, Image};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::args::DecodeArgs;
use crate::engine::Choice;
use crate::failure::{Failure, shown};
use crate::output::{self, Existing, is_pipe};
use crate::read_image::read_bytes;
use crate::write_image::{Pixels, output_format, write_image};

/// What `--json` prints.
#[derive(Serialize)]
struct Report {
    input: String,
    output: String,
    width: u32,
    height: u32,
    bytes: usize,
    bpp: f64,
    quality: f64,
    engine: &'static str,
    adapter: String,
    model_id: String,
    decode_ms: f64,
    rgb_sha256: String,
}

/// Runs the command.
///
/// # Errors
/// Every failure of reading, decoding and writing.
pub fn run(args: &DecodeArgs, choice: &Choice) -> Result<(), Failure> {
    if args.json && is_pipe(&args.output) {
        return Err(Failure::usage("--json: standard output carries the picture already; give -o a name"));
    }
    let format = output_format(&args.output)?;
    output::check(&args.output, Existing::from_flag(args.overwrite))?;
    let bytes = read_bytes(&args.input)?;
    let failed = |error| Failure::codec(&args.input, &error);
    let decoder = Decoder::new(&bytes, &DecodeOptions { max_pixels: args.max_pixels }).map_err(failed)?;
    let codec = choice.decoder()?;
    let begin = Instant::now();
    let image = decoder.decode(&codec).map_err(failed)?;
    let decode_ms = begin.elapsed().as_secs_f64() * 1e3;
    choice.say(&codec);
    let pixels = Pixels { width: image.width, height: image.height, rgb: &image.rgb };
    write_image(&args.output, format, &pixels, Existing::from_flag(args.overwrite))?;
    if args.json {
        return output::print_json(&Report { decode_ms, ..report(args, &decoder, &codec, &image) });
    }
    output::say(&format!("{}: {}x{}, {decode_ms:.0} ms", shown(&args.output), image.width, image.height));
    Ok(())
}

fn report(args: &DecodeArgs, decoder: &Decoder<'_>, codec: &Codec, image: &Image) -> Report {
    let (info, ran) = (decoder.info(), codec.engine());
    Report {
        input: args.input.display().to_string(),
        output: args.output.display().to_string(),
        width: info.width,
        height: info.height,
        bytes: info.bytes,
        bpp: info.bits_per_pixel(),
        quality: info.quality.percent(),
        engine: ran.engine,
        adapter: ran.adapter,
        model_id: info.model_id.to_string(),
        decode_ms: 0.0,
        rgb_sha256: sha256(&image.rgb),
    }
}

/// SHA-256 as 64 hexadecimal digits.
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn sha256_of_nist() {
        assert_eq!(super::sha256(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}

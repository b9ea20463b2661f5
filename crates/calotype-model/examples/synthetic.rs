//! Writes a synthetic model as files, for checks by other programs: `synthetic FOLDER tiny|fast SEED`.

use std::error::Error;
use std::{env, fs, path::Path};

use calotype_model::synthetic;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [folder, size, seed] = arguments.as_slice() else { return Err("usage: synthetic FOLDER tiny|fast SEED".into()) };
    let config = match size.as_str() {
        "tiny" => synthetic::tiny(),
        "fast" => synthetic::fast(),
        other => return Err(format!("no such size: {other}").into()),
    };
    let (decoder, encoder) = synthetic::pair(&config, seed.parse()?);
    fs::write(Path::new(folder).join("synthetic.decoder.safetensors"), decoder.to_safetensors()?)?;
    fs::write(Path::new(folder).join("synthetic.encoder.safetensors"), encoder.to_safetensors()?)?;
    println!("{:016x}", u64::from_be_bytes(decoder.id));
    Ok(())
}

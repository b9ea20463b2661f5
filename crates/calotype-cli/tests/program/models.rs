//! `--model FILE`: another model than the one inside the program.

use crate::harness::{Desk, ppm};

/// Files of the tiny test model, as FILE on the command line.
pub fn put_model(desk: &Desk) {
    for part in ["decoder", "encoder"] {
        let path = format!("{}/../../tests/golden/tiny.{part}.safetensors", env!("CARGO_MANIFEST_DIR"));
        desk.write(&format!("tiny.{part}.safetensors"), &std::fs::read(path).unwrap());
    }
}

#[test]
fn a_model_from_files_encodes_and_decodes() {
    let desk = Desk::new();
    put_model(&desk);
    desk.write("in.ppm", &ppm(70, 50));
    let encoded = desk.json("encode in.ppm -o out.calo --json --model tiny.decoder.safetensors");
    let default = desk.json("encode in.ppm -o default.calo --json");
    assert_ne!(encoded["bytes"], default["bytes"]);
    desk.json("decode out.calo -o out.ppm --json --model tiny.decoder.safetensors");
    let refused = desk.run("decode out.calo -o none.ppm");
    assert_eq!(refused.code, 3, "{}", refused.stderr);
    let refused = desk.run("decode default.calo -o none.ppm --model tiny.decoder.safetensors");
    assert_eq!(refused.code, 3, "{}", refused.stderr);
    assert!(!desk.names().contains(&"none.ppm".to_string()));
}

#[test]
fn a_model_that_cannot_be_used_is_named() {
    let desk = Desk::new();
    put_model(&desk);
    desk.write("in.ppm", &ppm(70, 50));
    let mut damaged = desk.read("tiny.decoder.safetensors");
    let last = damaged.len() - 1;
    damaged[last] ^= 1;
    desk.write("damaged.decoder.safetensors", &damaged);
    desk.write("damaged.encoder.safetensors", &desk.read("tiny.encoder.safetensors"));
    desk.write("alone.decoder.safetensors", &desk.read("tiny.decoder.safetensors"));
    for (model, code, named) in [
        ("missing.decoder.safetensors", 5, "calotype: missing.decoder.safetensors: cannot read the model: "),
        ("alone.decoder.safetensors", 5, "calotype: alone.decoder.safetensors: cannot read alone.encoder.safetensors beside it: "),
        ("tiny.encoder.safetensors", 2, "tiny.encoder.safetensors"),
        ("damaged.decoder.safetensors", 4, "damaged.decoder.safetensors"),
    ] {
        let run = desk.run(&format!("encode in.ppm -o out.calo --model {model}"));
        assert_eq!(run.code, code, "{model}: {}", run.stderr);
        assert!(run.stderr.contains(named) && run.stderr.lines().count() == 1, "{}", run.stderr);
    }
    assert!(!desk.names().contains(&"out.calo".to_string()));
}

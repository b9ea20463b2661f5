//! What one core can do at most, and how close each layer's kernel comes, on every instruction set of this machine.
//!
//! `cargo run --release -p calotype-cpu --example ceilings [ISA]`

mod support;

use std::sync::Arc;

use calotype_cpu::{Ceilings, Engine, Isa, LayerKind, LayerSpeed};

fn main() {
    let wanted = std::env::args().nth(1);
    let model = Arc::new(support::model());
    for isa in Isa::available().into_iter().filter(|isa| wanted.as_ref().is_none_or(|name| *name == isa.to_string())) {
        let engine = Engine::new(Arc::clone(&model), isa).expect("available");
        let Some(ceilings) = engine.ceilings() else { continue };
        let Ceilings { int8_gop_per_s, int16_gop_per_s, copy_gb_per_s, .. } = ceilings;
        println!("{isa}: int8 {int8_gop_per_s:.0} GOP/s, int16 {int16_gop_per_s:.0} GOP/s, copy {copy_gb_per_s:.1} GB/s");
        engine.layer_speeds().iter().for_each(|speed| print(speed, &ceilings));
    }
}

fn print(speed: &LayerSpeed, ceilings: &Ceilings) {
    let most = if speed.kind == LayerKind::Wide { ceilings.int16_gop_per_s } else { ceilings.int8_gop_per_s };
    let LayerSpeed { layer, inputs, outputs, gop_per_s, gb_per_s, .. } = speed;
    let kind = speed.kind.name();
    println!(
        "  {layer:22} {kind:9} {inputs:4} -> {outputs:4} {gop_per_s:7.0} GOP/s {:4.0} % {gb_per_s:6.1} GB/s",
        100.0 * gop_per_s / most
    );
}

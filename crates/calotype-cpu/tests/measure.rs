//! What an engine says of its own speed: that it is about the right phases and layers. How large the numbers are is no matter for a test.

use std::sync::Arc;

use calotype_cpu::{Engine, Isa, LayerKind, Phase, TileSize};
use calotype_model::synthetic;

fn engine(isa: Isa) -> Engine {
    Engine::new(Arc::new(synthetic::model(&synthetic::tiny(), 5)), isa).unwrap()
}

#[test]
fn time_is_counted_for_the_phases_that_ran() {
    for isa in Isa::available().into_iter().filter(|&isa| isa != Isa::Scalar) {
        let engine = engine(isa);
        let ran = |engine: &Engine| {
            let times = engine.graph().take_times();
            Phase::ALL.into_iter().filter(|&phase| !times[phase].is_zero()).collect::<Vec<_>>()
        };
        let (q, config) = (engine.model().decoder().quality(8000), engine.model().decoder().config.clone());
        assert_eq!(ran(&engine), []);
        engine.analyse(&[7; 3 * 40 * 30], 40, 30);
        assert_eq!(ran(&engine), [Phase::Analysis]);
        let hyper = engine.graph().hyper(&q, &vec![1; config.z], TileSize { lh: 2, lw: 3 });
        assert_eq!(ran(&engine), [Phase::HyperSynthesis, Phase::Scales]);
        let v_hat = engine.graph().means(&q, &hyper.side, &vec![1; 6 * config.m]);
        assert_eq!(ran(&engine), [Phase::Means]);
        engine.synthesise(&q, &v_hat, 48, 32);
        assert_eq!(ran(&engine), [Phase::Synthesis]);
    }
}

#[test]
fn layers_are_measured_with_the_shapes_that_they_have() {
    let engine = engine(Isa::detect());
    let config = engine.model().decoder().config.clone();
    let speeds = engine.graph().layer_speeds();
    let shape_of = |layer: &str| speeds.iter().find(|speed| speed.layer == layer).map(|speed| (speed.kind, speed.inputs, speed.outputs));
    assert_eq!(shape_of("context.0.last"), Some((LayerKind::Int8, config.p, config.m / 4)), "it runs in quarters");
    assert_eq!(shape_of("g_s.first"), Some((LayerKind::Wide, config.m, 4 * config.c)));
    assert_eq!(shape_of("g_s.blocks.0.ffn1"), Some((LayerKind::Int8, config.c, 2 * config.c)));
    assert_eq!(shape_of("g_s.blocks.0.dw"), Some((LayerKind::Depthwise, config.c, config.c)));
    assert_eq!(shape_of("g_a.last"), Some((LayerKind::Wide, 4 * config.c, config.m)));
    assert!(speeds.iter().all(|speed| speed.gop_per_s > 0.0 && speed.gb_per_s > 0.0));
    let ceilings = engine.graph().ceilings().unwrap();
    assert!(ceilings.int8_gop_per_s > 0.0 && ceilings.int16_gop_per_s > 0.0 && ceilings.copy_gb_per_s > 0.0);
}

//! A tiny model as the Python exporter writes it, and the oracle against layer vectors that PyTorch computed
//! (`python -m calotype_training.golden tests/golden`).

use std::ops::Range;

use calotype_cpu::{Map, scalar};
use calotype_model::{Block, Chain, Decoder, Encoder, Layer, Model, Pointwise};

const DECODER: &[u8] = include_bytes!("../../../tests/golden/tiny.decoder.safetensors");
const ENCODER: &[u8] = include_bytes!("../../../tests/golden/tiny.encoder.safetensors");
const LAYERS: &[u8] = include_bytes!("../../../tests/golden/layers.safetensors");

fn decoder() -> Decoder {
    Decoder::from_safetensors(DECODER).unwrap()
}

/// The integers of the first JSON array after `key` in `entry`.
fn integers(entry: &str, key: &str) -> Vec<usize> {
    let array = entry.split_once(&format!("\"{key}\":[")).unwrap().1.split_once(']').unwrap().0;
    array.split(',').map(|integer| integer.trim().parse().unwrap()).collect()
}

/// The shape of a tensor `[h, w, c]` in the golden file, and where its bytes are.
fn find(name: &str) -> ([usize; 3], Range<usize>) {
    let header_bytes = u64::from_le_bytes(LAYERS[..8].try_into().unwrap()) as usize;
    let header = std::str::from_utf8(&LAYERS[8..8 + header_bytes]).unwrap();
    let entry = header.split_once(&format!("\"{name}\":")).unwrap_or_else(|| panic!("no {name}")).1;
    let offsets = integers(entry, "data_offsets");
    (integers(entry, "shape").try_into().unwrap(), 8 + header_bytes + offsets[0]..8 + header_bytes + offsets[1])
}

fn codes(name: &str) -> Map<i8> {
    let ([height, width, channels], bytes) = find(name);
    Map { height, width, channels, data: LAYERS[bytes].iter().map(|&byte| byte as i8).collect() }
}

fn stream(name: &str) -> Map<i16> {
    let ([height, width, channels], bytes) = find(name);
    let data = LAYERS[bytes].as_chunks().0.iter().map(|&element| i16::from_le_bytes(element)).collect();
    Map { height, width, channels, data }
}

#[test]
fn the_exporter_writes_what_the_loader_reads() {
    let encoder = Encoder::from_safetensors(ENCODER).unwrap();
    assert!(Model::new(decoder(), Some(encoder)).is_ok());
}

fn predictor<'a>(decoder: &'a Decoder, name: &str) -> &'a Chain {
    decoder.predictors.iter().find(|chain| chain.name == name).expect(name)
}

/// The first layer of a chain.
fn int8(chain: &Chain) -> &Pointwise {
    let Layer::Int8(layer) = &chain.stages[0].layer else { panic!("{} reads codes", chain.name) };
    layer
}

#[test]
fn pointwise_layers_agree_with_pytorch() {
    let decoder = decoder();
    let block = &decoder.g_s.stages[0].blocks[0];
    let pw1 = scalar::pointwise(&block.pw1, &codes("g_s.blocks.0.pw1.in"));
    assert!(scalar::active_end(&pw1, &block.pw1.shift) == codes("g_s.blocks.0.pw1.out"));
    assert!(scalar::code_end(&pw1, &block.pw1.shift) != codes("g_s.blocks.0.pw1.out"), "negative control: not leaky");
    for (name, layer) in [
        ("g_s.blocks.0.pw2", &block.pw2),
        ("context.1.first", int8(predictor(&decoder, "context.1"))),
        ("scale_head", int8(predictor(&decoder, "scale_head"))),
    ] {
        let sums = scalar::pointwise(layer, &codes(&format!("{name}.in")));
        assert!(scalar::stream_end(&sums, &layer.shift) == stream(&format!("{name}.out")), "{name}");
    }
}

#[test]
fn depthwise_layers_agree_with_pytorch() {
    let mut dw = decoder().g_s.stages.swap_remove(0).blocks.swap_remove(0).dw;
    let (input, output) = (codes("g_s.blocks.0.dw.in"), codes("g_s.blocks.0.dw.out"));
    assert!(scalar::code_end(&scalar::depthwise(&dw, &input), &dw.shift) == output);
    dw.weight[9..18].reverse();
    assert!(scalar::code_end(&scalar::depthwise(&dw, &input), &dw.shift) != output, "negative control: channel 1 turned round");
}

#[test]
fn blocks_agree_with_pytorch() {
    let decoder = decoder();
    let check = |name: &str, block: &Block| {
        assert!(scalar::block(block, &stream(&format!("{name}.in"))) == stream(&format!("{name}.out")), "{name}")
    };
    check("g_s.blocks.1", &decoder.g_s.stages[0].blocks[1]);
    check("context.0.block", &predictor(&decoder, "context.0").stages[0].blocks[0]);
}

#[test]
fn wide_layers_agree_with_pytorch() {
    let Layer::Wide(first) = decoder().g_s.stages.swap_remove(0).layer else { panic!("g_s reads a stream") };
    let sums = scalar::pointwise(&first, &stream("g_s.first.in"));
    assert!(scalar::stream_end(&sums, &first.shift) == stream("g_s.first.out"));
}

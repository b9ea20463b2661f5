// A layer of N outputs at positions of a map. Bindings 0 to 3 of all pointwise kernels.
//
// ends [N / 4][4]: bias, shift, read shift of the codes that are made of the output, addend (bias.dec or log gain; 0 for most layers).

struct Layer {
    positions: u32,   // that are computed
    width: u32,       // of the input map
    inputs4: u32,     // K / 4
    stride4: u32,     // groups of four channels from one input position to the next, at least K / 4
    outputs4: u32,    // N / 4
    out_width: u32,   // of the map that `place` writes
    out_height: u32,
    top: u32,         // rows and columns of the output that are cropped away (before a shuffle); wrapped around: added
    left: u32,
    codes4: u32,      // groups of four channels from one position of the codes that are written to the next
    apart: u32,       // rows and columns from one position that is computed to the next
}

@group(0) @binding(0) var<uniform> layer: Layer;
@group(0) @binding(1) var<storage, read> weights: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> ends: array<vec4<i32>>;

fn biased(n4: u32, sum: vec4<i32>) -> vec4<i32> {
    return ends[n4 * 4u] + sum;
}

fn shift_of(n4: u32) -> vec4<i32> {
    return ends[n4 * 4u + 1u];
}

fn read_shift_of(n4: u32) -> vec4<i32> {
    return ends[n4 * 4u + 2u];
}

fn addend_of(n4: u32) -> vec4<i32> {
    return ends[n4 * 4u + 3u];
}


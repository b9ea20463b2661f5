// A wide layer: sum over k of weight[n][k] * value[k], weights of 12 bits, values of 16 (docs/MODEL.md section 2); eight inputs a step, so
// K is a multiple of 8. Plain i32 multiplications, exact modulo 2^32, which the overflow proof makes exact.
//
// input    stream [positions][K]
// weights  [K / 4][N / 4][2]: four outputs, each with its weights (i16, low half first) of two inputs

@group(0) @binding(3) var<storage, read> input: array<vec4<u32>>;

alias Inputs = vec4<u32>;

// Pairs of weights, as they are in memory.
struct Columns {
    k0: vec4<i32>,
    k2: vec4<i32>,
    k4: vec4<i32>,
    k6: vec4<i32>,
}

fn steps() -> u32 {
    return layer.inputs4 / 2u;
}

fn stride() -> u32 {
    return layer.stride4 / 2u;
}

// Word j of the four that hold the weights of four outputs for step k.
fn word(k: u32, n4: u32, j: u32) -> vec4<u32> {
    return weights[2u * ((2u * k + j / 2u) * layer.outputs4 + n4) + j % 2u];
}

fn unpacked(a: vec4<u32>, b: vec4<u32>, c: vec4<u32>, d: vec4<u32>) -> Columns {
    return Columns(bitcast<vec4<i32>>(a), bitcast<vec4<i32>>(b), bitcast<vec4<i32>>(c), bitcast<vec4<i32>>(d));
}

fn columns(k: u32, n4: u32) -> Columns {
    return unpacked(word(k, n4, 0u), word(k, n4, 1u), word(k, n4, 2u), word(k, n4, 3u));
}

fn pair(values: u32, w: vec4<i32>) -> vec4<i32> {
    let signed = bitcast<i32>(values);
    let half = vec4<u32>(16u);
    return ((w << half) >> half) * ((signed << 16u) >> 16u) + (w >> half) * (signed >> 16u);
}

fn times(words: Inputs, w: Columns) -> vec4<i32> {
    return pair(words.x, w.k0) + pair(words.y, w.k2) + pair(words.z, w.k4) + pair(words.w, w.k6);
}


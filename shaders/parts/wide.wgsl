// A wide layer: sum over k of weight[n][k] * value[k], weights of 12 bits, values of 16 (docs/MODEL.md section 2); four inputs a step.
// Plain i32 multiplications: as many as byte planes would need dot products, and exact modulo 2^32, which the overflow proof makes exact.
//
// input    stream [positions][K]
// weights  [K / 4][N / 4][2]: four outputs, each with its weights (i16, low half first) of two inputs

@group(0) @binding(3) var<storage, read> input: array<vec2<u32>>;

struct Columns {
    k0: vec4<i32>,
    k1: vec4<i32>,
    k2: vec4<i32>,
    k3: vec4<i32>,
}

fn steps() -> u32 {
    return layer.inputs4;
}

fn stride() -> u32 {
    return layer.stride4;
}

fn columns(k: u32, n4: u32) -> Columns {
    let place = 2u * (k * layer.outputs4 + n4);
    let a = bitcast<vec4<i32>>(weights[place]);
    let b = bitcast<vec4<i32>>(weights[place + 1u]);
    let half = vec4<u32>(16u);
    return Columns((a << half) >> half, a >> half, (b << half) >> half, b >> half);
}

fn times(words: vec2<u32>, w: Columns) -> vec4<i32> {
    let value = unpack16(words);
    return w.k0 * value.x + w.k1 * value.y + w.k2 * value.z + w.k3 * value.w;
}


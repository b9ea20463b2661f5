// An int8 layer: sum over k of weight[n][k] * code[k] (docs/MODEL.md section 2); sixteen inputs a step, so K and stride are multiples of 16.
//
// input    codes [positions][stride]
// weights  [K / 4][N / 4]: four outputs, each with its weights of four inputs

@group(0) @binding(3) var<storage, read> input: array<vec4<u32>>;

alias Inputs = vec4<u32>;

struct Columns {
    k0: vec4<u32>,
    k4: vec4<u32>,
    k8: vec4<u32>,
    k12: vec4<u32>,
}

fn steps() -> u32 {
    return layer.inputs4 / 4u;
}

fn stride() -> u32 {
    return layer.stride4 / 4u;
}

// Word j of the four that hold the weights of four outputs for step k.
fn word(k: u32, n4: u32, j: u32) -> vec4<u32> {
    return weights[(4u * k + j) * layer.outputs4 + n4];
}

fn unpacked(a: vec4<u32>, b: vec4<u32>, c: vec4<u32>, d: vec4<u32>) -> Columns {
    return Columns(a, b, c, d);
}

fn columns(k: u32, n4: u32) -> Columns {
    return unpacked(word(k, n4, 0u), word(k, n4, 1u), word(k, n4, 2u), word(k, n4, 3u));
}

fn dots(codes: u32, w: vec4<u32>) -> vec4<i32> {
    return vec4<i32>(dot4I8Packed(codes, w.x), dot4I8Packed(codes, w.y), dot4I8Packed(codes, w.z), dot4I8Packed(codes, w.w));
}

fn times(codes: Inputs, w: Columns) -> vec4<i32> {
    return dots(codes.x, w.k0) + dots(codes.y, w.k4) + dots(codes.z, w.k8) + dots(codes.w, w.k12);
}


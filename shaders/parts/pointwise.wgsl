// An int8 layer: sum over k of weight[n][k] * code[k] (docs/MODEL.md section 2).
//
// input    codes [positions][stride]
// weights  [K / 4][N / 4]: four outputs, each with its weights of four inputs

@group(0) @binding(3) var<storage, read> input: array<u32>;

fn columns(index: u32) -> vec4<u32> {
    return weights[index];
}

fn times(codes: u32, w: vec4<u32>) -> vec4<i32> {
    return vec4<i32>(dot4I8Packed(codes, w.x), dot4I8Packed(codes, w.y), dot4I8Packed(codes, w.z), dot4I8Packed(codes, w.w));
}


// An int8 layer: sum over k of weight[n][k] * code[k] (docs/MODEL.md section 2); four inputs a step.
//
// input    codes [positions][stride]
// weights  [K / 4][N / 4]: four outputs, each with its weights of four inputs

@group(0) @binding(3) var<storage, read> input: array<u32>;

alias Columns = vec4<u32>;

fn steps() -> u32 {
    return layer.inputs4;
}

fn stride() -> u32 {
    return layer.stride4;
}

fn columns(k: u32, n4: u32) -> Columns {
    return weights[k * layer.outputs4 + n4];
}

fn times(codes: u32, w: Columns) -> vec4<i32> {
    return vec4<i32>(dot4I8Packed(codes, w.x), dot4I8Packed(codes, w.y), dot4I8Packed(codes, w.z), dot4I8Packed(codes, w.w));
}


// An int8 layer: sum over k of weight[n][k] * code[k] (docs/MODEL.md section 2).
//
// input    codes [positions][stride]
// weights  [K / 4][N / 4]: four outputs, each with its weights of four inputs
// An invocation computes eight positions (y) by four outputs (x); `finish` is the kernel's end.

@group(0) @binding(3) var<storage, read> input: array<u32>;

fn dot4(codes: u32, w: vec4<u32>) -> vec4<i32> {
    return vec4<i32>(dot4I8Packed(codes, w.x), dot4I8Packed(codes, w.y), dot4I8Packed(codes, w.z), dot4I8Packed(codes, w.w));
}

@compute @workgroup_size(8, 8)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let n4 = id.x;
    let p = id.y * 8u;
    if n4 >= layer.outputs4 || p >= layer.positions {
        return;
    }
    let last = layer.positions - 1u;
    let i0 = p * layer.stride4;
    let i1 = min(p + 1u, last) * layer.stride4;
    let i2 = min(p + 2u, last) * layer.stride4;
    let i3 = min(p + 3u, last) * layer.stride4;
    let i4 = min(p + 4u, last) * layer.stride4;
    let i5 = min(p + 5u, last) * layer.stride4;
    let i6 = min(p + 6u, last) * layer.stride4;
    let i7 = min(p + 7u, last) * layer.stride4;
    var a0 = vec4<i32>();
    var a1 = vec4<i32>();
    var a2 = vec4<i32>();
    var a3 = vec4<i32>();
    var a4 = vec4<i32>();
    var a5 = vec4<i32>();
    var a6 = vec4<i32>();
    var a7 = vec4<i32>();
    for (var k = 0u; k < layer.inputs4; k++) {
        let w = weights[k * layer.outputs4 + n4];
        a0 += dot4(input[i0 + k], w);
        a1 += dot4(input[i1 + k], w);
        a2 += dot4(input[i2 + k], w);
        a3 += dot4(input[i3 + k], w);
        a4 += dot4(input[i4 + k], w);
        a5 += dot4(input[i5 + k], w);
        a6 += dot4(input[i6 + k], w);
        a7 += dot4(input[i7 + k], w);
    }
    finish(p, n4, a0);
    if p + 1u <= last { finish(p + 1u, n4, a1); }
    if p + 2u <= last { finish(p + 2u, n4, a2); }
    if p + 3u <= last { finish(p + 3u, n4, a3); }
    if p + 4u <= last { finish(p + 4u, n4, a4); }
    if p + 5u <= last { finish(p + 5u, n4, a5); }
    if p + 6u <= last { finish(p + 6u, n4, a6); }
    if p + 7u <= last { finish(p + 7u, n4, a7); }
}


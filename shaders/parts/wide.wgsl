// A wide layer: sum over k of weight[n][k] * value[k], weights of 12 bits, values of 16 (docs/MODEL.md section 2).
// Plain i32 multiplications: as many as byte planes would need dot products, and exact modulo 2^32, which the overflow proof makes exact.
//
// input    stream [positions][K]
// weights  [K / 4][N / 4][2]: four outputs, each with its weights (i16, low half first) of two inputs
// An invocation computes eight positions (y) by four outputs (x); `finish` is the kernel's end.

@group(0) @binding(3) var<storage, read> input: array<vec2<u32>>;

struct Columns {
    k0: vec4<i32>,
    k1: vec4<i32>,
    k2: vec4<i32>,
    k3: vec4<i32>,
}

fn columns(index: u32) -> Columns {
    let a = bitcast<vec4<i32>>(weights[index]);
    let b = bitcast<vec4<i32>>(weights[index + 1u]);
    let half = vec4<u32>(16u);
    return Columns((a << half) >> half, a >> half, (b << half) >> half, b >> half);
}

fn times(words: vec2<u32>, w: Columns) -> vec4<i32> {
    let value = unpack16(words);
    return w.k0 * value.x + w.k1 * value.y + w.k2 * value.z + w.k3 * value.w;
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
        let w = columns((k * layer.outputs4 + n4) * 2u);
        a0 += times(input[i0 + k], w);
        a1 += times(input[i1 + k], w);
        a2 += times(input[i2 + k], w);
        a3 += times(input[i3 + k], w);
        a4 += times(input[i4 + k], w);
        a5 += times(input[i5 + k], w);
        a6 += times(input[i6 + k], w);
        a7 += times(input[i7 + k], w);
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


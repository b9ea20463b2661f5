// tile_8x8: the body of a pointwise kernel. An invocation computes eight positions by eight outputs, the second four of them 32 further on.
// `columns` reads the weights of four outputs for one step of inputs, `times` multiplies them with the inputs at a position,
// `finish` is the kernel's end.

@compute @workgroup_size(8, 8)
fn main(@builtin(local_invocation_id) local: vec3<u32>, @builtin(workgroup_id) workgroup: vec3<u32>) {
    let n4 = workgroup.x * 16u + local.x;
    let m4 = n4 + 8u;
    let p = (workgroup.y * 8u + local.y) * 8u;
    if n4 >= layer.outputs4 || p >= layer.positions {
        return;
    }
    let last = layer.positions - 1u;
    let step = stride();
    let i0 = position(p) * step;
    let i1 = position(min(p + 1u, last)) * step;
    let i2 = position(min(p + 2u, last)) * step;
    let i3 = position(min(p + 3u, last)) * step;
    let i4 = position(min(p + 4u, last)) * step;
    let i5 = position(min(p + 5u, last)) * step;
    let i6 = position(min(p + 6u, last)) * step;
    let i7 = position(min(p + 7u, last)) * step;
    var a0 = vec4<i32>();
    var a1 = vec4<i32>();
    var a2 = vec4<i32>();
    var a3 = vec4<i32>();
    var a4 = vec4<i32>();
    var a5 = vec4<i32>();
    var a6 = vec4<i32>();
    var a7 = vec4<i32>();
    var b0 = vec4<i32>();
    var b1 = vec4<i32>();
    var b2 = vec4<i32>();
    var b3 = vec4<i32>();
    var b4 = vec4<i32>();
    var b5 = vec4<i32>();
    var b6 = vec4<i32>();
    var b7 = vec4<i32>();
    let second = min(m4, layer.outputs4 - 1u);
    for (var k = 0u; k < steps(); k++) {
        let w = columns(k, n4);
        let x = columns(k, second);
        let v0 = input[i0 + k];
        a0 += times(v0, w);
        b0 += times(v0, x);
        let v1 = input[i1 + k];
        a1 += times(v1, w);
        b1 += times(v1, x);
        let v2 = input[i2 + k];
        a2 += times(v2, w);
        b2 += times(v2, x);
        let v3 = input[i3 + k];
        a3 += times(v3, w);
        b3 += times(v3, x);
        let v4 = input[i4 + k];
        a4 += times(v4, w);
        b4 += times(v4, x);
        let v5 = input[i5 + k];
        a5 += times(v5, w);
        b5 += times(v5, x);
        let v6 = input[i6 + k];
        a6 += times(v6, w);
        b6 += times(v6, x);
        let v7 = input[i7 + k];
        a7 += times(v7, w);
        b7 += times(v7, x);
    }
    finish(p, n4, a0);
    if p + 1u <= last { finish(p + 1u, n4, a1); }
    if p + 2u <= last { finish(p + 2u, n4, a2); }
    if p + 3u <= last { finish(p + 3u, n4, a3); }
    if p + 4u <= last { finish(p + 4u, n4, a4); }
    if p + 5u <= last { finish(p + 5u, n4, a5); }
    if p + 6u <= last { finish(p + 6u, n4, a6); }
    if p + 7u <= last { finish(p + 7u, n4, a7); }
    if m4 >= layer.outputs4 {
        return;
    }
    finish(p, m4, b0);
    if p + 1u <= last { finish(p + 1u, m4, b1); }
    if p + 2u <= last { finish(p + 2u, m4, b2); }
    if p + 3u <= last { finish(p + 3u, m4, b3); }
    if p + 4u <= last { finish(p + 4u, m4, b4); }
    if p + 5u <= last { finish(p + 5u, m4, b5); }
    if p + 6u <= last { finish(p + 6u, m4, b6); }
    if p + 7u <= last { finish(p + 7u, m4, b7); }
}


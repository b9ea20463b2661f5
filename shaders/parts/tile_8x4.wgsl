// tile_8x4: the body of a pointwise kernel. An invocation computes eight positions by four outputs, so that eight inputs share each weight.
// `columns` reads the weights of four outputs for one step of inputs, `times` multiplies them with the inputs at a position,
// `finish` is the kernel's end.

@compute @workgroup_size(8, 8)
fn main(@builtin(local_invocation_id) local: vec3<u32>, @builtin(workgroup_id) workgroup: vec3<u32>) {
    let n4 = workgroup.x * 8u + local.x;
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
    for (var k = 0u; k < steps(); k++) {
        let w = columns(k, n4);
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


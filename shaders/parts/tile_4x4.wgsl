// tile_4x4: the body of a pointwise kernel. An invocation computes four positions by four outputs.
// `columns` reads the weights of four outputs for one step of inputs, `times` multiplies them with the inputs at a position,
// `finish` is the kernel's end.

@compute @workgroup_size(8, 8)
fn main(@builtin(local_invocation_id) local: vec3<u32>, @builtin(workgroup_id) workgroup: vec3<u32>) {
    let n4 = workgroup.x * 8u + local.x;
    let p = (workgroup.y * 8u + local.y) * 4u;
    if n4 >= layer.outputs4 || p >= layer.positions {
        return;
    }
    let last = layer.positions - 1u;
    let step = stride();
    let i0 = position(p) * step;
    let i1 = position(min(p + 1u, last)) * step;
    let i2 = position(min(p + 2u, last)) * step;
    let i3 = position(min(p + 3u, last)) * step;
    var a0 = vec4<i32>();
    var a1 = vec4<i32>();
    var a2 = vec4<i32>();
    var a3 = vec4<i32>();
    for (var k = 0u; k < steps(); k++) {
        let w = columns(k, n4);
        a0 += times(input[i0 + k], w);
        a1 += times(input[i1 + k], w);
        a2 += times(input[i2 + k], w);
        a3 += times(input[i3 + k], w);
    }
    finish(p, n4, a0);
    if p + 1u <= last { finish(p + 1u, n4, a1); }
    if p + 2u <= last { finish(p + 2u, n4, a2); }
    if p + 3u <= last { finish(p + 3u, n4, a3); }
}


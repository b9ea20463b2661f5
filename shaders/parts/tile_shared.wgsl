// tile_shared: the body of a pointwise kernel. An invocation computes eight positions by eight outputs.
// `columns` reads the weights of four outputs for one step of inputs, `times` multiplies them with the inputs at a position,
// `finish` is the kernel's end. A workgroup computes 64 positions by 64 outputs; the inputs and weights of a step pass through its memory:
// each invocation brings the inputs at one position, and one of the four words of weights of one group of four outputs.

var<workgroup> inputs: array<Inputs, 64>;
var<workgroup> words: array<vec4<u32>, 64>;

fn shared_columns(place: u32) -> Columns {
    return unpacked(words[place], words[place + 16u], words[place + 32u], words[place + 48u]);
}

@compute @workgroup_size(8, 8)
fn main(
    @builtin(local_invocation_id) local: vec3<u32>,
    @builtin(local_invocation_index) index: u32,
    @builtin(workgroup_id) workgroup: vec3<u32>,
) {
    let n4 = workgroup.x * 16u + local.x;
    let m4 = n4 + 8u;
    let p = workgroup.y * 64u + local.y;
    let brought = position(min(workgroup.y * 64u + index, layer.positions - 1u)) * stride();
    let group = min(workgroup.x * 16u + index % 16u, layer.outputs4 - 1u);
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
    for (var k = 0u; k < steps(); k++) {
        inputs[index] = input[brought + k];
        words[index] = word(k, group, index / 16u);
        workgroupBarrier();
        let w = shared_columns(local.x);
        let x = shared_columns(local.x + 8u);
        let v0 = inputs[local.y + 0u];
        a0 += times(v0, w);
        b0 += times(v0, x);
        let v1 = inputs[local.y + 8u];
        a1 += times(v1, w);
        b1 += times(v1, x);
        let v2 = inputs[local.y + 16u];
        a2 += times(v2, w);
        b2 += times(v2, x);
        let v3 = inputs[local.y + 24u];
        a3 += times(v3, w);
        b3 += times(v3, x);
        let v4 = inputs[local.y + 32u];
        a4 += times(v4, w);
        b4 += times(v4, x);
        let v5 = inputs[local.y + 40u];
        a5 += times(v5, w);
        b5 += times(v5, x);
        let v6 = inputs[local.y + 48u];
        a6 += times(v6, w);
        b6 += times(v6, x);
        let v7 = inputs[local.y + 56u];
        a7 += times(v7, w);
        b7 += times(v7, x);
        workgroupBarrier();
    }
    if n4 >= layer.outputs4 {
        return;
    }
    if p + 0u < layer.positions { finish(p + 0u, n4, a0); }
    if p + 8u < layer.positions { finish(p + 8u, n4, a1); }
    if p + 16u < layer.positions { finish(p + 16u, n4, a2); }
    if p + 24u < layer.positions { finish(p + 24u, n4, a3); }
    if p + 32u < layer.positions { finish(p + 32u, n4, a4); }
    if p + 40u < layer.positions { finish(p + 40u, n4, a5); }
    if p + 48u < layer.positions { finish(p + 48u, n4, a6); }
    if p + 56u < layer.positions { finish(p + 56u, n4, a7); }
    if m4 >= layer.outputs4 {
        return;
    }
    if p + 0u < layer.positions { finish(p + 0u, m4, b0); }
    if p + 8u < layer.positions { finish(p + 8u, m4, b1); }
    if p + 16u < layer.positions { finish(p + 16u, m4, b2); }
    if p + 24u < layer.positions { finish(p + 24u, m4, b3); }
    if p + 32u < layer.positions { finish(p + 32u, m4, b4); }
    if p + 40u < layer.positions { finish(p + 40u, m4, b5); }
    if p + 48u < layer.positions { finish(p + 48u, m4, b6); }
    if p + 56u < layer.positions { finish(p + 56u, m4, b7); }
}


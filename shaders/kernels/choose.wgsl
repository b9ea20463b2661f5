// choose: symbols of a step, and the latents that they decode to (docs/MODEL.md section 6).
//
// v stream [lh][lw][M], thresholds [256] in 1/64 of a symbol by scale index
// -> symbols i16 [lh][lw][M], v_hat [lh][lw][M], its codes in codes_out [lh][lw][P + M] behind h's

@group(0) @binding(4) var<storage, read> v: array<vec2<u32>>;
@group(0) @binding(5) var<storage, read> thresholds: array<u32>;
@group(0) @binding(6) var<storage, read_write> symbols: array<vec2<u32>>;
@group(0) @binding(7) var<storage, read_write> v_hat: array<vec2<u32>>;
@group(0) @binding(8) var<storage, read_write> codes_out: array<u32>;

// |delta| goes up to the next integer where its fraction reaches the threshold of its scale.
fn symbol_of(delta: vec4<i32>, scale: vec4<u32>) -> vec4<i32> {
    let threshold = vec4<u32>(thresholds[scale.x], thresholds[scale.y], thresholds[scale.z], thresholds[scale.w]);
    let magnitude = min((vec4<u32>(abs(delta)) + 64u - threshold) >> vec4<u32>(6u), vec4<u32>(32767u));
    let symbol = select(vec4<i32>(magnitude), -vec4<i32>(magnitude), delta < vec4<i32>(0));
    return select(vec4<i32>(0), symbol, scale >= vec4<u32>(cell.skip_below));
}

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) workgroups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let i = element(workgroup, workgroups, local);
    if i >= cell.groups {
        return;
    }
    let here = place(i);
    let chosen = in_cell(here.c4);
    let width = factors(here.at);
    let mu = to_q6(unpack16(mean[i]), here.c4, width);
    let y = to_q6(unpack16(v[here.at]), here.c4, width);
    let symbol = symbol_of(y - mu, bytes_of(index[here.at]));
    symbols[here.at] = pack16(select(unpack16(symbols[here.at]), symbol, chosen));
    let latent = select(unpack16(v_hat[here.at]), reconstructed(symbol, mu, here.c4, width), chosen);
    v_hat[here.at] = pack16(latent);
    codes_out[here.p * cell.stride4 + cell.offset4 + here.c4] = code_of(latent, here.c4);
}

// reconstruct: latents of a step from their symbols and means (docs/MODEL.md section 5.3).
//
// symbols i16 [lh][lw][M] -> v_hat [lh][lw][M], its codes in codes_out [lh][lw][P + M] behind h's

@group(0) @binding(4) var<storage, read> symbols: array<vec2<u32>>;
@group(0) @binding(5) var<storage, read_write> v_hat: array<vec2<u32>>;
@group(0) @binding(6) var<storage, read_write> codes_out: array<u32>;

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
    let width = factors(here.at);
    let mu = to_q6(unpack16(mean[i]), here.c4, width);
    let fresh = reconstructed(unpack16(symbols[here.at]), mu, here.c4, width);
    let v = select(unpack16(v_hat[here.at]), fresh, in_cell(here.c4));
    v_hat[here.at] = pack16(v);
    codes_out[here.p * cell.stride4 + cell.offset4 + here.c4] = code_of(v, here.c4);
}

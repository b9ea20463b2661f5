// reconstruct: one step's latents from their symbols and means (docs/MODEL.md section 5.3).
//
// mean stream [lh][lw][M], symbols i16 [lh][lw][M] -> v_hat [lh][lw][M], its codes in codes_out [lh][lw][P + M] behind h's

@group(0) @binding(3) var<storage, read> symbols: array<vec2<u32>>;
@group(0) @binding(4) var<storage, read_write> v_hat: array<vec2<u32>>;
@group(0) @binding(5) var<storage, read_write> codes_out: array<u32>;

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) workgroups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let i = element(workgroup, workgroups, local);
    if i >= step.groups {
        return;
    }
    let c4 = i % (step.channels / 4u);
    let p = i / (step.channels / 4u);
    let mu = to_q6(unpack16(mean[i]), c4);
    let fresh = reconstructed(unpack16(symbols[i]), mu, c4);
    let v = select(unpack16(v_hat[i]), fresh, in_step(p, c4));
    v_hat[i] = pack16(v);
    codes_out[p * step.stride4 + step.offset4 + c4] = code_of(v, c4);
}

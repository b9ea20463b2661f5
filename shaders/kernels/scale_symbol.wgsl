// scale_symbol: a map of i16 as symbols: clamp(round_shift(value * gain, shift), -32767, 32767).
// docs/MODEL.md: the last step of h_a (section 6).
//
// input i16 [positions][C], gains [C / 4][2]: gain, shift -> symbols_out i16 [positions][C]
// An invocation computes four channels at one position.

struct Extent {
    groups: u32,      // positions * C / 4
    channels4: u32,   // C / 4
}

@group(0) @binding(0) var<uniform> extent: Extent;
@group(0) @binding(1) var<storage, read> gains: array<vec4<i32>>;
@group(0) @binding(2) var<storage, read> input: array<vec2<u32>>;
@group(0) @binding(3) var<storage, read_write> symbols_out: array<vec2<u32>>;

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) workgroups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let i = element(workgroup, workgroups, local);
    if i >= extent.groups {
        return;
    }
    let c4 = i % extent.channels4;
    let value = round_shift(unpack16(input[i]) * gains[c4 * 2u], gains[c4 * 2u + 1u]);
    symbols_out[i] = pack16(clamp(value, vec4<i32>(-32767), vec4<i32>(32767)));
}

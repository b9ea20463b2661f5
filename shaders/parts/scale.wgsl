// A map of i16 times gains: round_shift(value * gain, shift) (docs/MODEL.md section 3). `store` is the kernel's end.
//
// input i16 [positions][C], gains [C / 4][2]: gain, shift
// An invocation computes four channels at one position.

struct Extent {
    groups: u32,      // positions * C / 4
    channels4: u32,   // C / 4
}

@group(0) @binding(0) var<uniform> extent: Extent;
@group(0) @binding(1) var<storage, read> gains: array<vec4<i32>>;
@group(0) @binding(2) var<storage, read> input: array<vec2<u32>>;

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
    store(i, round_shift(unpack16(input[i]) * gains[c4 * 2u], gains[c4 * 2u + 1u]));
}


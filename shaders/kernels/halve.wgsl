// halve: texels at half their sides, rounded down: each is the rounded mean of 2 x 2.
//
// texels u8 [2 height or more][pitch][4] -> halved_out u8 [height][half_pitch][4]
// An invocation computes one texel, two channels at a time in the halves of a word.

struct Extent {
    groups: u32,      // height * width
    width: u32,       // of the result
    pitch: u32,
    half_pitch: u32,
}

@group(0) @binding(0) var<uniform> extent: Extent;
@group(0) @binding(1) var<storage, read> texels: array<u32>;
@group(0) @binding(2) var<storage, read_write> halved_out: array<u32>;

const TWO: u32 = 0x00020002u;
const MASK: u32 = 0x00ff00ffu;

fn mean(a: u32, b: u32, c: u32, d: u32) -> u32 {
    return (((a & MASK) + (b & MASK) + (c & MASK) + (d & MASK) + TWO) >> 2u) & MASK;
}

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
    let y = i / extent.width;
    let x = i % extent.width;
    let above = 2u * (y * extent.pitch + x);
    let below = above + extent.pitch;
    let a = texels[above];
    let b = texels[above + 1u];
    let c = texels[below];
    let d = texels[below + 1u];
    halved_out[y * extent.half_pitch + x] = mean(a, b, c, d) | (mean(a >> 8u, b >> 8u, c >> 8u, d >> 8u) << 8u);
}

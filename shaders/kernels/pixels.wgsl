// pixels: the last rounding, clamp((p + 8) >> 4, 0, 255), shuffled by 8 (docs/MODEL.md section 5.4).
// p is saturated to i16 before, far beyond the pixels that it is clamped to here.
//
// input stream Q4 [height][width][192] -> pixels_out u8 [8 height][8 width][3]
// An invocation computes four values of one position.

struct Extent {
    groups: u32,   // height * width * 48
    width: u32,    // positions
}

@group(0) @binding(0) var<uniform> extent: Extent;
@group(0) @binding(1) var<storage, read> input: array<vec2<u32>>;
@group(0) @binding(2) var<storage, read_write> pixels_out: array<u32>;

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
    let p = (unpack16(input[i]) + 8) >> vec4<u32>(4u);
    pixels_out[pixel_word(i, extent.width)] = pack8(clamp(p, vec4<i32>(0), vec4<i32>(255)));
}

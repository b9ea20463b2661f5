// input: pixels to the values that g_a reads, 2 * pixel - 255, unshuffled by 8 (docs/MODEL.md section 6).
//
// pixels u8 [8 height][8 width][3] -> stream_out i16 [height][width][192]
// An invocation computes four values of one position.

struct Extent {
    groups: u32,   // height * width * 48
    width: u32,    // positions
}

@group(0) @binding(0) var<uniform> extent: Extent;
@group(0) @binding(1) var<storage, read> pixels: array<u32>;
@group(0) @binding(2) var<storage, read_write> stream_out: array<vec2<u32>>;

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
    let word = pixels[pixel_word(i, extent.width)];
    let bytes = (vec4<u32>(word) >> vec4<u32>(0u, 8u, 16u, 24u)) & vec4<u32>(0xffu);
    stream_out[i] = pack16(2 * vec4<i32>(bytes) - 255);
}

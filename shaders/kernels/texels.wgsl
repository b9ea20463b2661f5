// texels: pixels as a texture takes them: opaque, in rows whose pitch is a multiple of 256 bytes.
//
// pixels u8 [height][4 width4][3] -> texels_out u8 [height][4 pitch4][4]
// An invocation copies four pixels.

struct Extent {
    groups: u32,   // height * width4
    width4: u32,
    pitch4: u32,
}

@group(0) @binding(0) var<uniform> extent: Extent;
@group(0) @binding(1) var<storage, read> pixels: array<u32>;
@group(0) @binding(2) var<storage, read_write> texels_out: array<vec4<u32>>;

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
    let a = pixels[3u * i];
    let b = pixels[3u * i + 1u];
    let c = pixels[3u * i + 2u];
    let rgb = vec4<u32>(a, (a >> 24u) | (b << 8u), (b >> 16u) | (c << 16u), c >> 8u);
    let place = i / extent.width4 * extent.pitch4 + i % extent.width4;
    texels_out[place] = (rgb & vec4<u32>(0x00ffffffu)) | vec4<u32>(0xff000000u);
}

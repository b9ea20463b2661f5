// copy: a rectangle of a map of i16 into another map; latents of tiles (docs/MODEL.md section 4) and pieces of pictures.
//
// input i16 [][from_width][C] -> stream_out i16 [][to_width][C]
// An invocation copies four channels of one position.

struct Extent {
    groups: u32,      // positions of the rectangle * C / 4
    channels4: u32,   // C / 4
    width: u32,       // of the rectangle
    from_width: u32,  // of the map that is read
    from_y: u32,
    from_x: u32,
    to_width: u32,    // of the map that is written
    to_y: u32,
    to_x: u32,
}

@group(0) @binding(0) var<uniform> extent: Extent;
@group(0) @binding(1) var<storage, read> input: array<vec2<u32>>;
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
    let c4 = i % extent.channels4;
    let p = i / extent.channels4;
    let y = p / extent.width;
    let x = p % extent.width;
    let source = (extent.from_y + y) * extent.from_width + extent.from_x + x;
    let goal = (extent.to_y + y) * extent.to_width + extent.to_x + x;
    stream_out[goal * extent.channels4 + c4] = input[source * extent.channels4 + c4];
}

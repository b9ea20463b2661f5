// depthwise: a depthwise 3x3 layer with the end *code* (docs/MODEL.md section 2); outside the map the nearest input stands.
//
// input codes [height][width][N] -> codes_out codes [height][width][N]
// weights  [9][N / 4]: row, column; four channels in a u32
// ends     [N / 4][2]: bias, shift
// An invocation computes four channels at one position.

struct Extent {
    groups: u32,      // height * width * N / 4
    height: u32,
    width: u32,
    channels4: u32,   // N / 4
}

@group(0) @binding(0) var<uniform> extent: Extent;
@group(0) @binding(1) var<storage, read> weights: array<u32>;
@group(0) @binding(2) var<storage, read> ends: array<vec4<i32>>;
@group(0) @binding(3) var<storage, read> input: array<u32>;
@group(0) @binding(4) var<storage, read_write> codes_out: array<u32>;

// Row y + i - 1 of the input times row i of the weights, around column x.
fn row(i: u32, y: u32, x: u32, c4: u32) -> vec4<i32> {
    let iy = min(max(y + i, 1u) - 1u, extent.height - 1u);
    let start = iy * extent.width * extent.channels4 + c4;
    let w = i * 3u * extent.channels4 + c4;
    let left = unpack8(input[start + (max(x, 1u) - 1u) * extent.channels4]) * unpack8(weights[w]);
    let here = unpack8(input[start + x * extent.channels4]) * unpack8(weights[w + extent.channels4]);
    let right = unpack8(input[start + min(x + 1u, extent.width - 1u) * extent.channels4]) * unpack8(weights[w + 2u * extent.channels4]);
    return left + here + right;
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
    let c4 = i % extent.channels4;
    let p = i / extent.channels4;
    let y = p / extent.width;
    let x = p % extent.width;
    let acc = ends[c4 * 2u] + row(0u, y, x, c4) + row(1u, y, x, c4) + row(2u, y, x, c4);
    codes_out[i] = pack8(sat8(round_shift(acc, ends[c4 * 2u + 1u])));
}

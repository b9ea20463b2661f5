// The most that arithmetic on registers reaches. Sixteen chains, each of which adds a product of another: nothing can be left out or drawn
// together, and the latency of one hides behind the others. `products` is the kernel's operation, on four chains.
//
// -> sums i32 [groups]

struct Extent {
    groups: u32,   // invocations
    rounds: u32,
}

@group(0) @binding(0) var<uniform> extent: Extent;
@group(0) @binding(1) var<storage, read_write> sums: array<i32>;

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
    let w = i * 0x01010101u + 0x03050709u;
    var a0 = vec4<i32>(i32(i)) + vec4<i32>(0, 1, 2, 3);
    var a1 = a0 + vec4<i32>(4);
    var a2 = a0 + vec4<i32>(8);
    var a3 = a0 + vec4<i32>(12);
    for (var round = 0u; round < extent.rounds; round++) {
        let first = a0;
        a0 += products(a1, w);
        a1 += products(a2, w);
        a2 += products(a3, w);
        a3 += products(first, w);
    }
    let all = a0 + a1 + a2 + a3;
    sums[i] = all.x + all.y + all.z + all.w;
}


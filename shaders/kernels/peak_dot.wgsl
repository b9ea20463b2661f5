// peak_dot: the int8 dot products of registers alone: what int8 layers can reach at most.
// Eight chains that depend on themselves alone, so that nothing can be left out; 8 operations a chain and round.
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
    var a0 = i32(i + 0u);
    var a1 = i32(i + 1u);
    var a2 = i32(i + 2u);
    var a3 = i32(i + 3u);
    var a4 = i32(i + 4u);
    var a5 = i32(i + 5u);
    var a6 = i32(i + 6u);
    var a7 = i32(i + 7u);
    for (var round = 0u; round < extent.rounds; round++) {
        a0 = dot4I8Packed(bitcast<u32>(a0), w) + a0;
        a1 = dot4I8Packed(bitcast<u32>(a1), w) + a1;
        a2 = dot4I8Packed(bitcast<u32>(a2), w) + a2;
        a3 = dot4I8Packed(bitcast<u32>(a3), w) + a3;
        a4 = dot4I8Packed(bitcast<u32>(a4), w) + a4;
        a5 = dot4I8Packed(bitcast<u32>(a5), w) + a5;
        a6 = dot4I8Packed(bitcast<u32>(a6), w) + a6;
        a7 = dot4I8Packed(bitcast<u32>(a7), w) + a7;
    }
    sums[i] = a0 + a1 + a2 + a3 + a4 + a5 + a6 + a7;
}

// peak_copy: a copy of memory, 16 bytes an invocation: what layers with few products can reach at most.
//
// input -> copied, both u32 [groups][4]

struct Extent {
    groups: u32,   // invocations
}

@group(0) @binding(0) var<uniform> extent: Extent;
@group(0) @binding(1) var<storage, read> input: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read_write> copied: array<vec4<u32>>;

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) workgroups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let i = element(workgroup, workgroups, local);
    if i < extent.groups {
        copied[i] = input[i];
    }
}

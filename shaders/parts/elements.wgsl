// Kernels without a sum: one invocation per group of four channels, in the order of memory.

fn element(workgroup: vec3<u32>, workgroups: vec3<u32>, local: u32) -> u32 {
    return (workgroup.y * workgroups.x + workgroup.x) * 64u + local;
}


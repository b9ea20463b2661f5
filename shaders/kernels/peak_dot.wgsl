// peak_dot: int8 dot products, what int8 layers can reach at most; 8 operations a chain and round.

fn products(a: vec4<i32>, w: u32) -> vec4<i32> {
    let p = bitcast<vec4<u32>>(a);
    return vec4<i32>(dot4I8Packed(p.x, w), dot4I8Packed(p.y, w), dot4I8Packed(p.z, w), dot4I8Packed(p.w, w));
}

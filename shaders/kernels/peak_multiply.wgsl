// peak_multiply: i32 multiplications, what wide layers can reach at most; 2 operations a chain and round.

fn products(a: vec4<i32>, w: u32) -> vec4<i32> {
    return a * i32(w);
}

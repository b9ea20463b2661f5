// scale_symbol: a scaled map as symbols, clamped to -32767..=32767 (docs/MODEL.md section 6, the last step of h_a).
//
// input i16 [positions][C] -> symbols_out i16 [positions][C]: see parts/scale.wgsl

@group(0) @binding(3) var<storage, read_write> symbols_out: array<vec2<u32>>;

fn store(i: u32, value: vec4<i32>) {
    symbols_out[i] = pack16(clamp(value, vec4<i32>(-32767), vec4<i32>(32767)));
}

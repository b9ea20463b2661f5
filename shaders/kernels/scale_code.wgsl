// scale_code: a scaled map as codes, sat8 (docs/MODEL.md: reads of v, with gain 1, and z codes, sections 6 and 5.1).
//
// input i16 [positions][C] -> codes_out codes [positions][C]: see parts/scale.wgsl

@group(0) @binding(3) var<storage, read_write> codes_out: array<u32>;

fn store(i: u32, value: vec4<i32>) {
    codes_out[i] = pack8(sat8(value));
}

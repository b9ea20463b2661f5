// The end *stream*: sat16(round_shift(acc, shift)), then the addend with saturation.

@group(0) @binding(4) var<storage, read_write> stream_out: array<vec2<u32>>;
@group(0) @binding(5) var<storage, read_write> codes_out: array<u32>;

fn finish(p: u32, n4: u32, sum: vec4<i32>) {
    let stream = sat16(round_shift(biased(n4, sum), shift_of(n4)));
    emit(p, n4, sat16(stream + addend_of(n4)));
}

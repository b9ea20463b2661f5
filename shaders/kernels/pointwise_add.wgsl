// pointwise_add: an int8 layer with the end *add* (docs/MODEL.md section 2).
//
// input codes [positions][stride], stream_in stream [positions][N] -> stream_out, codes_out: see parts/emit.wgsl

@group(0) @binding(4) var<storage, read> stream_in: array<vec2<u32>>;
@group(0) @binding(5) var<storage, read_write> stream_out: array<vec2<u32>>;
@group(0) @binding(6) var<storage, read_write> codes_out: array<u32>;

fn finish(p: u32, n4: u32, sum: vec4<i32>) {
    let correction = sat16(round_shift(biased(n4, sum), shift_of(n4)));
    emit(p, n4, sat16(unpack16(stream_in[p * layer.outputs4 + n4]) + correction));
}

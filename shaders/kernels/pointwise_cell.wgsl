// pointwise_cell: the last layer of a predictor at the places of a step that it sets (docs/MODEL.md section 5.3), end *stream*.
//
// input codes [positions][stride] -> means_out stream [out_height][out_width][N]

@group(0) @binding(4) var<storage, read_write> means_out: array<vec2<u32>>;

fn finish(i: u32, n4: u32, sum: vec4<i32>) {
    means_out[i * layer.outputs4 + n4] = pack16(sat16(round_shift(biased(n4, sum), shift_of(n4))));
}

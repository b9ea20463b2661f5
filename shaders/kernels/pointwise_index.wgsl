// pointwise_index: the scale head with the look-up of CDF tables (docs/MODEL.md sections 3 and 5.2).
//
// input codes [positions][stride], scale_lut u8 [512] -> index_out u8 [positions][N]
// The addend is log_gain.y + scale_lut_offset, Q8.

@group(0) @binding(4) var<storage, read> scale_lut: array<u32>;
@group(0) @binding(5) var<storage, read_write> index_out: array<u32>;

fn table(entry: i32) -> i32 {
    let e = u32(entry);
    return i32((scale_lut[e / 4u] >> ((e % 4u) * 8u)) & 0xffu);
}

fn finish(p: u32, n4: u32, sum: vec4<i32>) {
    let log_sigma = sat16(round_shift(biased(n4, sum), shift_of(n4))) + addend_of(n4);
    let entry = clamp(log_sigma >> vec4<u32>(3u), vec4<i32>(0), vec4<i32>(511));
    index_out[p * layer.outputs4 + n4] = pack8(vec4<i32>(table(entry.x), table(entry.y), table(entry.z), table(entry.w)));
}

// pointwise_index: the heads of widths and of scales with the look-up of tables (docs/MODEL.md sections 3 and 5.2).
//
// input codes [positions][stride], lut u8 [512] -> index_out u8 [2][positions][N]: the scale indices, behind them the width indices
// The addend, Q8, is what makes the value an index of lut in eighths: for scales log_gain.y + scale_lut_offset, and 8 for each step down
// from the middle of the widths to index 0.

// Which of the two.
override WIDTHS: u32 = 0u;

@group(0) @binding(4) var<storage, read> lut: array<u32>;
@group(0) @binding(5) var<storage, read_write> index_out: array<u32>;

fn table(entry: i32) -> i32 {
    let e = u32(entry);
    return i32((lut[e / 4u] >> ((e % 4u) * 8u)) & 0xffu);
}

fn finish(p: u32, n4: u32, sum: vec4<i32>) {
    let at = p * layer.outputs4 + n4;
    let behind = at + layer.positions * layer.outputs4;
    var eighths = (sat16(round_shift(biased(n4, sum), shift_of(n4))) + addend_of(n4)) >> vec4<u32>(3u);
    if WIDTHS == 0u {
        eighths -= vec4<i32>(bytes_of(index_out[behind]));
    }
    let entry = clamp(eighths, vec4<i32>(0), vec4<i32>(511));
    let index = pack8(vec4<i32>(table(entry.x), table(entry.y), table(entry.z), table(entry.w)));
    index_out[select(at, behind, WIDTHS == 1u)] = index;
}

// pointwise_code: an int8 layer with the end *code*, or *active* where ACTIVE (docs/MODEL.md section 2).
//
// input codes [positions][stride] -> codes_out codes [positions][N]

override ACTIVE: bool = false;

@group(0) @binding(4) var<storage, read_write> codes_out: array<u32>;

fn finish(p: u32, n4: u32, sum: vec4<i32>) {
    var acc = biased(n4, sum);
    if ACTIVE {
        acc = leaky(acc);
    }
    codes_out[p * layer.outputs4 + n4] = pack8(sat8(round_shift(acc, shift_of(n4))));
}

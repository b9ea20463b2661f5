// The latents of one of four steps (docs/MODEL.md section 5.3). An invocation has four channels at one position.
//
// tables [M / 4][5]: gain.y, gain.y_shift, gain.y_dec, gain.y_dec_shift, v_hat.read_shift

struct Step {
    groups: u32,       // lh * lw * M / 4
    width: u32,        // lw
    channels: u32,     // M
    step: u32,         // 0 to 3
    stride4: u32,      // (P + M) / 4: one position of `codes_out`
    offset4: u32,      // P / 4: where v_hat begins in it
    skip_below: u32,
}

@group(0) @binding(0) var<uniform> step: Step;
@group(0) @binding(1) var<storage, read> tables: array<vec4<i32>>;
@group(0) @binding(2) var<storage, read> mean: array<vec2<u32>>;

// Which of the four channels 4 c4 to 4 c4 + 3 at a position belong to the step: ORDER[k][j] is k ^ j.
fn in_step(p: u32, c4: u32) -> vec4<bool> {
    let phase = (((p / step.width) & 1u) * 3u) ^ (((p % step.width) & 1u) * 2u);
    let quarter = (c4 * 4u + vec4<u32>(0u, 1u, 2u, 3u)) / (step.channels / 4u);
    return (quarter ^ vec4<u32>(step.step)) == vec4<u32>(phase);
}

fn to_q6(value: vec4<i32>, c4: u32) -> vec4<i32> {
    return scaled(value, tables[c4 * 5u], tables[c4 * 5u + 1u]);
}

fn reconstructed(symbol: vec4<i32>, mu: vec4<i32>, c4: u32) -> vec4<i32> {
    return scaled(sat16(64 * symbol + mu), tables[c4 * 5u + 2u], tables[c4 * 5u + 3u]);
}

fn code_of(v_hat: vec4<i32>, c4: u32) -> u32 {
    return pack8(sat8(round_shift(v_hat, tables[c4 * 5u + 4u])));
}


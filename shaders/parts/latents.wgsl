// The latents that a step sets at some places (docs/MODEL.md section 5.3): channels first to end - 1 at every `apart`-th row and column.
// An invocation has four channels at one position.
//
// tables [M / 4][5]: gain.y, gain.y_shift, gain.y_dec, gain.y_dec_shift, v_hat.read_shift; behind them for each width width.y, width.y_dec, 0, 0
// mean [positions][ceil(end / 4) - first / 4 groups of four]
// index u8 [2][lh][lw][M]: scale indices, behind them width indices

struct Cell {
    groups: u32,       // of four channels at all positions together
    width: u32,        // lw
    channels4: u32,    // M / 4
    first: u32,
    end: u32,
    columns: u32,      // positions in a row
    apart: u32,
    top: u32,          // the first position
    left: u32,
    stride4: u32,      // (P + M) / 4: one position of `codes_out`
    offset4: u32,      // P / 4: where v_hat begins in it
    skip_below: u32,
    latents4: u32,     // lh * lw * M / 4
}

@group(0) @binding(0) var<uniform> cell: Cell;
@group(0) @binding(1) var<storage, read> tables: array<vec4<i32>>;
@group(0) @binding(2) var<storage, read> mean: array<vec2<u32>>;
@group(0) @binding(3) var<storage, read> index: array<u32>;

// Where an invocation works.
struct Place {
    p: u32,      // the position in the tile
    c4: u32,     // the group of four channels
    at: u32,     // the group in a map [lh][lw][M]
}

fn place(i: u32) -> Place {
    let first4 = cell.first / 4u;
    let cell4 = (cell.end + 3u) / 4u - first4;
    let c4 = first4 + i % cell4;
    let q = i / cell4;
    let p = (q / cell.columns * cell.apart + cell.top) * cell.width + q % cell.columns * cell.apart + cell.left;
    return Place(p, c4, p * cell.channels4 + c4);
}

// Which of the four channels belong to the cell.
fn in_cell(c4: u32) -> vec4<bool> {
    let channel = c4 * 4u + vec4<u32>(0u, 1u, 2u, 3u);
    return (channel >= vec4<u32>(cell.first)) & (channel < vec4<u32>(cell.end));
}

// The factors of four widths, Q12.
struct Factors {
    y: vec4<i32>,
    y_dec: vec4<i32>,
}

fn factors(at: u32) -> Factors {
    let row = bytes_of(index[cell.latents4 + at]) + cell.channels4 * 5u;
    let widths = array<vec4<i32>, 4>(tables[row.x], tables[row.y], tables[row.z], tables[row.w]);
    let y = vec4<i32>(widths[0].x, widths[1].x, widths[2].x, widths[3].x);
    return Factors(y, vec4<i32>(widths[0].y, widths[1].y, widths[2].y, widths[3].y));
}

fn to_q6(value: vec4<i32>, c4: u32, width: Factors) -> vec4<i32> {
    return sat17(round_shift(scaled(value, tables[c4 * 5u], tables[c4 * 5u + 1u]) * width.y, vec4<i32>(12)));
}

fn reconstructed(symbol: vec4<i32>, mu: vec4<i32>, c4: u32, width: Factors) -> vec4<i32> {
    let y_hat = scaled(sat17(64 * symbol + mu), width.y_dec, vec4<i32>(12));
    return scaled(y_hat, tables[c4 * 5u + 2u], tables[c4 * 5u + 3u]);
}

fn code_of(v_hat: vec4<i32>, c4: u32) -> u32 {
    return pack8(sat8(round_shift(v_hat, tables[c4 * 5u + 4u])));
}


// Where a stream goes: cropped, shuffled or unshuffled, as i16 and as the codes that the next layer reads.
//
// stream_out  stream of out_height x out_width positions, written if STREAM
// codes_out   its codes, read(stream, read shift), written if CODES

override PLACE: u32 = 0u;       // 0: the same place; 1: shuffle 2; 2: unshuffle 2
override STREAM: bool = true;
override CODES: bool = true;

struct Goal {
    inside: bool,
    position: u32,
    groups: u32,   // of four channels at a position
    group: u32,
}

// Where outputs 4 n4 to 4 n4 + 3 at position p go.
fn place(p: u32, n4: u32) -> Goal {
    let y = p / layer.width - layer.top;
    let x = p % layer.width - layer.left;
    var row = y;
    var column = x;
    var groups = layer.outputs4;
    var group = n4;
    if PLACE == 1u {
        groups = layer.outputs4 / 4u;
        group = n4 % groups;
        let phase = n4 / groups;
        row = y * 2u + phase / 2u;
        column = x * 2u + phase % 2u;
    }
    if PLACE == 2u {
        groups = layer.outputs4 * 4u;
        group = ((y & 1u) * 2u + (x & 1u)) * layer.outputs4 + n4;
        row = y / 2u;
        column = x / 2u;
    }
    // What lies above or left of the crop has wrapped around, so it is too large as well.
    return Goal(row < layer.out_height && column < layer.out_width, row * layer.out_width + column, groups, group);
}

fn emit(p: u32, n4: u32, stream: vec4<i32>) {
    let goal = place(p, n4);
    if !goal.inside {
        return;
    }
    if STREAM {
        stream_out[goal.position * goal.groups + goal.group] = pack16(stream);
    }
    if CODES {
        codes_out[goal.position * layer.codes4 + goal.group] = pack8(sat8(round_shift(stream, read_shift_of(n4))));
    }
}


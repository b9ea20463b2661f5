// Where a stream goes: cropped, shuffled or unshuffled, as i16 and as the codes that the next layer reads.
//
// stream_out  stream of out_height x out_width positions, written if STREAM
// codes_out   its codes, read(stream, read shift), written if CODES

override SHUFFLE: u32 = 1u;     // the factor of a shuffle; 1 is none
override UNSHUFFLE: u32 = 1u;   // the factor of an unshuffle after the crop; 1 is none
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
    if SHUFFLE > 1u {
        groups = layer.outputs4 / (SHUFFLE * SHUFFLE);
        group = n4 % groups;
        let phase = n4 / groups;
        row = y * SHUFFLE + phase / SHUFFLE;
        column = x * SHUFFLE + phase % SHUFFLE;
    }
    if UNSHUFFLE > 1u {
        groups = layer.outputs4 * (UNSHUFFLE * UNSHUFFLE);
        group = (y % UNSHUFFLE * UNSHUFFLE + x % UNSHUFFLE) * layer.outputs4 + n4;
        row = y / UNSHUFFLE;
        column = x / UNSHUFFLE;
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


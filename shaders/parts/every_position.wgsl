// The layer runs at every position of the input map.

fn position(i: u32) -> u32 {
    return i;
}


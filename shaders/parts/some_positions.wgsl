// The layer runs at every `apart`-th row and column of the input map, from (top, left) on, out_width of them in a row.

fn position(i: u32) -> u32 {
    return (i / layer.out_width * layer.apart + layer.top) * layer.width + i % layer.out_width * layer.apart + layer.left;
}


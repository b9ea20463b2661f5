// Shuffle 8 of 192 channels: a row of a block is 24 bytes, six words of four.

// The word of pixels that holds channels 4 (i % 48) and so on at position i / 48, in a picture of `width` blocks a row.
fn pixel_word(i: u32, width: u32) -> u32 {
    let c4 = i % 48u;
    let p = i / 48u;
    let row = p / width * 8u + c4 / 6u;
    return (row * width + p % width) * 6u + c4 % 6u;
}


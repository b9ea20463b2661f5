// The arithmetic of docs/MODEL.md section 1, on four neighbouring channels at a time.
// Codes (i8): four in a u32. Streams (i16): four in a vec2<u32>. The first channel is in the lowest bits.

fn round_shift(a: vec4<i32>, shift: vec4<i32>) -> vec4<i32> {
    let s = vec4<u32>(shift);
    return (a + ((vec4<i32>(1) << s) >> vec4<u32>(1u))) >> s;
}

fn sat8(a: vec4<i32>) -> vec4<i32> {
    return clamp(a, vec4<i32>(-127), vec4<i32>(127));
}

fn sat16(a: vec4<i32>) -> vec4<i32> {
    return clamp(a, vec4<i32>(-32768), vec4<i32>(32767));
}

fn sat17(a: vec4<i32>) -> vec4<i32> {
    return clamp(a, vec4<i32>(-65535), vec4<i32>(65535));
}

fn leaky(a: vec4<i32>) -> vec4<i32> {
    return select(a, a >> vec4<u32>(3u), a < vec4<i32>(0));
}

// A value of a quality table times a gain: section 3.
fn scaled(value: vec4<i32>, gain: vec4<i32>, shift: vec4<i32>) -> vec4<i32> {
    return sat16(round_shift(value * gain, shift));
}

fn unpack16(words: vec2<u32>) -> vec4<i32> {
    let signed = bitcast<vec2<i32>>(words);
    let low = (signed << vec2<u32>(16u)) >> vec2<u32>(16u);
    let high = signed >> vec2<u32>(16u);
    return vec4<i32>(low.x, high.x, low.y, high.y);
}

fn pack16(values: vec4<i32>) -> vec2<u32> {
    let bits = bitcast<vec4<u32>>(values);
    return (bits.xz & vec2<u32>(0xffffu)) | (bits.yw << vec2<u32>(16u));
}

fn unpack8(word: u32) -> vec4<i32> {
    return (vec4<i32>(bitcast<i32>(word)) << vec4<u32>(24u, 16u, 8u, 0u)) >> vec4<u32>(24u);
}

// Four unsigned bytes.
fn bytes_of(word: u32) -> vec4<u32> {
    return (vec4<u32>(word) >> vec4<u32>(0u, 8u, 16u, 24u)) & vec4<u32>(0xffu);
}

fn pack8(values: vec4<i32>) -> u32 {
    let bits = (bitcast<vec4<u32>>(values) & vec4<u32>(0xffu)) << vec4<u32>(0u, 8u, 16u, 24u);
    return bits.x | bits.y | bits.z | bits.w;
}


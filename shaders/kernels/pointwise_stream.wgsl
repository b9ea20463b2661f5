// pointwise_stream: an int8 layer with the end *stream* (docs/MODEL.md section 2).
//
// input codes [positions][stride] -> stream_out, codes_out: see parts/emit.wgsl

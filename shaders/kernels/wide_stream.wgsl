// wide_stream: a wide layer with the end *stream* (docs/MODEL.md section 2).
//
// input stream [positions][K] -> stream_out, codes_out: see parts/emit.wgsl

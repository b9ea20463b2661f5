#!/usr/bin/env bash
# Everything that a machine with a GPU can show: kernels, engines, files and pixels equal to the CPU's; then times beside the device's ceilings.
# Run as `bash tools/check_gpu.sh [ADAPTER]`; ADAPTER is a name or number of `calotype devices`, the best real GPU if left away.
set -euo pipefail
cd "$(dirname "$0")/.."
export CALOTYPE_REQUIRE_GPU=1

cargo run --release -- devices
cargo test --release -p calotype-shaders -p calotype-gpu
cargo test --release -p calotype --test engines -- --nocapture
measured=$(mktemp)
trap 'rm -f "$measured"' EXIT
cargo run --release -- bench --engine gpu ${1:+--adapter "$1"} --sizes 512x512,1920x1080,3840x2160 | tee "$measured"
grep -q "^all engines agree" "$measured"

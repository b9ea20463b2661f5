#!/usr/bin/env bash
# A folder that checks and times Calotype on a bare x86-64 Linux with a GPU: it needs the driver and a Vulkan loader, no Cargo, no Python, no network.
#   bash tools/gpu_kit.sh OUT     makes OUT (at most 45 MB)
#   OUT/run.sh [SECONDS]          there: does as much as fits into SECONDS (180), says what did not, and writes OUT/results/results.json and report.html;
#                                 exit code 1 if anything is wrong, with the first difference in full
set -euo pipefail
[ $# = 1 ] || { echo "usage: bash tools/gpu_kit.sh OUT" >&2; exit 2; }
[ ! -e "$1" ] || { echo "$1 exists already: remove it, or name another folder" >&2; exit 2; }
mkdir -p "$1/bin" "$1/model"
kit=$(cd "$1" && pwd)
cd "$(dirname "$0")/.."
largest_mb=45

# The window is not needed there, and takes a third of the program.
cargo build --release -p calotype-cli --no-default-features
program=$(cargo build --release -p calotype-cli --no-default-features --message-format=json 2>/dev/null | sed -n 's/.*"executable":"\([^"]*\)".*/\1/p')
tests=$(cargo test --release -p calotype-gpu --lib --no-run --message-format=json | sed -n 's/.*"executable":"\([^"]*\)".*/\1/p')
strip -s -o "$kit/bin/calotype" "$program"
strip -s -o "$kit/bin/kernel_tests" "$tests"
cp assets/models/fast.decoder.safetensors assets/models/fast.encoder.safetensors "$kit/model/"
cp -r tests/networks "$kit/model/networks"
"$kit/bin/calotype" --engine cpu --model "$kit/model/fast.decoder.safetensors" kit fill "$kit"

cat >"$kit/run.sh" <<'RUN'
#!/bin/sh
# run.sh [SECONDS]: checks and times every GPU of this machine.
kit=$(cd "$(dirname "$0")" && pwd)
exec "$kit/bin/calotype" --model "$kit/model/fast.decoder.safetensors" kit run "$kit" --seconds "${1:-180}"
RUN
chmod +x "$kit/run.sh"

bytes=$(du -sb "$kit" | cut -f1)
echo "$kit: $bytes bytes"
[ "$bytes" -le $((largest_mb * 1000000)) ] || { echo "over $largest_mb MB" >&2; exit 1; }

#!/usr/bin/env bash
# Runs fuzz targets one after the other, each for some CPU seconds in all: fuzz/run.sh CORPUS LOGS SECONDS [TARGET...]
#
# Corpora are kept in CORPUS/TARGET, findings and the logs that tools/fuzz_table.py reads in LOGS/TARGET.*; a later run goes on with both.
# FUZZ_BIN is where `cargo +nightly fuzz build` put the programs.
set -uo pipefail
corpus=$1 logs=$2 seconds=$3
shift 3
[ $# -gt 0 ] || set -- decode input container rans model plane
bin=${FUZZ_BIN:-$(dirname "$0")/target/x86_64-unknown-linux-gnu/release}
mkdir -p "$logs"

# CPU seconds of a target so far.
spent() { awk '/^cpu_s/ { s += $2 + $3 } END { printf "%d", s }' "$logs/$1.log" 2>/dev/null || echo 0; }

for target in "$@"; do
    mkdir -p "$corpus/$target"
    for _ in $(seq 1000); do
        [ "$(spent "$target")" -lt "$seconds" ] || break
        began=$SECONDS
        # The wall clock may run much faster than the CPU's on a busy machine: short runs until the CPU time is spent.
        /usr/bin/time -f 'cpu_s %U %S' "$bin/$target" "$corpus/$target" -artifact_prefix="$logs/$target." -max_total_time=180 \
            -timeout=300 -rss_limit_mb=2048 -print_final_stats=1 >>"$logs/$target.log" 2>&1
        # One that ends at once has nothing more to say, e.g. where a finding is in the corpus.
        [ $((SECONDS - began)) -gt 5 ] || break
    done
done

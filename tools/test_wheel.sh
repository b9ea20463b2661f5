#!/usr/bin/env bash
# Tests the Python package as a wheel under several interpreters: `bash tools/test_wheel.sh python3.10 python3.13 ...`.
# Each gets an environment of its own, with the oldest NumPy and Pillow that the package allows where they have wheels, then with the newest.
set -euo pipefail
cd "$(dirname "$0")/.."
desk=$(mktemp -d)
trap 'rm -rf "$desk"' EXIT

python3 -m venv "$desk/maturin"
"$desk/maturin/bin/pip" install --quiet "maturin>=1.9,<2"
"$desk/maturin/bin/maturin" build --quiet --release -m crates/calotype-python/Cargo.toml -o "$desk/wheels"
cp -r crates/calotype-python/tests docs "$desk"
mkdir -p "$desk/crates/calotype-python"
mv "$desk/tests" "$desk/crates/calotype-python/tests"

for python in "$@"; do
    for packages in "numpy~=1.26.0 pillow~=11.0" "numpy pillow"; do
        rm -rf "$desk/environment"
        "$python" -m venv "$desk/environment"
        # shellcheck disable=SC2086  # words are packages
        if ! "$desk/environment/bin/pip" install --quiet --only-binary :all: $packages pytest "$desk"/wheels/*.whl 2>/dev/null; then
            echo "$("$python" --version), $packages: no wheels"
            continue
        fi
        versions=$("$desk/environment/bin/python" -c 'import numpy, PIL, sys; print(sys.version.split()[0], "NumPy", numpy.__version__, "Pillow", PIL.__version__)')
        echo "$versions: $("$desk/environment/bin/python" -m pytest --quiet "$desk/crates/calotype-python/tests" 2>&1 | tail -n 1)"
    done
done

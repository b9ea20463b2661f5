#!/usr/bin/env bash
# Guess: `as_slice` of the crate `numpy` (PyO3) gives an array's elements row by row, and an error for any array whose rows do not follow one
#        another in memory.
# Truth: a column-major array (`np.asfortranarray`, a transposed picture) counts as contiguous as well, and its slice is column by column, without
#        an error. Its ndarray view refuses it: `as_array().as_slice()` is `None`. Whoever falls back to the view only on an error mixes pixels.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv python
python/bin/pip install --quiet numpy==2.3.5
mkdir src
cat > Cargo.toml <<'TOML'
[package]
name = "slices"
version = "0.1.0"
edition = "2024"
[lib]
crate-type = ["cdylib"]
[dependencies]
numpy = "=0.30.0"
pyo3 = { version = "=0.30.1", features = ["abi3-py310", "extension-module"] }
TOML
cat > src/lib.rs <<'RUST'
#[pyo3::pymodule]
mod slices {
    use numpy::PyReadonlyArray2;
    use pyo3::prelude::*;

    /// What the array's slice is, and what its view's is.
    #[pyfunction]
    fn both(array: PyReadonlyArray2<'_, u16>) -> (Option<Vec<u16>>, Option<Vec<u16>>) {
        (array.as_slice().ok().map(<[u16]>::to_vec), array.as_array().as_slice().map(<[u16]>::to_vec))
    }
}
RUST
PYO3_PYTHON=$folder/python/bin/python cargo build --quiet --release
cp target/release/libslices.so slices.so
python/bin/python - <<'PYTHON'
import numpy as np
import slices

rows = np.arange(6, dtype=np.uint16).reshape(2, 3)
cases = {"row by row": rows, "column-major": np.asfortranarray(rows), "every second column": np.repeat(rows, 2, axis=1)[:, ::2]}
found = {name: slices.both(array) for name, array in cases.items()}
print("numpy (crate) 0.30.0, pyo3 0.30.1, NumPy", np.__version__)
for name, (array, view) in found.items():
    print(f"{name}: {cases[name].tolist()}, as_slice {array}, as_array().as_slice {view}")
assert all(np.array_equal(array, rows) for array in cases.values())
assert found["row by row"] == ([0, 1, 2, 3, 4, 5], [0, 1, 2, 3, 4, 5])
assert found["column-major"] == ([0, 3, 1, 4, 2, 5], None)
assert found["every second column"] == (None, None)
PYTHON
echo "as found: a slice in the order of memory"

"""Measure which quality a model gives at each fineness, and write that into its encoder part (docs/MODEL.md section 8).

    python -m calotype_training.quality_scale VAL.tar [--models assets/models] [--name fast] [--every 4] [--program target/release/calotype]

Quality is the mean SSIMULACRA2 score of real files of validation pictures, a folder or a tar of them. The program need not hold the model
before; it is built anew afterwards to hold the scale. The decoder part and with it the model's id stay.
"""

import argparse
import json
import subprocess
import tempfile
import tomllib
from itertools import islice
from pathlib import Path

from .data import named_files
from .export import manifest_entry, sorted_header, write_manifest, write_whole

ROOT = Path(__file__).resolve().parents[2]
FINEST = 63 * 256
PARTS = 12  # of the scale, straight in each of them
PER_POINT = 100  # the file holds hundredths


def extracted(pictures, every, folder):
    """Every so many-th picture of a folder or a tar as files of a folder -> how many."""
    chosen = list(islice(named_files(pictures), 0, None, every))
    for name, encoded in chosen:
        (Path(folder) / name).write_bytes(encoded)
    return len(chosen)


def measured(program, model, pictures, fineness):
    """Mean SSIMULACRA2 scores of a folder's pictures at ascending finenesses, by `calotype eval`."""
    fineness = ",".join(map(str, fineness))
    command = [program, "--model", model, "--engine", "cpu", "eval", pictures, "--fineness", fineness, "--json", "-"]
    done = subprocess.run(list(map(str, command)), stdout=subprocess.PIPE, check=True)
    return [mean["ssimulacra2"] for mean in json.loads(done.stdout)["means"]]


def scale(fineness, scores):
    """[[fineness, hundredths of a point]]; neither may fall."""
    points = [max(0, round(PER_POINT * score)) for score in scores]
    if len(points) != len(fineness) or any(low >= high for low, high in zip(points, points[1:])):
        raise SystemExit(f"the scores do not rise with the fineness: {dict(zip(fineness, scores))}; take more pictures, or train further")
    return [list(pair) for pair in zip(fineness, points)]


def with_scale(encoder, pairs):
    """Bytes of an encoder part -> the same with another scale."""
    length = int.from_bytes(encoder[:8], "little")
    header = json.loads(encoder[8 : 8 + length])
    header["__metadata__"]["quality_scale"] = json.dumps(pairs)
    header = json.dumps(header).encode()
    return sorted_header(len(header).to_bytes(8, "little") + header + encoder[8 + length :])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", help="validation pictures: a folder or a tar")
    parser.add_argument("--models", type=Path, default=ROOT / "assets" / "models")
    parser.add_argument("--name", default="fast")
    parser.add_argument("--every", type=int, default=4, help="take every so many-th picture")
    parser.add_argument("--program", type=Path, default=ROOT / "target" / "release" / "calotype")
    a = parser.parse_args()
    decoder, encoder = (a.models / f"{a.name}.{part}.safetensors" for part in ("decoder", "encoder"))
    fineness = [FINEST * part // PARTS for part in range(PARTS + 1)]
    with tempfile.TemporaryDirectory() as folder:
        count = extracted(a.pictures, a.every, folder)
        pairs = scale(fineness, measured(a.program, decoder, folder, fineness))
    content = with_scale(encoder.read_bytes(), pairs)
    write_whole(encoder, lambda new: new.write_bytes(content))
    known = tomllib.loads((a.models / "MANIFEST.toml").read_text())[a.name]
    write_manifest(a.models, a.name, manifest_entry(a.models, a.name, known["model_id"], known["source"]))
    print(f"{a.name}: {count} pictures, quality {pairs[0][1] / PER_POINT} to {pairs[-1][1] / PER_POINT}: {pairs}")


if __name__ == "__main__":
    main()

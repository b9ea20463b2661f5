"""The recipes of docs/PYTHON.md run, one after the other, in a folder with one photograph."""

import re
from pathlib import Path

import numpy as np
import pytest
from conftest import drawn
from PIL import Image

RECIPES = Path(__file__).parents[3] / "docs/PYTHON.md"


def test_recipes(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Image.fromarray(drawn(300, 400)).save("photo.png")
    code = re.findall(r"```python\n(.*?)```", RECIPES.read_text(), flags=re.S)
    assert len(code) == 6
    for i, recipe in enumerate(code):
        if "import torch" in recipe:
            pytest.importorskip("torch")
        exec(compile(recipe, f"recipe {i + 1}", "exec"), {"__name__": f"recipe_{i + 1}"})
    assert max(Image.open("small.png").size) == 160


def test_tensors(codec):
    torch = pytest.importorskip("torch")
    import calotype.torch

    for image in (drawn(40, 50), drawn(40, 50, 0), drawn(40, 50, 4), drawn(40, 50, 3, np.uint16)):
        data = codec.encode(image)
        tensor = calotype.torch.decode(data, codec=codec)
        array = codec.decode(data)
        assert tensor.shape == ((1, 40, 50) if array.ndim == 2 else (array.shape[2], 40, 50))
        assert np.array_equal(tensor.permute(1, 2, 0).squeeze(-1).numpy(), array)
        assert calotype.torch.encode(tensor, codec=codec) == codec.encode(array)
    assert torch.uint16 == tensor.dtype

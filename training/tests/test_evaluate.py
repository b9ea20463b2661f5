import json

import numpy as np
import pytest
import torch
from conftest import smooth_picture
from PIL import Image

from calotype_training import checkpoint, data, evaluate

CURVE = {"bpp": [0.1, 0.25, 0.5, 1.0, 2.0], "psnr_rgb": [26.0, 29.0, 32.0, 35.5, 40.0]}


def scaled(curve, rate, db=0.0):
    return {"bpp": [rate * b for b in curve["bpp"]], "psnr_rgb": [p + db for p in curve["psnr_rgb"]]}


def test_bd_rate_of_a_constant_saving_is_that_saving():
    value = evaluate.bd_rate(CURVE, scaled(CURVE, 0.8))
    assert value.percent == pytest.approx(-20)
    assert (value.low_db, value.high_db) == (26.0, 40.0)
    assert evaluate.bd_rate(scaled(CURVE, 0.8), CURVE).percent == pytest.approx(25)


def test_bd_rate_covers_the_common_range_alone():
    value = evaluate.bd_rate(CURVE, scaled(CURVE, 1.0, db=3.0))
    assert (value.low_db, value.high_db) == (29.0, 40.0)
    assert value.percent < -20


def test_bd_rate_of_straight_lines_in_log_rate():
    """log2 bpp = psnr / 6 against the same 1 dB better: 2^(-1/6) of the rate."""
    psnr = np.linspace(28, 40, 7)
    line = {"bpp": (2 ** (psnr / 6)).tolist(), "psnr_rgb": psnr.tolist()}
    assert evaluate.bd_rate(line, scaled(line, 1.0, db=1.0)).percent == pytest.approx(100 * (2 ** (-1 / 6) - 1), rel=1e-6)


def test_curves_without_common_quality_are_refused():
    with pytest.raises(ValueError, match="share no PSNR"):
        evaluate.bd_rate(CURVE, scaled(CURVE, 1.0, db=50.0))


def test_curves_that_do_not_rise_are_refused():
    noisy = {"bpp": [*CURVE["bpp"], 1.5], "psnr_rgb": [*CURVE["psnr_rgb"], 31.0]}
    with pytest.raises(ValueError, match="does not rise"):
        evaluate.bd_rate(CURVE, noisy)


def test_rate_is_per_pixel_of_the_picture_and_psnr_leaves_the_padding_out(codec):
    image = (smooth_picture(128, 3)[0, :, :70, :100] * 255).byte()
    bpp, psnr, _ = evaluate.measure(codec, image, 50)
    x = torch.nn.functional.pad(image[None].float(), (0, 28, 0, 58), mode="replicate") / 255
    with torch.no_grad():
        x_hat, bpp_y, bpp_z = codec(x, torch.tensor([0.5]))
    assert bpp == pytest.approx(float(bpp_y + bpp_z) * 128 * 128 / (70 * 100))
    error = (x_hat[0, :, :70, :100].clamp(0, 1) * 255).round().double() - image.double()
    assert psnr == pytest.approx(20 * np.log10(255 / error.square().mean().sqrt().item()), abs=1e-4)


def test_the_program_writes_a_curve_that_it_can_compare(codec, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(evaluate, "QUALITIES", (0, 50, 100))
    monkeypatch.setattr(evaluate.curve, "__defaults__", ((0, 50, 100),))
    folder = tmp_path / "pictures"
    folder.mkdir()
    for i in range(2):
        Image.fromarray((smooth_picture(64, i)[0].permute(1, 2, 0) * 255).byte().numpy()).save(folder / f"{i}.png")
    checkpoint.save(codec, tmp_path / "a.pt")
    evaluate.main([str(tmp_path / "a.pt"), str(folder), "--json", str(tmp_path / "a.json")])
    written = json.loads((tmp_path / "a.json").read_text())["calotype"]
    assert written["q"] == [0, 50, 100] and len(written["per_image"][0]) == 2
    first, second = (evaluate.measure(codec, image, 50)[1] for image in data.pictures(folder))
    assert written["psnr_rgb"][1] == pytest.approx((first + second) / 2)
    capsys.readouterr()
    # an untrained curve need not rise, so compare with one that is known to
    reference = tmp_path / "known.json"
    reference.write_text(json.dumps({"known": CURVE}))
    monkeypatch.setattr(evaluate, "curve", lambda *_: {"q": [0] * 5, **scaled(CURVE, 0.5)})
    evaluate.main([str(tmp_path / "a.pt"), str(folder), "--against", str(reference)])
    assert "-50.00 %   (26.0-40.0 dB)" in capsys.readouterr().out


def test_a_folder_without_pictures_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=str(tmp_path)):
        data.pictures(tmp_path)

"""What a change of the network or its training brings, at equal steps on equal crops: one call an arm, then the table.

    python -m calotype_training.levers train base  DATA VAL out/base.json
    python -m calotype_training.levers train encoder DATA VAL out/encoder.json
    python -m calotype_training.levers table out/*.json                BD-rates against the arm base

Each arm begins from the same checkpoint, goes through one cosine in float, and is measured by cross entropy under the encoder's
rounding on every fourth picture of VAL. Arms may be joined by +, as in decoder+encoder.
"""

import argparse
import json
from pathlib import Path

from . import cpu

cpu.set_thread_defaults()

import torch  # noqa: E402
from torch import nn  # noqa: E402
from torch.nn.utils import parametrize  # noqa: E402

from . import checkpoint, data, ssimulacra2  # noqa: E402
from .evaluate import bd_rate, padded  # noqa: E402
from .grow import grown  # noqa: E402
from .rounding import AsEncoder  # noqa: E402
from .train import Config, Trainer, set_up_torch  # noqa: E402

QUALITIES = (5, 20, 40, 60, 80, 95)
DEAD_ZONE = 5
MEASURES = {"PSNR-RGB": 1, "SSIMULACRA2": 2}


class ConvScale(nn.Module):
    """A learned scale for each input and output channel of a layer, which folds into its weight."""

    def __init__(self, outputs, inputs):
        super().__init__()
        self.outputs, self.inputs = nn.Parameter(torch.ones(outputs)), nn.Parameter(torch.ones(inputs))

    def forward(self, weight):
        return weight * self.outputs[:, None, None, None] * self.inputs[None, :, None, None]


class Quick(nn.Module):
    """A table that learns ten times as fast."""

    def forward(self, x):
        return 10 * x

    def right_inverse(self, x):
        return x / 10


def with_conv_scale(codec):
    for layer in [m for m in codec.modules() if isinstance(m, nn.Conv2d)]:
        parametrize.register_parametrization(layer, "weight", ConvScale(*layer.weight.shape[:2]))
    return codec


def with_quick_tables(codec):
    for name in ("log_gain_y", "log_gain_dec", "log_gain_z", "log_sigma_z", "bias_dec"):
        parametrize.register_parametrization(codec, name, Quick())
    return codec


ARMS = {
    "base": lambda codec: codec,
    "encoder": lambda codec: grown(codec, n_e=6),
    "decoder": lambda codec: grown(codec, n_d=9),
    "scale": with_conv_scale,
    "tables": with_quick_tables,
}


def trained(codec, a):
    loss = {"ssimulacra2_weight": 5.0, "distortion_power": 0.5, "dead_zone": DEAD_ZONE}
    config = Config(a.data, "", lr=a.lr, optimiser="soap", ema_decay=0.99, shrunk=0.3, batch=8, threads=a.threads, steps=a.steps, **loss)
    trainer = Trainer(config, codec, set_up_torch(config, 5))
    trainer.warm_up_steps = a.steps // 6
    crops = data.read_crops(a.data)
    torch.manual_seed(5)
    trainer.learn_typical_distortion(crops)
    torch.manual_seed(6)
    for step in range(a.steps):
        values = trainer.train_step(crops, step / a.steps)
        if step % 50 == 49:
            print(a.arm, step + 1, [round(value, 4) for value in values.tolist()], flush=True)
    return trainer.ema.eval()


@torch.no_grad()
def measured(codec, image, quality):
    """-> bits per pixel, PSNR in dB, SSIMULACRA2."""
    (h, w), x = image.shape[1:], padded(image, codec.network.side)
    x_hat, bpp_y, bpp_z = codec(x, torch.tensor([quality / 100]))
    found, wanted = (x_hat[:, :, :h, :w].clamp(0, 1) * 255).round() / 255, image[None].float() / 255
    psnr = -10 * torch.log10((found - wanted).square().mean().clamp(min=1e-10))
    bpp = (bpp_y + bpp_z) * x.shape[2] * x.shape[3] / (h * w)
    return [float(bpp), float(psnr), float(ssimulacra2.score(ssimulacra2.raw(wanted, found)))]


def train(a):
    codec = checkpoint.load(a.init)
    for arm in a.arm.split("+"):
        codec = ARMS[arm](codec)
    codec = trained(codec, a)
    codec.rounding = AsEncoder(DEAD_ZONE / 256)
    images = data.pictures(a.val)[3::4]
    rows = [torch.tensor([measured(codec, image, q) for image in images]).mean(0).tolist() for q in QUALITIES]
    a.out.write_text(json.dumps({"arm": a.arm, "steps": a.steps, "rows": rows}) + "\n")


def curve(results, column):
    """`evaluate.bd_rate` interpolates in a column of this name."""
    return {"bpp": [row[0] for row in results["rows"]], "psnr_rgb": [row[column] for row in results["rows"]]}


def table(a):
    arms = [json.loads(path.read_text()) for path in a.results]
    base = next((arm for arm in arms if arm["arm"] == "base"), None)
    if not base:
        raise SystemExit("give the results of the arm base as well")
    for arm in arms:
        rates = [f"{name} {bd_rate(curve(base, i), curve(arm, i)).percent:+.2f} %" for name, i in MEASURES.items()]
        print(f"{arm['arm']:20s} {arm['steps']} steps  " + "  ".join(rates))


def main(arguments=None):
    parser = argparse.ArgumentParser(
        prog="calotype_training.levers", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(required=True)
    one = commands.add_parser("train", help="an arm")
    one.set_defaults(run=train)
    one.add_argument("arm", help=" ".join(ARMS))
    one.add_argument("data")
    one.add_argument("val")
    one.add_argument("out", type=Path)
    one.add_argument("--init", default="assets/checkpoints/fast.pt", help="checkpoint that all arms begin from")
    one.add_argument("--steps", type=int, default=300)
    one.add_argument("--lr", type=float, default=2.5e-4)
    one.add_argument("--threads", type=int, default=2)
    all_ = commands.add_parser("table", help="BD-rates against the arm base")
    all_.set_defaults(run=table)
    all_.add_argument("results", nargs="+", type=Path)
    a = parser.parse_args(arguments)
    a.run(a)


if __name__ == "__main__":
    main()

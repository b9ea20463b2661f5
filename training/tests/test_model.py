import pytest
import torch
from conftest import TINY, smooth_picture
from prototype_names import Prototype
from torch import nn

from calotype_training import checkpoint
from calotype_training.layers import Depthwise, LowerBound, gaussian_bits, sigma_range, step_masks
from calotype_training.model import Codec, kilo_macs_per_pixel
from calotype_training.network import Schedule
from calotype_training.rounding import AsEncoder, nearest
from calotype_training.warm_start import warm_start


def prototype_names(state):
    """A state dict under this package's names -> under the prototype's."""
    old = {new: old for old, new in checkpoint.PROTOTYPE_PREFIXES.items()}

    def name(key):
        return next((old[new] + key[len(new) :] for new in old if key.startswith(new + ".")), key)

    return {name(key): value for key, value in state.items()}


@pytest.fixture
def prototype_file(codec, tmp_path):
    path = tmp_path / "proto.pt"
    torch.save({"size": vars(TINY), "state": prototype_names(codec.state_dict()), "steps": 1}, path)
    return path


@pytest.mark.parametrize("t", [0.0, 0.4, 1.0])
def test_a_prototype_checkpoint_computes_the_same(prototype_file, t):
    oracle = Prototype(torch.load(prototype_file)["state"], TINY)
    codec, x = checkpoint.load(prototype_file).eval(), smooth_picture(128, 1)
    with torch.no_grad():
        x_hat, bpp_y, bpp_z = codec(x, torch.tensor([t]))
        want_x, want_y, want_z = oracle(x, t)
    # float32 sums in another order: some hundred terms of size 1
    torch.testing.assert_close(x_hat, want_x, atol=1e-4, rtol=0)
    assert bpp_y.item() == pytest.approx(want_y, rel=1e-3)
    assert bpp_z.item() == pytest.approx(want_z, rel=1e-3)


def test_a_file_from_before_there_were_widths_gives_them_as_1(codec, tmp_path):
    state = {key: value for key, value in codec.state_dict().items() if not key.startswith("width_head")}
    torch.save({"size": vars(TINY), "state": state}, tmp_path / "old.pt")
    assert checkpoint.load(tmp_path / "old.pt").log_widths(torch.randn(1, 16, 4, 4)).eq(0).all()


def test_the_oracle_notices_a_swapped_layer(prototype_file):
    state = torch.load(prototype_file)["state"]
    state["g_s.1.0.pw1.weight"], state["g_s.1.1.pw1.weight"] = state["g_s.1.1.pw1.weight"], state["g_s.1.0.pw1.weight"]
    codec, x = checkpoint.load(prototype_file).eval(), smooth_picture(128, 1)
    with torch.no_grad():
        assert (codec(x, torch.tensor([0.4]))[0] - Prototype(state, TINY)(x, 0.4)[0]).abs().max() > 1e-3


def test_parameters_keep_the_order_of_the_prototypes_adam(codec):
    names = [name for name, _ in codec.named_parameters()]
    assert names[:5] == ["log_sigma_z", "log_gain_y", "log_gain_dec", "log_gain_z", "bias_dec"]
    firsts = list(dict.fromkeys(name.split(".")[0] for name in names[5:]))
    assert firsts == ["g_a", "g_s", "h_a", "h_s", "scale_head", "width_head", "mean_head", "context"]
    within = list(dict.fromkeys(".".join(n.split(".")[:2]) for n in names if n.startswith("h_a")))
    assert within == ["h_a.first", "h_a.block1", "h_a.mid", "h_a.block2", "h_a.last"]


def test_half_precision_halves_the_file_and_loads_as_float32(codec, tmp_path):
    checkpoint.save(codec, tmp_path / "full.pt", note="x")
    checkpoint.save(codec, tmp_path / "half.pt", half=True)
    weights_bytes = sum(p.numel() for p in codec.parameters())
    saved_bytes = (tmp_path / "full.pt").stat().st_size - (tmp_path / "half.pt").stat().st_size
    assert abs(saved_bytes - 2 * weights_bytes) < 0.1 * weights_bytes + 8192
    for a, b in zip(codec.parameters(), checkpoint.load(tmp_path / "half.pt").parameters()):
        assert b.dtype == torch.float32
        torch.testing.assert_close(a, b, rtol=2**-11, atol=1e-6)  # half of the last of float16's 11 bits


def test_each_latent_is_coded_once_and_each_step_codes_a_quarter():
    masks = step_masks(torch.zeros(1, 8, 6, 4), Schedule.quarters(8, range(4), None, None))
    assert masks.sum(0).eq(1).all()
    assert masks.sum((1, 2, 3)).eq(8 * 6 * 4 // 4).all()


def test_later_steps_do_not_see_what_they_code(codec):
    """The mean of a latent must not depend on that latent, nor on those of later steps."""
    y, h, gains = torch.randn(1, 32, 4, 4), torch.randn(1, 16, 4, 4), codec.gains(torch.tensor([0.5]))
    log_sigma = torch.zeros_like(y)
    masks = step_masks(y, codec.network.schedule)
    with torch.no_grad():
        mean = codec.quantise_in_steps(y, h, gains, log_sigma, nearest)[0]
        for k in range(4):
            changed = torch.where(masks[k:].any(0), y + 7, y)
            again = codec.quantise_in_steps(changed, h, gains, log_sigma, nearest)[0]
            assert torch.equal(again[0][masks[k]], mean[0][masks[k]])
            if k < 3:
                assert not torch.equal(again[0][masks[k + 1]], mean[0][masks[k + 1]])


@pytest.mark.parametrize("rounding", [nearest, AsEncoder()])
def test_gradients_go_straight_through_the_rounding(codec, rounding):
    y, h, gains = torch.randn(1, 32, 4, 4), torch.randn(1, 16, 4, 4), codec.gains(torch.tensor([0.5]))
    y.requires_grad_()
    mean, y_hat = codec.quantise_in_steps(y, h, gains, torch.full_like(y, -0.5), rounding)
    symbols = y_hat - mean
    assert (symbols - symbols.round()).abs().max() < 1e-4
    y_hat.sum().backward()
    assert y.grad.flatten().tolist() == pytest.approx([1.0] * y.numel(), rel=1e-4)  # means come and go


def test_evaluation_counts_the_bits_of_the_symbols_that_are_sent(codec):
    """Whatever rounds: here it sends 3 everywhere, whose bits no other symbol has."""
    sent = []

    def threes(y, log_sigma):
        sent.append(log_sigma)
        return torch.full_like(y, 3.0)

    codec.eval().rounding = threes
    with torch.no_grad():
        _, bpp_y, _ = codec(smooth_picture(128, 1), torch.tensor([0.5]))
    bits = gaussian_bits(torch.full_like(sent[0], 3.0), sent[0]).sum()
    assert bpp_y.item() * 128**2 == pytest.approx(bits.item(), rel=1e-4)


def test_every_convolution_runs_channels_last(codec):
    """In any other memory format the same step takes up to ten times as long on CPUs."""
    slow = []
    for name, module in codec.named_modules():
        if isinstance(module, nn.Conv2d):
            module.register_forward_pre_hook(
                lambda m, inputs, name=name: None if inputs[0].is_contiguous(memory_format=torch.channels_last) else slow.append(name)
            )
    codec(torch.rand(2, 3, 128, 192), torch.tensor([0.1, 0.9]))
    assert slow == []


@pytest.mark.parametrize("h,w", [(1, 1), (3, 5), (8, 7)])
def test_shifted_depthwise_equals_the_convolution(h, w):
    layer, x = Depthwise(6), torch.randn(2, 6, h, w)
    torch.testing.assert_close(layer.shifted(x), layer(x), atol=1e-5, rtol=1e-5)


def test_gradients_that_raise_pass_the_lower_bound():
    x = torch.tensor([0.0, 0.0, 2.0, 2.0], requires_grad=True)
    LowerBound.apply(x, 1.0).backward(torch.tensor([-1.0, 1.0, -1.0, 1.0]))
    assert x.grad.tolist() == [-1.0, 0.0, -1.0, 1.0]


def test_sigma_stays_in_the_table():
    sigma = sigma_range(torch.tensor([-50.0, 0.0, 50.0])).exp()
    assert sigma[0] == pytest.approx(0.11) and sigma[2] == pytest.approx(256)
    assert sigma[1] == pytest.approx(1.11)  # softplus adds the floor


def test_every_parameter_learns(codec):
    codec.train()
    x_hat, bpp_y, bpp_z = codec(smooth_picture(128, 2).expand(2, -1, -1, -1), torch.tensor([0.2, 0.8]))
    (x_hat.square().mean() + bpp_y.mean() + bpp_z.mean()).backward()
    assert [name for name, p in codec.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0] == []


def test_warm_start_is_a_transform_codec():
    """With C = 192 and M = 4C no KLT coefficient is dropped: only quantisation separates x_hat from x."""
    size = type(TINY)(C=192, M=768, Z=8, P=16, n_e=1, n_d=1, knots=4)
    torch.manual_seed(0)
    codec, x = Codec(size), torch.rand(60, 3, 64, 64)
    warm_start(codec, x)
    with torch.no_grad():
        x_hat, bpp_y, _ = codec.eval()(x[:2], torch.tensor([0.0, 1.0]))
    mse = 255**2 * (x_hat - x[:2]).square().mean((1, 2, 3))
    # uniform quantisation with step d = 5.1 / sqrt(lambda_max) leaves d^2 / 12
    assert mse[1].item() == pytest.approx(5.1**2 / 0.25 / 12, rel=0.15)
    assert mse[0] > 20 * mse[1] and bpp_y[0] < bpp_y[1]


def test_kilo_macs_of_the_first_size():
    macs = kilo_macs_per_pixel(Codec().eval())
    heads = dict.fromkeys(("scale_head", "width_head", "mean_head"), 0.24)
    assert macs == {"g_a": 7.37, "h_a": 0.86, "h_s": 0.62, **heads, "context": 2.96, "g_s": 10.48}

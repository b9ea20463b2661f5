"""Files as PyTorch tensors: the decoder's own memory, not copied."""

import torch

import calotype


def decode(data, *, codec=None, **options):
    """Bytes of a .calo file -> uint8 or uint16 tensor [channels, height, width], channels last in memory. Options are `Codec.decode`'s."""
    array = (codec or calotype).decode(data, **options)
    tensor = torch.from_numpy(array)
    return tensor[None] if tensor.ndim == 2 else tensor.permute(2, 0, 1)


def encode(tensor, *, codec=None, **options):
    """A uint8 or uint16 tensor [channels, height, width] or [height, width] -> bytes of a .calo file. Options are `Codec.encode`'s."""
    pixels = tensor.detach().cpu()
    pixels = pixels.permute(1, 2, 0) if pixels.ndim == 3 else pixels
    return (codec or calotype).encode(pixels.numpy(), **options)

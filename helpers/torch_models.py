"""Xception in PyTorch's own parts, with Keras' weights: the same outputs up to rounding.

Import torch and torchvision before TensorFlow: the other way round, Python may crash (lesson 10).
Images come as PyTorch wants them: (batch, 3, height, width), float32, scaled to -1..1.
"""

import torch
from torch import nn
from torch.nn import functional as F

MIDDLE = 728  # channels of blocks 4 to 12


class SeparableConv(nn.Sequential):
    """A 3x3 kernel for each channel, then a 1x1 convolution that mixes the channels."""

    def __init__(self, channels: int, filters: int):
        around = nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False)
        super().__init__(around, nn.Conv2d(channels, filters, 1, bias=False))


def batch_norm(channels: int) -> nn.BatchNorm2d:
    """BatchNorm with Keras' constants: PyTorch's momentum 0.01 is Keras' 0.99."""
    return nn.BatchNorm2d(channels, eps=1e-3, momentum=0.01)


class Block(nn.Module):
    """Separable convolutions beside a shortcut, added at the end.

    filters : the channels after each separable convolution.  relu_first : False for block 2 only.
    halve : whether height and width are halved, by a 1x1 convolution with stride 2 as shortcut.
    """

    def __init__(
        self, channels: int, filters: list[int], relu_first: bool = True, halve: bool = True
    ):
        super().__init__()
        steps, before = [], channels
        for number, after in enumerate(filters):
            if number or relu_first:
                # The first one's input is the shortcut's too: leave it as it is
                steps.append(nn.ReLU(inplace=number > 0))
            steps += [SeparableConv(before, after), batch_norm(after)]
            before = after
        self.steps = nn.Sequential(*steps)
        self.halve = halve
        if halve:
            narrow = nn.Conv2d(channels, before, 1, stride=2, bias=False)
            self.shortcut = nn.Sequential(narrow, batch_norm(before))

    def forward(self, x):
        if not self.halve:
            return self.steps(x) + x
        return same_max_pool(self.steps(x)) + self.shortcut(x)


def same_max_pool(x):
    """3x3 max pooling, stride 2, with the windows where Keras' "same" puts them.

    (batch, channels, h, w) -> (batch, channels, ceil(h / 2), ceil(w / 2)). An even side gets its
    margin at the end only. `padding=1` has the same shape, but each window starts a pixel earlier.
    """
    height, width = x.shape[2:]
    return F.max_pool2d(x, 3, stride=2, padding=(height % 2, width % 2), ceil_mode=True)


def xception(pretrained: bool = True) -> nn.Sequential:
    """Build Xception without its top: 14 blocks, so `xception()[:k]` gives the maps after block k.

    Input (batch, 3, size, size), float32, -1..1, size 71 or more; output (batch, 2048, h, w): 5x5
    at 150 px. The model is in eval mode, in the channels_last memory format; its parameters train.
    pretrained : False leaves PyTorch's random weights; True takes those of `models.backbone`.
    Source: Chollet 2017, arXiv:1610.02357.
    """
    relu = nn.ReLU(inplace=True)
    model = nn.Sequential(
        nn.Sequential(
            nn.Conv2d(3, 32, 3, stride=2, bias=False), batch_norm(32), relu,
            nn.Conv2d(32, 64, 3, bias=False), batch_norm(64), relu,
        ),
        Block(64, [128, 128], relu_first=False),
        Block(128, [256, 256]),
        Block(256, [MIDDLE, MIDDLE]),
        *[Block(MIDDLE, [MIDDLE] * 3, halve=False) for _ in range(8)],
        Block(MIDDLE, [MIDDLE, 1024]),
        nn.Sequential(
            SeparableConv(1024, 1536), batch_norm(1536), relu,
            SeparableConv(1536, 2048), batch_norm(2048), relu,
        ),
    )  # fmt: skip
    if pretrained:
        from helpers.models import backbone

        load(model, backbone().get_weights())
    return model.eval().to(memory_format=torch.channels_last)


@torch.no_grad()
def load(model: nn.Module, tensors: list) -> None:
    """Copy tensors, in the order of Keras' `get_weights()`, into convolutions and BatchNorms.

    Keras' kernels are (height, width, in, out), or (height, width, channels, 1) where depthwise;
    PyTorch's (out, in, height, width), or (channels, 1, height, width). Raises ValueError if
    numbers or shapes differ.
    """
    places = []
    for layer in model.modules():
        if isinstance(layer, nn.Conv2d):
            places.append(layer.weight.permute((2, 3, 0, 1) if layer.groups > 1 else (2, 3, 1, 0)))
        elif isinstance(layer, nn.BatchNorm2d):
            places += [layer.weight, layer.bias, layer.running_mean, layer.running_var]
    if [tuple(place.shape) for place in places] != [tensor.shape for tensor in tensors]:
        raise ValueError(f"These {len(tensors)} tensors do not fit the model's {len(places)}.")
    for place, tensor in zip(places, tensors, strict=True):
        place.copy_(torch.from_numpy(tensor))

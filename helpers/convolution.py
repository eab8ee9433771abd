"""Convolution and pooling as loops in plain NumPy, which agree with Keras to the last digits.

Images and feature maps are (height, width, channels), float; kernels (height, width, channels in,
channels out), the layout of Keras. What deep learning calls convolution is cross-correlation: the
kernel is not flipped.
"""

import math

import numpy as np


def output_size(n: int, kernel: int, stride: int = 1, padding: str = "valid") -> int:
    """Return the length of the output along one axis of length n.

    padding : "valid" (the kernel stays inside) or "same" (zeros around, so that stride 1 keeps n).
    Raises ValueError for another padding, or if the kernel does not fit.

    >>> output_size(150, 3, stride=2), output_size(150, 3, stride=2, padding="same")
    (74, 75)
    """
    if padding == "same":
        return math.ceil(n / stride)
    if padding != "valid":
        raise ValueError(f"padding is 'valid' or 'same', not {padding!r}.")
    if kernel > n:
        raise ValueError(f"A kernel of {kernel} does not fit into {n} values.")
    return (n - kernel) // stride + 1


def patches(image: np.ndarray, size, stride: int = 1, padding: str = "valid", fill: float = 0.0):
    """Yield (row, column, patch) for every place where a window of `size` stops.

    image : (height, width, channels).  size : pixels, or (height, width).  fill : what "same" pads
    with.  patch : (size, size, channels), a view.  Raises ValueError if there are not three axes.
    """
    high, wide = (size, size) if isinstance(size, int) else size
    rows, columns = _output_sizes(image, high, wide, stride, padding)
    if padding == "same":
        above_below = _same_padding(image.shape[0], high, stride)
        left_right = _same_padding(image.shape[1], wide, stride)
        image = np.pad(image, (above_below, left_right, (0, 0)), constant_values=fill)
    for row in range(rows):
        for column in range(columns):
            top, left = row * stride, column * stride
            yield row, column, image[top : top + high, left : left + wide]


def _same_padding(n: int, kernel: int, stride: int) -> tuple[int, int]:
    """How much "same" adds before and after an axis; of an odd amount, Keras puts more after."""
    total = max((output_size(n, kernel, stride, "same") - 1) * stride + kernel - n, 0)
    return total // 2, total - total // 2


def convolve(image, kernel, stride: int = 1, padding: str = "valid") -> np.ndarray:
    """Slide a kernel over an image; each output value is the sum of a patch times the kernel.

    image : (height, width, channels) or (height, width); integers become float64 first, since 8-bit
        values wrap around below zero.
    kernel : (k, k) for one channel, or (k, k, channels in, channels out).
    Returns the feature map: (height', width', channels out), or (height', width') if the image had
    two axes and there is one channel out.  Raises ValueError if the channels differ.
    """
    image, kernel = _as_float(image), np.asarray(kernel)
    two_axes = image.ndim == 2
    image = np.atleast_3d(image)  # a grey image gets one channel
    if kernel.ndim == 2:
        kernel = kernel[..., np.newaxis, np.newaxis]
    high, wide, channels_in, channels_out = kernel.shape
    if channels_in != image.shape[2]:
        made_for = f"the kernel is made for {channels_in}"
        raise ValueError(f"The image has {image.shape[2]} channels, {made_for}.")
    rows, columns = _output_sizes(image, high, wide, stride, padding)
    output = np.zeros((rows, columns, channels_out), np.result_type(image, kernel))
    for row, column, patch in patches(image, (high, wide), stride, padding):
        products = patch[..., np.newaxis] * kernel  # (high, wide, channels in, channels out)
        output[row, column] = products.sum(axis=(0, 1, 2))
    return output[..., 0] if two_axes and channels_out == 1 else output


def relu(feature_map: np.ndarray) -> np.ndarray:
    """Replace negative values by zero; same shape and dtype."""
    return np.maximum(feature_map, 0)


def max_pool(feature_map, size: int = 2, stride: int | None = None, padding: str = "valid"):
    """Keep the largest value of each window, channel by channel.

    feature_map : (height, width, channels); integers become float64.  stride : None means `size`.
    Returns (height', width', channels).  Raises ValueError if there are not three axes.
    """
    return _pool(feature_map, size, stride or size, padding, np.nanmax)


def average_pool(feature_map, size: int = 2, stride: int | None = None, padding: str = "valid"):
    """Average each window; padding does not count, as in Keras. Shapes as in `max_pool`."""
    return _pool(feature_map, size, stride or size, padding, np.nanmean)


def global_average_pool(feature_map: np.ndarray) -> np.ndarray:
    """Average each channel over height and width.

    feature_map : (height, width, channels).  Returns (channels,).
    Raises ValueError if there are not three axes.  Source: Lin et al. 2013, arXiv:1312.4400, 3.2.

    >>> global_average_pool(np.ones((5, 5, 2048), "float32")).shape
    (2048,)
    """
    _check_axes(feature_map)
    return feature_map.mean(axis=(0, 1))


def _pool(feature_map, size: int, stride: int, padding: str, summarize) -> np.ndarray:
    """Summarize each window; "same" pads with NaN, which np.nanmax and np.nanmean leave out."""
    feature_map = _as_float(feature_map)
    rows, columns = _output_sizes(feature_map, size, size, stride, padding)
    output = np.zeros((rows, columns, feature_map.shape[2]), feature_map.dtype)
    for row, column, patch in patches(feature_map, size, stride, padding, fill=np.nan):
        output[row, column] = summarize(patch, axis=(0, 1))
    return output


def _as_float(array) -> np.ndarray:
    array = np.asarray(array)
    return array if array.dtype.kind == "f" else array.astype("float64")


def _output_sizes(image, high: int, wide: int, stride: int, padding: str) -> tuple[int, int]:
    _check_axes(image)
    rows = output_size(image.shape[0], high, stride, padding)
    return rows, output_size(image.shape[1], wide, stride, padding)


def _check_axes(image: np.ndarray) -> None:
    if image.ndim != 3:
        hint = " Add channels: image[..., None]" if image.ndim == 2 else ""
        raise ValueError(f"Expected (height, width, channels), got shape {image.shape}.{hint}")


def shapes(n: int, seed: int, radii=(7,), size: int = 40) -> tuple[np.ndarray, np.ndarray]:
    """Make images with a whole circle or a whole square; the other one lies about in four pieces.

    Every image holds the lines of both, so counting bright pixels or slanted lines does not help.
    radii : of the shapes, in pixels, taken in turn.  size : pixels of the image, 2 x radius + 1 or
    more.  Returns images (n, size, size), float32, 0 or 1, and labels (n,), int64, in turn: 0 for a
    whole circle, 1 for a whole square.

    >>> images, labels = shapes(4, seed=0)
    >>> images.shape, labels.tolist()
    ((4, 40, 40), [0, 1, 0, 1])
    """
    rng = np.random.default_rng(seed)
    images, labels = np.zeros((n, size, size), "float32"), np.arange(n) % 2
    for i in range(n):
        radius = radii[i // 2 % len(radii)]
        width = 2 * radius + 1
        place = rng.integers(0, size - width + 1, 2)  # top and left of the whole shape
        for label, outline in enumerate(_circle_and_square(radius)):
            for quarter in _quarters(outline):
                whole = label == labels[i]
                top, left = place if whole else rng.integers(0, size - width + 1, 2)
                images[i, top : top + width, left : left + width][quarter] = 1
    return images, labels


def _circle_and_square(radius: int) -> list[np.ndarray]:
    """Their outlines, each (2 x radius + 1, the same) bool."""
    down, right = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    from_centre = [np.hypot(down, right), np.maximum(abs(down), abs(right))]
    return [abs(distance - radius) < 0.5 for distance in from_centre]


def _quarters(outline: np.ndarray) -> list[np.ndarray]:
    """Cut an outline into four: a corner and one half of the middle line, turned three times."""
    radius = len(outline) // 2
    corner = np.zeros_like(outline)
    corner[:radius, : radius + 1] = True
    return [outline & np.rot90(corner, -turn) for turn in range(4)]

"""Convolution and pooling in plain NumPy: loops that can be read, made to agree with Keras to the last digits.

Pictures and feature maps are (height, width, channels), float; kernels (height, width, channels in, channels out),
the layout of Keras. What deep learning calls convolution is cross-correlation: the kernel is not flipped.
"""

import numpy as np


def output_size(n: int, kernel: int, stride: int = 1, padding: str = "valid") -> int:
    """Length of the output along one axis of length n.

    padding : "valid" (the kernel stays inside) or "same" (zeros around, so that stride 1 keeps n).
    Raises ValueError for another padding, or if the kernel does not fit.

    >>> output_size(150, 3, stride=2), output_size(150, 3, stride=2, padding="same")
    (74, 75)
    """
    if padding == "same":
        return -(-n // stride)
    if padding != "valid":
        raise ValueError(f"padding is 'valid' or 'same', not {padding!r}.")
    if kernel > n:
        raise ValueError(f"A kernel of {kernel} does not fit into {n} values.")
    return (n - kernel) // stride + 1


def same_padding(n: int, kernel: int, stride: int = 1) -> tuple[int, int]:
    """How much "same" adds before and after one axis of length n; of an odd amount, Keras puts more after.

    >>> same_padding(150, 3), same_padding(150, 3, stride=2)
    ((1, 1), (0, 1))
    """
    total = max((output_size(n, kernel, stride, "same") - 1) * stride + kernel - n, 0)
    return total // 2, total - total // 2


def patches(picture: np.ndarray, size: int | tuple[int, int], stride: int = 1, padding: str = "valid", fill=0.0):
    """Yield (row, column, patch) for every place where a window of `size` stops.

    picture : (height, width, channels).  patch : (size, size, channels), a view.  fill : what "same" pads with.
    Raises ValueError if there are not three axes.
    """
    if picture.ndim != 3:
        raise ValueError(f"Expected (height, width, channels), got {picture.shape}. Add channels: picture[..., None]")
    high, wide = (size, size) if isinstance(size, int) else size
    height, width = (output_size(n, k, stride, padding) for n, k in zip(picture.shape, (high, wide), strict=False))
    if padding == "same":
        around = (same_padding(picture.shape[0], high, stride), same_padding(picture.shape[1], wide, stride), (0, 0))
        picture = np.pad(picture, around, constant_values=fill)
    for row in range(height):
        for column in range(width):
            yield row, column, picture[row * stride : row * stride + high, column * stride : column * stride + wide]


def convolve(picture: np.ndarray, kernel: np.ndarray, stride: int = 1, padding: str = "valid") -> np.ndarray:
    """Slide a kernel over a picture; each output value is the dot product of one patch with the kernel.

    picture : (height, width, channels) or (height, width), float; integers are turned into float64 first, since
        8-bit values wrap around below zero.  kernel : (k, k) for a grey picture, or (k, k, channels in, channels out).
    Returns (height', width', channels out); (height', width') if the picture had two axes.
    Raises ValueError if the channels of picture and kernel differ.
    """
    grey = picture.ndim == 2
    picture = np.asarray(picture[..., None] if grey else picture)
    picture = picture if picture.dtype.kind == "f" else picture.astype("float64")
    kernel = np.asarray(kernel)[..., None, None] if np.ndim(kernel) == 2 else np.asarray(kernel)
    if kernel.shape[2] != picture.shape[2]:
        raise ValueError(f"The picture has {picture.shape[2]} channels, the kernel is made for {kernel.shape[2]}.")
    size = [output_size(n, k, stride, padding) for n, k in zip(picture.shape, kernel.shape[:2], strict=False)]
    output = np.zeros((*size, kernel.shape[3]), np.result_type(picture, kernel, "float32"))
    for row, column, patch in patches(picture, kernel.shape[:2], stride, padding):
        output[row, column] = np.tensordot(patch, kernel, axes=3)
    return output[..., 0] if grey and kernel.shape[3] == 1 else output


def depthwise(picture: np.ndarray, kernel: np.ndarray, stride: int = 1, padding: str = "valid") -> np.ndarray:
    """Convolve each channel with its own kernel; nothing is summed over channels.

    picture : (height, width, channels).  kernel : (k, k, channels, 1).  Returns (height', width', channels).
    """
    channels = [
        convolve(picture[..., c : c + 1], kernel[:, :, c : c + 1], stride, padding) for c in range(picture.shape[2])
    ]
    return np.concatenate(channels, axis=2)


def separable(picture: np.ndarray, depthwise_kernel: np.ndarray, pointwise_kernel: np.ndarray, padding: str = "valid"):
    """Depthwise convolution, then a 1x1 convolution that mixes the channels: Xception's building block.

    depthwise_kernel : (k, k, channels, 1).  pointwise_kernel : (1, 1, channels, channels out).
    Returns (height', width', channels out).  Source: Chollet 2017, arXiv:1610.02357.
    """
    return convolve(depthwise(picture, depthwise_kernel, padding=padding), pointwise_kernel)


def relu(feature_map: np.ndarray) -> np.ndarray:
    """Replace negative values by zero; same shape and dtype."""
    return np.maximum(feature_map, 0)


def max_pool(feature_map: np.ndarray, size: int = 2, stride: int | None = None, padding: str = "valid") -> np.ndarray:
    """Keep the largest value of each window, channel by channel.

    feature_map : (height, width, channels).  stride : None means `size`.  Returns (height', width', channels).
    """
    return _pool(feature_map, size, stride or size, padding, np.nanmax)


def average_pool(
    feature_map: np.ndarray, size: int = 2, stride: int | None = None, padding: str = "valid"
) -> np.ndarray:
    """Average each window, channel by channel; padded places do not count, as in Keras. Shapes as in `max_pool`."""
    return _pool(feature_map, size, stride or size, padding, np.nanmean)


def global_average_pool(feature_map: np.ndarray) -> np.ndarray:
    """Average each channel over height and width.

    feature_map : (height, width, channels).  Returns (channels,).  Raises ValueError if there are not three axes.
    Source: Lin et al. 2013, arXiv:1312.4400, section 3.2.

    >>> global_average_pool(np.ones((5, 5, 2048), "float32")).shape
    (2048,)
    """
    if feature_map.ndim != 3:
        raise ValueError(f"Expected (height, width, channels), got shape {feature_map.shape}.")
    return feature_map.mean(axis=(0, 1))


def _pool(feature_map: np.ndarray, size: int, stride: int, padding: str, summarize) -> np.ndarray:
    if feature_map.ndim != 3:
        raise ValueError(f"Expected (height, width, channels), got shape {feature_map.shape}.")
    height, width = (output_size(n, size, stride, padding) for n in feature_map.shape[:2])
    output = np.zeros((height, width, feature_map.shape[2]), feature_map.dtype)
    for row, column, patch in patches(feature_map, size, stride, padding, fill=np.nan):
        output[row, column] = summarize(patch, axis=(0, 1))
    return output

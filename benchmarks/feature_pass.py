"""The feature pass (read, resize, forward, keep) against the bare forward pass, ONNX Runtime and the machine's peak.

    python benchmarks/feature_pass.py --data clothing

In each round all take their turn in one process, over the same images at 150, then at 299 px: the bare forward pass
on images already in memory; the feature pass from files to a cache on disk; ONNX Runtime in float32 on the same
network, exported, where it is installed; a large product of float32 matrices in TensorFlow, which stands for what the
machine can do at most. Images per second are medians over the rounds, ratios medians of the rounds' ratios. The
network's work is counted from its convolutions, two operations for each multiplication.
"""

import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
from table import arguments, report

from helpers import data, features, models
from helpers.models import keras, tf

IMAGES, ROUNDS = {150: 384, 299: 128}, 5


def work(size: int) -> float:
    """Operations that the backbone needs for one image, in 10^9."""
    layers = models.backbone(size).layers
    kernels = [
        (layer, weight) for layer in layers for weight in layer.weights if len(weight.shape) == 4
    ]
    return (
        sum(
            2 * np.prod(weight.shape) * np.prod(layer.output.shape[1:3])
            for layer, weight in kernels
        )
        / 1e9
    )


def exported(network, size: int):
    """The network in ONNX Runtime, as a function like `forward`; None where it is not installed."""
    try:
        import onnxruntime
        import tf2onnx  # noqa: F401
    except ImportError:
        print("Without ONNX Runtime, which wants: pip install --no-deps onnxruntime onnx tf2onnx")
        return None
    shape = (features.BATCH, size, size, 3)
    network(np.zeros(shape, "float32"))  # Keras exports only what was called
    with tempfile.TemporaryDirectory() as folder, models._quiet():
        path, spec = Path(folder, "network.onnx"), keras.InputSpec("float32", shape)
        network.export(path, "onnx", verbose=False, input_signature=[spec])
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda pixels: session.run(None, {name: pixels.astype("float32")})[0]


def contestants(some, size: int) -> dict:
    """name -> a function that takes each its way through the same images, and returns images per second."""
    network, n = models.extractor(features.fused(models.backbone(size))), len(some)
    forward = features.predict_function(network)
    memory = data.read_images(some["source"], size)
    sources = dict(zip(some["digest"], some["source"], strict=True))
    matrix = tf.random.normal((4096, 4096), seed=0)
    multiply, each = tf.function(tf.matmul), work(size)

    def read(digest):
        return features.read_unchanged(sources[digest], digest, size)

    def bare(forward=forward):
        for first in range(0, n, features.BATCH):
            forward(memory[first : first + features.BATCH])

    def whole():
        with tempfile.TemporaryDirectory() as folder:
            features.compute(Path(folder, "rows.sqlite"), list(sources), read, forward)

    def product():
        for _ in range(4):
            multiply(matrix, matrix).numpy()

    ways = {"bare forward": (bare, n), "feature pass": (whole, n)}
    other = exported(network, size)
    if other:
        apart = np.abs(other(memory[: features.BATCH]) - forward(memory[: features.BATCH])).max()
        print(f"{size} px: ONNX Runtime's features differ by at most {apart:.1e}")
        ways["ONNX Runtime"] = (lambda: bare(other), n)
    ways["matrix product"] = (
        product,
        4 * 2 * len(matrix) ** 3 / 1e9 / each,
    )  # as many images' work
    for way, _ in ways.values():
        way()  # traced and warm
    return ways


def main():
    options = arguments(__doc__).parse_args()
    dataset, rows = data.load(options.data), []
    for size, n in IMAGES.items():
        ways = contestants(dataset.split("train").sample(n, random_state=0), size)
        rates = {name: [] for name in ways}
        for _ in range(ROUNDS):
            for name, (way, images) in ways.items():
                start = time.perf_counter()
                way()
                rates[name].append(images / (time.perf_counter() - start))
        for name, rate in rates.items():
            row = {"px": size, "what": name, "images/s": statistics.median(rate)}
            row["GFLOP/s"] = row["images/s"] * work(size)
            for base in ("bare forward", "matrix product"):
                row[f"of {base}"] = statistics.median(
                    a / b for a, b in zip(rate, rates[base], strict=True)
                )
            rows.append(row)
    report(rows, options.csv)


if __name__ == "__main__":
    main()

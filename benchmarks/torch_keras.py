"""PyTorch's Xception and head beside Keras': how far apart the numbers are, how fast each is, how accurate.

    python benchmarks/torch_keras.py --data clothing

Needs requirements-torch.txt. Speed: all variants in turn, several rounds, the median counts.
"""

import os
import statistics
import time

import numpy as np
import torch
import torchvision  # noqa: F401  it loads Triton, which crashes if it comes after TensorFlow
from table import arguments, report
from torch import nn

from helpers import data, features, torch_models, training
from helpers.models import backbone, extractor, keras

SIZE, ROUNDS, SEEDS, EPOCHS = 150, 5, 5, 10
DEPTHS = {1: "block1_conv2_act", 2: "block3_sepconv1_act", 3: "block4_sepconv1_act", 8: "block9_sepconv1_act",
          14: "block14_sepconv2_act"}  # fmt: skip


def main():
    options = arguments(__doc__).parse_args()
    dataset = data.load(options.data)
    vectors = features.extract(dataset)
    model = torch_models.xception()
    sources = list(dataset.split("validation")["source"][:200])
    rows = [*depths(model, sources[:8]), pooled(model, sources, vectors["validation"].x[:200])]
    rows += heads(vectors) + speed(model, data.read_images(sources[:32], SIZE)) + accuracy(vectors)
    report(rows, options.csv)


def row(what: str, value: float, unit: str) -> dict:
    return {"what": what, "value": value, "unit": unit, "torch": torch.__version__}


def as_torch(pixels: np.ndarray) -> torch.Tensor:
    """(n, h, w, 3) uint8 -> (n, 3, h, w) float32, -1..1."""
    return torch.from_numpy(pixels.astype("float32") / 127.5 - 1).permute(0, 3, 1, 2)


@torch.inference_mode()
def depths(model, sources):
    for size in (150, 299):
        in_keras, pixels = backbone(size), data.read_images(sources, size)
        network = keras.Model(
            in_keras.input, [in_keras.get_layer(name).output for name in DEPTHS.values()]
        )
        expected = network.predict(pixels.astype("float32") / 127.5 - 1, verbose=0)
        for blocks, theirs in zip(DEPTHS, expected, strict=True):
            maps = model[:blocks](as_torch(pixels)).relu().permute(0, 2, 3, 1).numpy()
            apart = np.abs(maps - theirs).max() / np.abs(theirs).max()
            yield row(f"maps after block {blocks}, {size} px", apart, "of the largest value")


@torch.inference_mode()
def pooled(model, sources, expected):
    batches = [
        data.read_images(sources[first : first + 32], SIZE) for first in range(0, len(sources), 32)
    ]
    ours = np.concatenate([model(as_torch(batch)).mean(dim=(2, 3)).numpy() for batch in batches])
    return row(
        f"pooled features, {len(ours)} images",
        np.abs(ours - expected).max() / expected.max(),
        "of the largest",
    )


def heads(vectors):
    """The same initial head, batches and Adam in both: loss curves and logits of the validation images."""
    x, y = vectors["train"]
    other = keras.Sequential([keras.Input(x.shape[1:]), keras.layers.Dense(int(y.max()) + 1)])
    other.compile(
        keras.optimizers.Adam(1e-3), keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    )
    kernel, bias = other.get_weights()
    head = nn.Linear(*kernel.shape)
    head.load_state_dict({"weight": torch.from_numpy(kernel.T), "bias": torch.from_numpy(bias)})
    at_start = logits_apart(head, other, vectors["validation"].x)
    optimizer, apart = torch.optim.Adam(head.parameters(), lr=1e-3, eps=1e-7), []
    for epoch in range(EPOCHS):
        order = np.random.default_rng(epoch).permutation(len(y))
        theirs = other.fit(x[order], y[order], batch_size=32, shuffle=False, verbose=0).history[
            "loss"
        ][0]
        apart.append(abs(train_epoch(head, optimizer, x, y, order) - theirs))
    at_end = logits_apart(head, other, vectors["validation"].x)
    return [row("logits of the same head", at_start, "absolute"), row("loss, 10 epochs", max(apart), "absolute"),
            row("logits after 10 epochs", at_end, "absolute")]  # fmt: skip


@torch.inference_mode()
def logits_apart(head, other, x) -> float:
    return float(np.abs(head(torch.from_numpy(x)).numpy() - other.predict(x, verbose=0)).max())


def train_epoch(head, optimizer, x, y, order) -> float:
    total = 0.0
    for rows in np.split(order, range(32, len(order), 32)):
        loss = nn.functional.cross_entropy(
            head(torch.from_numpy(x[rows])), torch.from_numpy(y[rows])
        )
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item() * len(rows)
    return total / len(order)


def speed(model, pixels):
    forward = features.predict_function(extractor(features.fused(backbone(SIZE))))
    formats = {"channels first": torch.contiguous_format, "channels last": torch.channels_last}
    rates = {}
    for _ in range(ROUNDS + 1):
        start = time.perf_counter()
        forward(pixels)
        rates.setdefault("Keras", []).append(len(pixels) / (time.perf_counter() - start))
        for name, form in formats.items():
            network, x = (
                model.to(memory_format=form),
                as_torch(pixels).contiguous(memory_format=form),
            )
            for threads in sorted({1, os.cpu_count()}):
                torch.set_num_threads(threads)
                start = time.perf_counter()
                with torch.inference_mode():
                    network(x).mean(dim=(2, 3))
                rate = len(pixels) / (time.perf_counter() - start)
                rates.setdefault(f"PyTorch, {name}, threads {threads}", []).append(rate)
    return [row(name, statistics.median(values[1:]), "images/s") for name, values in rates.items()]


def accuracy(vectors):
    def fit(seed, framework):
        x, y = vectors["validation"]
        if framework == "Keras":
            _, history = training.fit_head(
                vectors["train"], vectors["validation"], seed=seed, epochs=EPOCHS
            )
            return {"accuracy": history["val_accuracy"].iloc[-1]}
        torch.manual_seed(seed)
        head = nn.Linear(x.shape[1], int(y.max()) + 1)
        optimizer = torch.optim.Adam(head.parameters(), lr=1e-3)
        for epoch in range(EPOCHS):
            order = np.random.default_rng((seed, epoch)).permutation(len(vectors["train"].y))
            train_epoch(head, optimizer, *vectors["train"], order)
        with torch.inference_mode():
            return {"accuracy": (head(torch.from_numpy(x)).argmax(dim=1).numpy() == y).mean()}

    runs = training.sweep(
        {name: {"framework": name} for name in ("Keras", "PyTorch")}, range(SEEDS), fit
    )
    table = training.summary(runs)
    return [row(f"accuracy, {name}, {column}", one[column], f"{SEEDS} seeds")
            for name, one in table.iterrows() for column in ("mean", "low", "high")]  # fmt: skip


if __name__ == "__main__":
    main()

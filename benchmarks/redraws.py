"""CPU milliseconds from the move of a control to the new figure, for each playground."""

import time
from statistics import median

from table import arguments, report

from helpers import playgrounds


def main():
    options = arguments(__doc__).parse_args()
    playgrounds.somebody_there, shown, rows = lambda: True, [], []
    playgrounds.show_widget = shown.append
    controls = {
        ("filters", "preset"): playgrounds.PRESETS,
        ("pooling", "shift (px)"): range(playgrounds.MAX_SHIFT + 1),
        ("pooling", "window (px)"): range(1, 9),
        ("schedules", "peak rate"): [0.01, 0.05, 0.1, 0.15, 0.2],
        ("schedules", "shape"): playgrounds.SHAPES,
    }
    for (playground, description), values in controls.items():
        getattr(playgrounds, playground)()
        control = next(
            one for one in below(shown[-1]) if getattr(one, "description", "") == description
        )
        values, times = [*values], []
        control.value = values[-1]  # the next is another
        for value in values * 5:
            start = time.process_time()
            control.value = value
            times.append(1000 * (time.process_time() - start))
        rows.append(
            {
                "playground": playground,
                "control": description,
                "minimum": min(times),
                "median": median(times),
            }
        )
    report(rows, options.csv)


def below(widget):
    return [widget] + [one for child in getattr(widget, "children", ()) for one in below(child)]


main()

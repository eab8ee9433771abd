import matplotlib

matplotlib.use("agg")
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from helpers import plots


def texts(axis):
    return [text.get_text() for text in axis.texts]


def test_the_confusion_matrix_writes_the_count_of_each_cell():
    figure = plots.confusion([0, 0, 1, 1, 1], [0, 1, 1, 1, 0], ["cat", "dog"])
    assert texts(figure.axes[0]) == ["1", "1", "1", "2"]
    assert figure.axes[0].get_xlabel() == "predicted class"
    plt.close(figure)


def test_the_history_draws_train_dashed_and_validation_solid():
    table = pd.DataFrame(
        {"loss": [2, 1], "val_loss": [2, 2], "accuracy": [0.1, 0.2], "val_accuracy": [0.1, 0.1]}, index=[1, 2]
    )
    figure = plots.history(table)
    assert [line.get_linestyle() for line in figure.axes[0].lines] == ["--", "-"]
    plt.close(figure)


def test_intervals_are_drawn_from_low_to_high_in_the_tables_order():
    table = pd.DataFrame({"mean": [0.8, 0.7], "low": [0.75, 0.6], "high": [0.85, 0.8]}, index=["first", "second"])
    figure = plots.intervals(table, baselines={"most frequent class": 0.4, "module type known": 0.6})
    axis = figure.axes[0]
    assert [segment[:, 0].tolist() for segment in axis.collections[0].get_segments()] == [[0.75, 0.85], [0.6, 0.8]]
    assert [label.get_text() for label in axis.get_yticklabels()] == ["first", "second"]
    assert axis.yaxis_inverted()
    assert [line.get_xdata()[0] for line in axis.lines[-2:]] == [0.4, 0.6]
    plt.close(figure)


def test_the_worst_mistakes_come_first_and_right_answers_not_at_all():
    pictures = np.zeros((3, 4, 4, 3), "uint8")
    probabilities = [[0.9, 0.1], [0.4, 0.6], [0.01, 0.99]]
    figure = plots.mistakes(pictures, [0, 0, 0], probabilities, ["cat", "dog"])
    titles = [axis.get_title() for axis in figure.axes if axis.get_title()]
    assert titles == ["is cat\nsaid dog (99%)", "is cat\nsaid dog (60%)"]
    plt.close(figure)


def test_no_mistake_means_a_line_and_no_figure(capsys):
    assert plots.mistakes(np.zeros((1, 4, 4, 3), "uint8"), [0], [[0.9, 0.1]], ["cat", "dog"]) is None
    assert "No wrong prediction" in capsys.readouterr().out


def test_grey_and_coloured_pictures_stand_in_one_grid():
    figure = plots.picture_grid(
        [np.zeros((4, 4), "uint8"), np.zeros((4, 4, 3), "uint8")], ["grey", "colour"], columns=3
    )
    assert len(figure.axes) == 3
    plt.close(figure)

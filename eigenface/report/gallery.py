"""Which figures a report has, in reading order, each with title, caption and a description in words."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from eigenface.report.confusion import confusion_figure, largest_errors
from eigenface.report.content import ReportContent
from eigenface.report.curves import precision_recall_figure, roc_figure
from eigenface.report.eigenspace import eigenface_gallery, elbow, needed_components, reconstructions, scree
from eigenface.report.models import models_figure
from eigenface.report.pictures import (
    class_balance,
    class_samples,
    colour_maps,
    picture_sizes,
    side_statistics,
)
from eigenface.report.style import percent, printable
from eigenface.report.trust import calibration_figure, coverage_figure
from eigenface.report.tuning import grid_figure, grid_table, learning_figure


@dataclass(frozen=True)
class Plate:
    """A figure and the words that go with it.

    Parameters
    ----------
    name : str
        Of the file, without suffix.
    part : str
        `before`, `after` or `models`.
    title, caption, alt : str
        Heading, what to see in it, and the same for those who cannot.
    draw : callable
        Returns the Figure.
    photo : bool
        Whether it shows pictures, whose colours a dark page must not turn.
    """

    name: str
    part: str
    title: str
    caption: str
    alt: str
    draw: Callable[[], Figure]
    photo: bool = False


def plates(content: ReportContent) -> list[Plate]:
    """The figures that the content allows, not drawn yet.

    Parameters
    ----------
    content : ReportContent

    Returns
    -------
    list of Plate
    """
    return [*_before(content), *_after(content), *_training(content)]


def _before(content: ReportContent) -> Iterator[Plate]:
    if content.sizes is not None:
        sizes, smallest = content.sizes, content.smallest
        found = side_statistics(sizes)
        alt = (
            f"Box plot and histogram: sides from {found['min']:.0f} to {found['max']:.0f} pixels, half of them between "
        )
        alt += f"{found['25 %']:.0f} and {found['75 %']:.0f}, mean {found['mean']:.0f}, deviation {found['sd']:.0f}."
        caption = "Small pictures hold little detail; a few very large ones are harmless."
        yield Plate("sizes", "before", "Sizes", caption, alt, lambda: picture_sizes(sizes, smallest=smallest))
    if content.counts:
        counts = {str(name): int(n) for name, n in content.counts.items()}
        most, least = max(counts, key=lambda name: counts[name]), min(counts, key=lambda name: counts[name])
        alt = f"Bars and pie of {len(counts)} classes, the most pictures in {printable(most)} ({counts[most]:,}), "
        alt += f"the fewest in {printable(least)} ({counts[least]:,})."
        caption = "Where classes differ much in size, balanced accuracy says more than accuracy."
        yield Plate("classes", "before", "Classes", caption, alt, lambda: class_balance(counts))
    if len(content.crops):
        crops, labels = content.crops, content.crop_labels
        shown = list(dict.fromkeys(printable(label) for label in labels))
        alt = f"Face crops of the classes {', '.join(shown[:10])}{' and others' if len(shown) > 10 else ''}."
        caption = "What the model sees, cut as it will be cut when it answers."
        yield Plate("samples", "before", "Samples", caption, alt, lambda: class_samples(crops, labels), photo=True)
        alt = "One face in colour, in grey, as two heat maps, in its red, green and blue channel, and their histogram."
        caption = "What is left of a face in grey, and what each colour adds."
        yield Plate("colours", "before", "Grey and colours", caption, alt, lambda: colour_maps(crops[0]), photo=True)


def _after(content: ReportContent) -> Iterator[Plate]:
    space = content.eigenfaces
    if space is not None:
        reached = [(level, needed_components(space.explained, level)) for level in (0.8, 0.9, 0.95)]
        marks = ", ".join(f"{n} explain {percent(level)}" for level, n in reached if n)
        alt = f"{len(space.explained)} components; elbow at {elbow(space.explained)}; {marks or 'no mark'}."
        caption = "How much of the differences between faces the first components hold."
        yield Plate("scree", "after", "Variance explained", caption, alt, lambda: scree(space))
        alt = f"The mean face and the first {min(17, len(space.components))} eigenfaces in grey."
        caption = "The directions in which faces differ most; grey means no change. The share of the variance is above."
        yield Plate("eigenfaces", "after", "Eigenfaces", caption, alt, lambda: eigenface_gallery(space), photo=True)
        if len(space.faces):
            alt = f"{min(5, len(space.faces))} faces beside their reconstructions, which sharpen with more components."
            caption = "Originals, and what is left of them with so many components and that share of the variance."
            draw = lambda: reconstructions(space)  # noqa: E731
            yield Plate("reconstructions", "after", "Reconstructions", caption, alt, draw, photo=True)
    scores = content.scores
    if scores is None:
        return
    worst = largest_errors(scores.confusion, scores.classes, 1)
    alt = (
        f"Matrix of {len(scores.classes)} classes, {int(np.trace(scores.confusion)):,} of {scores.n:,} pictures right; "
    )
    alt += f"commonest error: {printable(worst[0][0])} taken for {printable(worst[0][1])}, " if worst else "no error."
    alt += f"{worst[0][2]:,} times." if worst else ""
    caption = "Rows are true classes, columns answers, coloured by share of the true class; grey figures are totals."
    yield Plate(
        "confusion",
        "after",
        "Confusion matrix",
        caption,
        alt,
        lambda: confusion_figure(scores.confusion, scores.classes),
    )
    if scores.roc_auc.known:
        alt = f"Receiver operating characteristic, area under the curve {scores.roc_auc}."
        caption = "How many are found for how many false alarms; every threshold is a point of the curve."
        yield Plate("roc", "after", "ROC", caption, alt, lambda: roc_figure(scores))
        alt = f"Precision against recall, average precision {scores.average_precision}."
        caption = "How many of the answers are right, the more of the class are found."
        yield Plate(
            "precision_recall", "after", "Precision and recall", caption, alt, lambda: precision_recall_figure(scores)
        )
    alt = f"Reliability curve over a histogram of confidences; calibration error {scores.calibration_error}, "
    alt += f"{scores.calibration_excess.value:+.3f} beyond what a perfectly calibrated model would show."
    caption = "On the dotted line a stated 80 % is right in 80 of 100 cases; below it the model is too sure of itself."
    yield Plate(
        "calibration", "after", "Can the probability be trusted?", caption, alt, lambda: calibration_figure(scores)
    )
    curve = scores.coverage
    alt = f"Accuracy of the surest half {curve.at(0.5):.3f}, of the surest 90 % {curve.at(0.9):.3f}, "
    alt += f"of all {scores.accuracy.value:.3f}."
    caption = "What is gained when a human sees the least sure pictures."
    yield Plate("coverage", "after", "Answering only the sure", caption, alt, lambda: coverage_figure(scores))


def _training(content: ReportContent) -> Iterator[Plate]:
    learning = content.learning
    if learning is not None:
        train, test = learning.train.mean(axis=1), learning.test.mean(axis=1)
        alt = (
            f"{printable(learning.metric)} with {learning.sizes[-1]:,.0f} training pictures: {train[-1]:.3f} on them, "
        )
        alt += f"{test[-1]:.3f} on those kept aside; with {learning.sizes[0]:,.0f}: {train[0]:.3f} and {test[0]:.3f}."
        caption = (
            "Where the lower curve still rises more pictures help; where the gap is wide the model learns by heart."
        )
        yield Plate("learning", "models", "Learning curve", caption, alt, lambda: learning_figure(learning))
    results = content.cv_results
    if results is not None:
        table = grid_table(results)
        best = float(np.nanmax(table.best)) if np.isfinite(table.best).any() else float("nan")
        two = f"{table.down} and {table.across}" if table.down else table.across
        alt = f"Heat map of {printable(two)}, best mean score {best:.3f}."
        caption = "The best cross-validated score for two parameters, over all the others."
        yield Plate("grid", "models", "Grid search", caption, alt, lambda: grid_figure(results))
    models = content.models
    if models:
        top = max(models, key=lambda row: np.nan_to_num(row.scores.balanced_accuracy.value))
        alt = f"{len(models)} models by balanced accuracy, the best {printable(top.name)}: "
        alt += f"{top.scores.balanced_accuracy}."
        caption = "Where intervals overlap, the order may be luck."
        yield Plate("models", "models", "Models", caption, alt, lambda: models_figure(models))

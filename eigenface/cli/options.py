"""Options that several commands share."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from eigenface.detection import DETECTORS
from eigenface.errors import RequestError
from eigenface.limits import MAX_PIXELS, SMALLEST_FACE
from eigenface.model import FaceClassifier
from eigenface.recognise import Options
from eigenface.store import load_model

if TYPE_CHECKING:
    from eigenface.datasets.dataset import Dataset

Command = TypeVar("Command", bound=Callable[..., Any])


def picture_options(command: Command) -> Command:
    """`--detector`, `--min-face`, `--min-score`, `--max-pixels`."""
    for option in (
        click.option("--max-pixels", type=click.IntRange(1), default=MAX_PIXELS, help="Largest picture decoded."),
        click.option(
            "--min-score", type=click.FloatRange(0, 1), help="Least detection score, 0 to 1; 0 for every candidate."
        ),
        click.option(
            "--min-face",
            type=click.IntRange(8),
            default=SMALLEST_FACE,
            show_default=True,
            help="Side in pixels of the smallest face.",
        ),
        click.option(
            "--detector",
            default="default",
            metavar="NAME|FILE",
            help=f"What finds faces: default, {', '.join(DETECTORS)}, or a file of train_detector.",
        ),
    ):
        command = option(command)
    return command


def as_options(*, whole: bool = False, **given: Any) -> Options:
    """The picture options as the library takes them."""
    if given["min_score"] is not None and math.isnan(given["min_score"]):
        raise RequestError("bad_score", "--min-score nan: not a number", "Give one from 0 to 1.")
    return Options(whole=whole, **{key: given[key] for key in ("detector", "min_face", "min_score", "max_pixels")})


def load_models(task: str | None, model: str | None, trust: bool) -> list[FaceClassifier]:
    """The models that `--task` or `--model` name.

    Raises
    ------
    RequestError
        Where no task is named, or one twice.
    """
    if model:
        return [load_model(model, trust=trust)]
    models = [load_model(name.strip()) for name in (task or "gender").split(",") if name.strip()]
    answered = [one.name for one in models]
    if not models or len(set(answered)) < len(answered):
        raise RequestError("bad_tasks", f"--task {task}: names no task, or one twice", "Give T or T1,T2.")
    return models


def data_options(command: Command) -> Command:
    """Options on how labelled data are read, for `labelled_data`."""
    for option in (
        click.option("--download", is_flag=True, help="Let scikit-learn fetch data sets that it does not have yet."),
        click.option(
            "--classes",
            type=click.Path(path_type=Path),
            help="A CSV or JSON file that gives the data's labels other names.",
        ),
        click.option("--min-box", type=click.FloatRange(0), default=0, help="Least side in pixels of annotated boxes."),
    ):
        command = option(command)
    return command


def labelled_data(data: Path, *, min_box: float, classes: Path | None, download: bool) -> Dataset:
    """The data set that DATA and the options name; what a user should know of it goes to stderr."""
    from eigenface.cli.talk import note
    from eigenface.datasets import load_dataset

    dataset = load_dataset(data, classes=classes, least=min_box, download=download)
    for warning in dataset.warnings:
        note(warning)
    return dataset

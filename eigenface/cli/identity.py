"""What the commands about people share: the model that embeds faces, and the gallery."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from eigenface.embedding import FaceEmbedder
from eigenface.errors import RequestError
from eigenface.model import FaceClassifier
from eigenface.store import load_model

IDENTITY = "identity"

Command = TypeVar("Command", bound=Callable[..., Any])


def model_option(command: Command) -> Command:
    """`--model`."""
    return click.option("--model", metavar="FILE", default=IDENTITY, help="A saved identity model instead of ours.")(
        command
    )


def gallery_option(command: Command) -> Command:
    """`--gallery`, required."""
    kind = click.Path(path_type=Path)
    return click.option("--gallery", metavar="FILE", type=kind, required=True, help="The gallery's file.")(command)


def load_embedder(name: str) -> FaceEmbedder:
    """The model that turns faces into rows.

    Raises
    ------
    RequestError
        With code `not_an_embedder`, where the model answers about fixed classes.
    """
    model = load_model(name)
    if not isinstance(model, FaceEmbedder):
        raise RequestError(
            "not_an_embedder",
            f"{name}: a model of the classes {', '.join(model.classes_[:5])}, which cannot compare faces",
            "Leave --model out, or give one whose task is open.",
        )
    return model


def with_gallery(
    models: Sequence[FaceClassifier], path: Path | None, false_accepts: float | None
) -> list[FaceClassifier]:
    """The models, each that knows nobody by name given the people of a gallery.

    Raises
    ------
    RequestError
        With code `no_gallery` where such a model has none, `unused_gallery` where there is no such model.
    """
    if path is None:
        for model in models:
            if isinstance(model, FaceEmbedder):
                model.predict_proba([])  # says what is missing
        if false_accepts is not None:
            raise RequestError("unused_option", "--far: there is no gallery", "Name one with --gallery FILE.")
        return list(models)
    if not any(isinstance(model, FaceEmbedder) for model in models):
        raise RequestError(
            "unused_gallery", f"--gallery {path}: no model asked recognises people", f"Add --task {IDENTITY}."
        )
    from eigenface.gallery import FALSE_ACCEPTS, Gallery  # SQLite is loaded where a gallery is

    rate = FALSE_ACCEPTS if false_accepts is None else false_accepts
    return [
        Gallery(path, model, create=False, false_accepts=rate).as_model() if isinstance(model, FaceEmbedder) else model
        for model in models
    ]

"""The two functions most people need: faces of a photo, and what one or several tasks say of them."""

from __future__ import annotations

from collections.abc import Sequence

from eigenface.image import PictureSource
from eigenface.recognise import Options, recognise
from eigenface.store import load_model
from eigenface.types import Answer, Face


def predict_photo(source: PictureSource, tasks: Sequence[str] | str = ("gender",), *, whole: bool = False) -> Answer:
    """Find the faces in a photo and ask the shipped models about each.

    Parameters
    ----------
    source : path, bytes or array
        The photo; an array is uint8 RGB (rows, cols, 3).
    tasks : sequence of str, or str
        Names of shipped models or paths of saved ones.
    whole : bool
        The picture is a face crop already.

    Returns
    -------
    Answer
        Its faces come largest first.

    Raises
    ------
    EigenfaceError
        A PictureError where the photo cannot be read, a RequestError where a task is unknown.
    """
    names = [tasks] if isinstance(tasks, str) else tasks
    return recognise(source, [load_model(name) for name in names], Options(whole=whole))


def detect_faces(source: PictureSource, *, detector: str = "default", min_score: float | None = None) -> list[Face]:
    """Find the faces in a photo (path, bytes or array), the largest first."""
    return list(recognise(source, [], Options(detector=detector, min_score=min_score)).faces)

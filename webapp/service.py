"""What the page and the API ask of the library: models by name, answers about uploads, within bounds of memory."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from eigenface.catalogue import catalogue
from eigenface.detection import get_detector
from eigenface.embedding import FaceEmbedder
from eigenface.errors import PictureError, RequestError
from eigenface.facespace import SIZE, load_face_space
from eigenface.gallery import Gallery
from eigenface.image import Picture, load_picture
from eigenface.limits import MAX_PICTURE_BYTES, MAX_PIXELS, SMALLEST_FACE
from eigenface.model import FaceClassifier
from eigenface.recognise import Options, recognise
from eigenface.store import load_model, shipped_models
from eigenface.types import Answer, Pixels
from eigenface.webapp.adjust import Adjustment
from eigenface.webapp.films.queue import Films
from eigenface.webapp.live import Cameras
from eigenface.webapp.uploads import Upload

DEFAULT, IDENTITY = "gender", "identity"
_AROUND = (400, 400)  # pixels beside the face that warms: the memory and the levels of a photo of a megapixel
_MIN_FACE = (8, 10_000)  # what may be asked for, in pixels
_AT_ONCE = 3  # pictures that are decoded and judged at a time: bounds memory under many clients


class FaceService:
    """Shipped models and those given, loaded once; answers about uploads.

    Parameters
    ----------
    models : sequence of FaceClassifier
        Served beside the shipped ones.
    gallery : path, optional
        The file of enrolled people; made where there is none. Without it nothing is stored.
    """

    def __init__(self, models: Sequence[FaceClassifier] = (), *, gallery: str | Path | None = None) -> None:
        self._given = {model.name: model for model in models}
        if len(self._given) < len(models):
            names = ", ".join(model.name for model in models)
            raise RequestError(
                "same_name", f"two models have one name: {names}", "Save one of them under another name."
            )
        self._loaded = dict(self._given)
        self._lock = threading.Lock()
        self.places = threading.Semaphore(_AT_ONCE)  # entered for as long as a picture is held decoded
        self.cameras = Cameras(self.places)
        self.films = Films()
        self.gallery = Gallery(gallery, self.embedder) if gallery is not None else None

    @property
    def names(self) -> list[str]:
        """Names of all models, those given first."""
        return [*self._given, *(name for name in _shipped_order() if name not in self._given)]

    @property
    def compares(self) -> bool:
        """Whether there is a model that compares faces."""
        return any(isinstance(model, FaceEmbedder) for model in self._given.values()) or IDENTITY in shipped_models()

    @property
    def embedder(self) -> FaceEmbedder:
        """The model that compares faces: the first given one, or the shipped one.

        Raises
        ------
        RequestError
            With code `unknown_task`, where there is none.
        """
        shipped = [self.model(IDENTITY)] if IDENTITY in shipped_models() else []
        for model in (*self._given.values(), *shipped):
            if isinstance(model, FaceEmbedder):
                return model
        raise RequestError("unknown_task", "no model here compares faces", f"There are {', '.join(self.names)}.")

    def askable(self) -> list[dict[str, Any]]:
        """Those of `described` that have classes to answer with."""
        return [entry for entry in self.described() if entry["classes"]]

    def described(self) -> list[dict[str, Any]]:
        """Every model for the list of tasks: name, task, question, classes, figures."""
        given = [
            {
                "name": model.name,
                "task": model.task,
                "question": str(model.meta.get("question", "")),
                "classes": model.classes_.tolist(),
                "judged": [{k: row[k] for k in row if k != "subgroups"} for row in model.meta.get("judged", [])],
            }
            for model in self._given.values()
        ]
        entries = given + [entry.as_dict() for entry in catalogue() if entry.name not in self._given]
        if self.gallery:
            known = self.gallery.as_model()
            return [
                entry | {"classes": known.classes_.tolist()} if entry["name"] == known.name else entry
                for entry in entries
            ]
        return entries

    def model(self, name: str) -> FaceClassifier:
        """The model called `name`; RequestError with code `unknown_task` where there is none."""
        if name not in self._loaded:
            if name not in shipped_models():
                raise RequestError("unknown_task", f"there is no task {name!r}", f"There are {', '.join(self.names)}.")
            with self._lock:
                if name not in self._loaded:
                    self._loaded[name] = load_model(name)
        return self._loaded[name]

    def models(self, names: str | None) -> list[FaceClassifier]:
        """The models that `T` or `T1,T2` names, each once."""
        wanted = dict.fromkeys(name.strip() for name in (names or self.default).split(",") if name.strip())
        if not wanted:
            raise RequestError("unknown_task", "no task is named", f"There are {', '.join(self.names)}.")
        return [self._knowing(self.model(name)) for name in wanted]

    def _knowing(self, model: FaceClassifier) -> FaceClassifier:
        """The model itself, or the people of the gallery where it knows nobody by name."""
        if not isinstance(model, FaceEmbedder):
            return model
        if self.gallery is None or self.gallery.model is not model:
            raise RequestError(
                "no_gallery",
                f"{model.name} knows nobody by name here",
                "Start the server with --gallery FILE, or compare two photos.",
            )
        return self.gallery.as_model()

    @property
    def default(self) -> str:
        """What is asked where nothing is named: the first given model that has classes, or gender."""
        return next((name for name, model in self._given.items() if not isinstance(model, FaceEmbedder)), DEFAULT)

    def answer(self, upload: Upload, models: Sequence[FaceClassifier], options: Options) -> Answer:
        """The answer about one upload; a picture that is refused is an answer with its error."""
        with self.places:
            return answer_upload(upload, models, options)[0]

    def warm(self) -> None:
        """Load what the first upload needs in the thread that calls, so that it is answered as fast as the tenth."""
        models, face = self.models(None), _mean_face()
        get_detector().prepare()
        recognise(np.pad(face, (_AROUND, _AROUND, (0, 0)), mode="edge"), models)
        recognise(face, models, Options(whole=True))


def _mean_face() -> Pixels:
    """The mean face, which every step from the detector to the answer takes for one."""
    grey = np.clip(load_face_space().mean * 45 + 120, 0, 255).astype(np.uint8).reshape(SIZE, SIZE)
    return np.repeat(np.pad(grey, SIZE // 2, mode="edge")[:, :, None], 3, axis=2)


def answer_upload(
    upload: Upload, models: Sequence[FaceClassifier], options: Options, adjustment: Adjustment | None = None
) -> tuple[Answer, Picture | None]:
    """The answer about one upload, and the picture as it was judged: decoded once, adjusted where that is asked."""
    began = time.perf_counter()
    try:
        check_size(upload)
        picture = load_picture(upload.data, name=upload.name, max_pixels=options.max_pixels)
        if adjustment:
            picture = replace(picture, pixels=adjustment.apply(picture.pixels))
        answer = recognise(picture.pixels, models, options, name=upload.name)
    except PictureError as error:
        task, model = (models[0].task, models[0].name) if models else (None, None)
        refusal = Answer(upload.name, task, model, None, None, time.perf_counter() - began, error=error.as_dict())
        return refusal, None
    seconds = time.perf_counter() - began
    return replace(answer, seconds=seconds, warnings=(*picture.warnings, *answer.warnings)), picture


def check_size(upload: Upload) -> None:
    """PictureError with code `too_many_bytes`, where an upload is too large to be decoded."""
    if len(upload.data) > MAX_PICTURE_BYTES:
        size, limit = len(upload.data) / 1e6, MAX_PICTURE_BYTES / 1e6
        raise PictureError("too_many_bytes", f"{upload.name}: {size:.0f} MB; the limit is {limit:.0f} MB", "Shrink it.")


def _shipped_order() -> list[str]:
    names = list(shipped_models())
    return sorted(names, key=lambda name: (name != DEFAULT, ":" in name, name))


def read_options(given: Any) -> Options:
    """Options out of a query or form: `whole`, `min_score`, `min_face`; RequestError where a value is none."""
    try:
        score = float(given["min_score"]) if given.get("min_score") else None
    except ValueError:
        score = -1.0
    if score is not None and not 0 <= score <= 1:
        raise RequestError("bad_value", f"min_score is {given['min_score'][:20]!r}", "It is a number from 0 to 1.")
    size, (least, most) = given.get("min_face") or str(SMALLEST_FACE), _MIN_FACE
    if not (size.isascii() and size.isdecimal() and len(size) <= len(str(most)) and least <= int(size) <= most):
        raise RequestError("bad_value", f"min_face is {size[:20]!r}", f"It is a whole number from {least} to {most}.")
    whole = read_switch(given, "whole")
    return Options(whole=whole, min_face=int(size), min_score=score, max_pixels=MAX_PIXELS)


def read_switch(given: Any, name: str) -> bool:
    """A field of a query or form that is on or off; RequestError where its value says neither."""
    said = str(given.get(name, "")).lower()
    if said not in ("", "0", "1", "false", "true", "on"):
        raise RequestError("bad_value", f"{name} is {given[name][:20]!r}", "It is 0 or 1.")
    return said in ("1", "true", "on")

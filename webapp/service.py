"""What the page and the API ask of the library: models by name, answers about uploads, within bounds of memory."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from eigenface.catalogue import catalogue
from eigenface.errors import PictureError, RequestError
from eigenface.image import Picture, load_picture
from eigenface.limits import MAX_PICTURE_BYTES, MAX_PIXELS
from eigenface.model import FaceClassifier
from eigenface.recognise import Options, recognise
from eigenface.store import load_model, shipped_models
from eigenface.types import Answer
from eigenface.webapp.adjust import Adjustment
from eigenface.webapp.uploads import Upload

DEFAULT = "gender"
_AT_ONCE = 3  # pictures that are decoded and judged at a time: bounds memory under many clients


class FaceService:
    """Shipped models and those given, loaded once; answers about uploads."""

    def __init__(self, models: Sequence[FaceClassifier] = ()) -> None:
        self._given = {model.name: model for model in models}
        if len(self._given) < len(models):
            names = ", ".join(model.name for model in models)
            raise RequestError(
                "same_name", f"two models have one name: {names}", "Save one of them under another name."
            )
        self._loaded = dict(self._given)
        self._lock = threading.Lock()
        self.places = threading.Semaphore(_AT_ONCE)  # entered for as long as a picture is held decoded

    @property
    def names(self) -> list[str]:
        """Names of all models, those given first."""
        return [*self._given, *(name for name in _shipped_order() if name not in self._given)]

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
        return given + [entry.as_dict() for entry in catalogue() if entry.name not in self._given]

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
        return [self.model(name) for name in wanted]

    @property
    def default(self) -> str:
        """What is asked where nothing is named: the first given model, or gender."""
        return next(iter(self._given), DEFAULT)

    def answer(self, upload: Upload, models: Sequence[FaceClassifier], options: Options) -> Answer:
        """The answer about one upload; a picture that is refused is an answer with its error."""
        with self.places:
            return answer_upload(upload, models, options)[0]

    def warm(self) -> None:
        """Load what the first upload needs, so that it is answered as fast as the tenth."""
        grey = np.random.default_rng(0).integers(0, 256, (96, 96, 3), dtype=np.uint8)
        models = self.models(None)
        recognise(grey, models)
        recognise(grey, models, Options(whole=True))


def answer_upload(
    upload: Upload, models: Sequence[FaceClassifier], options: Options, adjustment: Adjustment | None = None
) -> tuple[Answer, Picture | None]:
    """The answer about one upload, and the picture as it was judged: decoded once, adjusted where that is asked."""
    began = time.perf_counter()
    try:
        if len(upload.data) > MAX_PICTURE_BYTES:
            size, limit = len(upload.data) / 1e6, MAX_PICTURE_BYTES / 1e6
            raise PictureError(
                "too_many_bytes", f"{upload.name}: {size:.0f} MB; the limit is {limit:.0f} MB", "Shrink it."
            )
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


def _shipped_order() -> list[str]:
    names = list(shipped_models())
    return sorted(names, key=lambda name: (name != DEFAULT, ":" in name, name))


def read_options(given: Any) -> Options:
    """Options out of a query or form: `whole`, `min_score`; RequestError where a value is none."""
    try:
        score = float(given["min_score"]) if given.get("min_score") else None
    except ValueError:
        score = -1.0
    if score is not None and not 0 <= score <= 1:
        raise RequestError("bad_value", f"min_score is {given['min_score'][:20]!r}", "It is a number from 0 to 1.")
    whole = str(given.get("whole", "")).lower()
    if whole not in ("", "0", "1", "false", "true", "on"):
        raise RequestError("bad_value", f"whole is {given['whole'][:20]!r}", "It is 0 or 1.")
    return Options(whole=whole in ("1", "true", "on"), min_score=score, max_pixels=MAX_PIXELS)

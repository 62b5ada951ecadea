"""Gallery: people enrolled with one model in one file, and who a face is of them, or `unknown`."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from eigenface.embedding import FaceEmbedder
from eigenface.errors import RequestError
from eigenface.people import Match, People
from eigenface.program import Operation
from eigenface.register import Enrolled, Register
from eigenface.types import Pixels, Rows

FALSE_ACCEPTS = 0.05
"""Share of strangers who may be given a name, where nothing else is said."""


class Gallery:
    """People added from one picture or many, without any training.

    Of a picture the file keeps its person's name, its row of numbers and the time; nothing of the picture itself.

    Parameters
    ----------
    path : path
        One SQLite file, readable by its owner alone. Several processes may use it at once, and one may be killed.
    model : FaceEmbedder
        What turned, and turns, faces into rows. Rows of another model are refused.
    create : bool
        Make the file where there is none.
    false_accepts : float
        Share of strangers, above 0 and below 1, who may be taken for somebody in the gallery.

    Raises
    ------
    RequestError
        With code `no_gallery`, `not_a_gallery`, `other_model`, `bad_rate` or `cannot_write`.
    """

    def __init__(
        self, path: str | Path, model: FaceEmbedder, *, create: bool = True, false_accepts: float = FALSE_ACCEPTS
    ) -> None:
        if not 0 < false_accepts < 1:
            raise RequestError("bad_rate", f"a false accept rate of {false_accepts:g}", "Give one between 0 and 1.")
        self.path, self.model, self.false_accepts = Path(path), model, false_accepts
        self._hash = model_hash(model)
        self._register = Register(path, create=create)
        self._lock = threading.Lock()
        self._known: tuple[str, People] | None = None
        self.as_model()

    def enroll(self, name: str, crops: Sequence[Pixels]) -> int:
        """Add faces of one person: uint8 RGB crops (rows, cols, 3), framed as the model's `crop` says.

        Returns
        -------
        int
            How many were new: a face that is there already is not added twice.

        Raises
        ------
        RequestError
            With code `bad_name`, `no_pictures`, `gallery_busy` or `cannot_write`.
        """
        if not len(crops):
            raise RequestError("no_pictures", f"{name}: no face to enrol", "Give at least one.")
        return self.enroll_rows(name, self.model.embed(crops))

    def enroll_rows(self, name: str, rows: Rows) -> int:
        """As `enroll`, of faces that the model has embedded already: rows (n, d) of length 1."""
        return self._register.add(name, rows, model=self.model.name, model_hash=self._hash)

    def forget(self, name: str) -> int:
        """Remove a person and all that was kept of their pictures from the file; how many pictures they had.

        Raises
        ------
        RequestError
            With code `bad_name`, `unknown_person`, `gallery_busy` or `cannot_write`.
        """
        return self._register.forget(name)

    def people(self) -> list[Enrolled]:
        """Everybody in the gallery, by name."""
        return self._register.people()

    def identify(self, rows: Rows) -> list[Match]:
        """Who each of the faces is, of the model's rows (n, d) of length 1."""
        return self.as_model().identify(rows)

    def near(self, row: NDArray[np.float32], n: int = 5) -> list[Match]:
        """The `n` people nearest to one face (d,), the nearest first, strangers or not."""
        return self.as_model().near(row, n)

    def as_model(self) -> People:
        """The gallery as it is now as one more model; read again only where the file has changed."""
        with self._lock:
            if self._known is None or self._known[0] != self._register.revision():
                revision, names, means = self._register.means(self._hash)
                self._known = revision, People(self.model, names, means, false_accepts=self.false_accepts)
            return self._known[1]


def model_hash(model: FaceEmbedder) -> str:
    """A hash of all that decides a model's rows: framing, operations and their arrays, however a file keeps them.

    Raises
    ------
    RequestError
        With code `no_program`, where scikit-learn answers for the model.
    """
    if model.program is None:
        raise RequestError(
            "no_program", f"{model.name}: has a step without a folding rule", "A gallery needs a model that folds."
        )
    digest = hashlib.sha256(json.dumps(model.crop.as_dict(), sort_keys=True).encode())

    def take(operations: Sequence[Operation]) -> None:
        for operation in operations:
            digest.update(json.dumps([operation.name, dict(operation.settings)], sort_keys=True).encode())
            for role, array in sorted(operation.arrays.items()):
                digest.update(f"{role} {array.shape}".encode())
                digest.update(np.ascontiguousarray(array, "<f4").tobytes())
            for branch in operation.branches:
                digest.update(b"branch")
                take(branch)

    take(model.program.operations)
    return digest.hexdigest()[:32]

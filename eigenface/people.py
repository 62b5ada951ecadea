"""People: a model whose classes are enrolled people and `unknown`, for the line to ask like any other."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eigenface.embedding import FaceEmbedder
from eigenface.errors import RequestError
from eigenface.model import FaceClassifier
from eigenface.program import Described
from eigenface.types import Pixels, Rows

UNKNOWN = "unknown"
"""What a face is called that is nobody's."""

_LENGTHENED = 0.75  # the share of the way


@dataclass(frozen=True, slots=True)
class Match:
    """Who a face is: a name or `unknown`, the cosine with the nearest person, and how probable the answer is, 0..1."""

    name: str
    similarity: float
    probability: float


class People(FaceClassifier):
    """Enrolled people at one moment, answering about crops as a model with classes does.

    Parameters
    ----------
    model : FaceEmbedder
    names : sequence of str (n,)
    means : float32 array (n, d)
        Mean row of each person's pictures.
    false_accepts : float
        Share of strangers, 0..1, who may be taken for one of these people.

    Notes
    -----
    A person is the mean of their rows, lengthened most of the way to 1: of a mean left as it is, known people's cosines
    are too low (among 17 people of 10 pictures 18 % named at 1 % of strangers), of a mean of length 1, strangers' too
    high (4.5 % named for 1 %); in between, 1 to 2 % of strangers are named at 1 %, from one picture as from ten.

    Among n people a stranger has n chances: the threshold is that for pairs whose n-fold chance is `false_accepts`.
    """

    def __init__(self, model: FaceEmbedder, names: Sequence[str], means: Rows, *, false_accepts: float) -> None:
        super().__init__({**model.meta, "classes": [*names, UNKNOWN]}, program=None, card=model.card)
        self._model, self.names = model, tuple(names)
        lengths = np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-6)
        self.rows: Rows = np.asarray(means / lengths**_LENGTHENED, np.float32)
        self.threshold = threshold_for(model, 1 - (1 - false_accepts) ** (1 / max(len(self.names), 1)))

    @property
    def pipeline_(self) -> Any:
        """Refused: nothing was fitted to these people."""
        raise RequestError("no_pipeline", "a gallery has no pipeline of its people", "Ask its model for one.")

    def check(self) -> None:
        """Nothing: the model was checked when it was loaded."""

    def predict_proba(self, crops: Sequence[Pixels], *, shared: Described | None = None) -> NDArray[np.float64]:
        """Probabilities (n, people + 1) of uint8 RGB crops, those of `unknown` last; `shared` is of no use here."""
        return self.judge(self._model.embed(crops))[0]

    def identify(self, rows: Rows) -> list[Match]:
        """Who each of the faces is, of the model's rows (n, d)."""
        probabilities, nearest = self.judge(rows)
        names = (*self.names, UNKNOWN)
        return [
            Match(names[row.argmax()], float(cosine), float(row.max()))
            for row, cosine in zip(probabilities, nearest, strict=True)
        ]

    def near(self, row: NDArray[np.float32], n: int) -> list[Match]:
        """The `n` people nearest to one face (d,), the nearest first, strangers or not.

        Each comes with the probability that two faces so alike are of one person.
        """
        if not self.names:
            return []
        cosines = self.rows @ np.asarray(row, np.float32)
        best = np.argsort(-cosines, kind="stable")[:n]
        chances = self._model.probability(cosines[best])
        return [Match(self.names[i], float(cosines[i]), float(p)) for i, p in zip(best, chances, strict=True)]

    def judge(self, rows: Rows) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Probabilities (n, people + 1), those of `unknown` last, and the cosine (n,) with the nearest person.

        How much likelier a cosine is for one person than for two is its odds where both are as likely beforehand.
        Strangers are taken to be as frequent as lets `unknown` win exactly below the threshold.
        """
        if not self.names:
            return np.ones((len(rows), 1)), np.full(len(rows), -1.0)
        cosines = np.asarray(rows @ self.rows.T, np.float64)
        odds = self._model.odds
        logits = odds.slope * np.column_stack([cosines, np.full(len(rows), self.threshold)]) + odds.offset
        shares = np.exp(logits - logits.max(axis=1, keepdims=True))
        return shares / shares.sum(axis=1, keepdims=True), cosines.max(axis=1)


def threshold_for(model: FaceEmbedder, rate: float) -> float:
    """The cosine above which pairs of two people come at this rate, also for rates rarer than were measured.

    Beyond the smallest measured rate, its logarithm goes on falling with the cosine as steeply as it did before.
    """
    rates, thresholds = model.odds.rates, model.odds.thresholds
    if len(rates) < 2 or rates[-1] <= rate <= rates[0]:
        return model.threshold_for(rate)
    if rate > rates[0]:
        return thresholds[0]
    steepness = max(thresholds[-1] - thresholds[-2], 1e-3) / math.log(rates[-2] / rates[-1])
    return min(thresholds[-1] + steepness * math.log(rates[-1] / rate), 0.999)

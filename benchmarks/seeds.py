"""The function that this project grew from, rebuilt: Haar cascade, grey 100x100, PCA 50 whitened, SVC, out of pickles.

Its Flask page is here too, as small as it can be, behind waitress with as many threads as ours.
`python benchmarks/seeds.py FOLDER` serves it at a free port, which it prints.
"""

from __future__ import annotations

import logging
import pickle
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from flask import Flask, request
from sklearn.decomposition import PCA
from sklearn.svm import SVC
from waitress.server import create_server

from eigenface.datasets.drawn import DrawnFaces
from eigenface.types import Pixels
from eigenface.vision import CASCADES, cv2

THREADS = 4
_FILES = ("mean", "pca", "svc")


def grey_row(grey: Any) -> Any:
    """A grey face of any size as a row (10000,), 0..1: area when shrinking, cubic when growing."""
    method = cv2.INTER_AREA if grey.shape[0] >= 100 else cv2.INTER_CUBIC
    return cv2.resize(grey, (100, 100), interpolation=method).reshape(-1) / 255


def write_pickles(faces: DrawnFaces, folder: Path) -> None:
    """Fit the three parts on faces and pickle them, as the course did."""
    rows = np.stack([grey_row(cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY)) for crop in faces.crops])
    mean = rows.mean(axis=0)
    pca = PCA(50, whiten=True, svd_solver="auto", random_state=0).fit(rows - mean)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # probabilities inside SVC are on their way out of scikit-learn
        svc = SVC(C=1, kernel="rbf", gamma=0.01, probability=True, random_state=0)
        svc.fit(pca.transform(rows - mean), faces.labels)
    for name, part in zip(_FILES, (mean, pca, svc), strict=True):
        (folder / f"{name}.pickle").write_bytes(pickle.dumps(part))


class SeedFunction:
    """From a picture to labels with probabilities; made of the folder of `write_pickles`."""

    def __init__(self, folder: Path) -> None:
        self.mean, self.pca, self.svc = (pickle.loads((folder / f"{name}.pickle").read_bytes()) for name in _FILES)
        self.cascade = cv2.CascadeClassifier(str(CASCADES / "haarcascade_frontalface_default.xml"))

    def __call__(self, pixels: Pixels) -> list[dict[str, Any]]:
        """Box, label and probability of every face in an RGB picture."""
        grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
        found = []
        for x, y, width, height in self.cascade.detectMultiScale(grey, 1.1, 5, minSize=(30, 30)):
            row = grey_row(grey[y : y + height, x : x + width]) - self.mean
            probabilities = self.svc.predict_proba(self.pca.transform(row[None]))[0]
            best = int(probabilities.argmax())
            box = [int(x), int(y), int(width), int(height)]
            label, probability = str(self.svc.classes_[best]), float(probabilities[best])
            found.append({"box": box, "label": label, "probability": probability})
        return found


def create_app(function: SeedFunction) -> Flask:
    """A picture posted, its faces as JSON."""
    app = Flask(__name__)

    @app.post("/")
    def answer() -> dict[str, Any]:
        pixels = cv2.imdecode(np.frombuffer(request.get_data(), np.uint8), cv2.IMREAD_COLOR)
        return {"faces": function(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB))}

    return app


if __name__ == "__main__":
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    server = create_server(create_app(SeedFunction(Path(sys.argv[1]))), host="127.0.0.1", port=0, threads=THREADS)
    print(server.effective_port, flush=True)
    server.run()

"""What an answer costs: crops through programs, photos through detectors, whole processes; each beside a peer."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from seeds import SeedFunction, grey_row, write_pickles
from timing import Measured, process, versus

from eigenface.datasets.drawn import draw_photo, make_faces
from eigenface.detection import get_detector
from eigenface.recognise import Options, recognise
from eigenface.store import load_model
from eigenface.types import Pixels
from eigenface.vision import CASCADES, cv2

TASKS = ("gender", "mask", "expression", "blood", "identity")
_STOCK = "stock Pipeline.predict_proba"


def crops() -> Iterator[Measured]:
    """Crops through shipped models, and through the scikit-learn pipelines inside them."""
    some = make_faces(n_per_class=200, size=(80, 120)).crops
    for name in ("gender:eigenfaces", "gender", "mask", "expression"):
        model = load_model(name)
        for count, repeats in ((1, 15), (len(some), 3)):
            asked = [partial(answerer.predict_proba, some[:count]) for answerer in (model, model.pipeline_)]
            yield Measured(f"{name}, {count} crop{'s' * (count > 1)}", *versus(asked, repeats), peer=_STOCK)
    recogniser = eigen_recogniser(some)
    if recogniser:
        model = load_model("gender:eigenfaces")
        asked = [partial(model.predict_proba, some[:1]), partial(recogniser.predict, _square(some[0]))]
        yield Measured("gender:eigenfaces, 1 crop", *versus(asked), peer=_RECOGNISER)


_RECOGNISER = "OpenCV's EigenFaceRecognizer, 50 components"


def eigen_recogniser(some: Any) -> Any:
    """OpenCV's own, trained on crops; None where OpenCV came without its contributed modules."""
    if not hasattr(cv2, "face"):
        return None
    made = cv2.face.EigenFaceRecognizer_create(50)
    made.train([_square(crop) for crop in some], np.arange(len(some)) % 2)
    return made


def _square(crop: Pixels) -> Any:
    row = grey_row(cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY)) * 255
    return row.astype(np.uint8).reshape(100, 100)


def photos() -> Iterator[Measured]:
    """Faces found, and photos answered, against stock Haar and the seeds' function."""
    cascade = cv2.CascadeClassifier(str(CASCADES / "haarcascade_frontalface_default.xml"))
    gender = load_model("gender")
    with tempfile.TemporaryDirectory() as folder:
        write_pickles(make_faces(n_per_class=100), Path(folder))
        seed = SeedFunction(Path(folder))
    photo, _ = draw_photo(2, (480, 640), random_state=5)
    for rows, cols in ((480, 640), (868, 1152), (3000, 4000)):
        pixels = np.asarray(Image.fromarray(photo).resize((cols, rows)))
        grey, repeats = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), 2 if rows > 2000 else 7
        haar = partial(cascade.detectMultiScale, grey, 1.1, 5, minSize=(30, 30))
        found = versus([partial(get_detector().detect, pixels), haar], repeats)
        yield Measured(f"faces in {cols}x{rows}", *found, peer="stock Haar (1.1, 5)")
        answered = versus([partial(recognise, pixels, [gender]), partial(seed, pixels)], repeats)
        yield Measured(f"gender in {cols}x{rows}", *answered, peer="seeds' function")


def tasks_together() -> Iterator[Measured]:
    """All tasks about one face, beside the dearest alone: crops that are framed alike are described once."""
    crop = make_faces(n_per_class=1, size=(120, 120)).crops[0]
    models = [load_model(name) for name in TASKS if name != "identity"]
    whole = Options(whole=True)
    asked = [models, *([model] for model in models)]
    together, *alone = versus([partial(recognise, crop, some, whole) for some in asked], 15)
    dearest = models[int(np.argmax(alone))].name
    yield Measured(f"{len(models)} tasks about one face", together, max(alone), f"{dearest} alone")


def processes() -> Iterator[Measured]:
    """What a cold start costs."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "photo.png")
        Image.fromarray(draw_photo(2, (480, 640), random_state=5)[0]).save(path)
        bare = process(sys.executable, "-c", "pass")
        yield Measured(
            "import eigenface", process(sys.executable, "-c", "import eigenface") - bare, None, "beyond python"
        )
        stock = process(sys.executable, "-c", "import sklearn.svm, sklearn.decomposition, cv2") - bare
        whole = process(sys.executable, "-m", "eigenface", "predict", str(path))
        yield Measured("a whole `eigenface predict PHOTO`", whole, stock, "import sklearn.svm, cv2 alone")

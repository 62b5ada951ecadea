"""Writes notebooks/gender.ipynb, run on drawn faces: `python notebooks/make_gender.py`. Edit the story here."""

from __future__ import annotations

import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

STORY = """
# Gender: from raw photos to a served model

The whole road in one sitting: look at the pictures, crop the faces, look again, understand eigenfaces, search, judge,
save, serve. Without data it runs on drawn faces, of people who do not exist. With the environment variable
`EIGENFACE_DATA` it takes real photographs.
---
import os
import tempfile
from pathlib import Path

import numpy as np

from eigenface.datasets import load_dataset
from eigenface.datasets.drawn import make_faces, write_faces

real = os.environ.get("EIGENFACE_DATA")
work = Path(tempfile.mkdtemp())
if real:
    dataset = load_dataset(Path(real) / "gender" / "lfw.zip")
    some = np.random.default_rng(0).permutation(len(dataset))[:600]
    dataset = dataset.select(np.sort(some))
else:
    write_faces(work / "faces", make_faces(("female", "male"), 120))
    dataset = load_dataset(work / "faces")
print(len(dataset), "pictures of", len(set(dataset.groups)), "people:", dataset.classes)
===
## Look before you train

Pictures become crops through the same detector and framing that later answer. Drawn faces are crops already (`whole`).
---
from eigenface.datasets.cropping import crop_dataset
from eigenface.tasks import get_task

task = get_task("gender")
faces = crop_dataset(dataset, task.crop, whole=not real)
print(len(faces), "faces;", len(faces.rejected), "pictures rejected")
---
from eigenface.report.pictures import class_balance, class_samples, colour_maps, picture_sizes

picture_sizes([max(crop.shape[:2]) for crop in faces.crops])
---
class_balance({name: int((faces.labels == name).sum()) for name in dataset.classes})
---
class_samples(faces.crops, list(faces.labels))
---
colour_maps(faces.crops[0])
===
## Eigenfaces

A face of 64x64 pixels is a point in 4,096 dimensions. The directions in which faces differ most are pictures
themselves.
---
from sklearn.decomposition import PCA

from eigenface.report.eigenspace import Eigenfaces, eigenface_gallery, reconstructions, scree
from eigenface.steps.faces import GreyFaces

grey = GreyFaces(64).fit_transform(faces.crops)
pca = PCA(60, random_state=0).fit(grey)
space = Eigenfaces(pca.mean_, pca.components_, pca.explained_variance_ratio_, (64, 64), grey[:5])
scree(space)
---
eigenface_gallery(space)
---
reconstructions(space)
===
## Keep people aside, then search

Nobody is on both sides of the split. Everything that learns does so inside the folds.
---
from eigenface.calibrate import folds_by_group
from eigenface.datasets.splits import split_by_group
from eigenface.report.tuning import grid_figure
from eigenface.search import search

train_part, test_part = split_by_group(faces.labels, faces.groups, test_share=0.25)
training, aside = faces.select(train_part), faces.select(test_part)
pipeline = task.pipelines["eigenfaces"]()
found = search(
    pipeline,
    {"pca__n_components": [20, 60], "svc__C": [1, 3], "svc__gamma": [0.008, 0.016, 0.032]},
    training.crops,
    training.labels,
    folds=folds_by_group(training.labels, training.groups, 3),
)
print(found.best_params, f"{found.best_score:.3f}")
grid_figure(found.cv_results)
===
## Judge on people never seen

The probabilities are calibrated on decisions out of fold. How often is it wrong, and does 80 % mean 80 %?
---
from eigenface.evaluate import judge
from eigenface.report.confusion import confusion_figure
from eigenface.report.curves import roc_figure
from eigenface.report.trust import calibration_figure
from eigenface.reporting import evaluation_text
from eigenface.train import fit_model

model = fit_model(pipeline.set_params(**found.best_params), training, task, name="mine", folds=3)
evaluation = judge(model, aside, data="people kept aside")
print(evaluation_text(evaluation))
---
confusion_figure(evaluation.scores.confusion, evaluation.scores.classes)
---
roc_figure(evaluation.scores)
---
calibration_figure(evaluation.scores)
===
## Other classifiers on the same coordinates
---
from eigenface.compare import compare
from eigenface.report.models import models_figure

rows = compare(pipeline, training, folds_by_group(training.labels, training.groups, 3))
models_figure(rows)
===
## Save, load, answer

`.eigenface` holds plain arrays, a list of operations and a card; reading it runs no code of the file. `.joblib` is the
pipeline as a pickle.
---
import eigenface

eigenface.save_model(model, work / "mine.eigenface")
eigenface.save_model(model, work / "mine.joblib")
loaded = eigenface.load_model(work / "mine.eigenface")
crop = aside.crops[0]
print(dict(zip(loaded.classes_, loaded.predict_proba([crop])[0].round(3), strict=True)), "truth:", aside.labels[0])
print([operation.name for operation in loaded.program.operations])
print(f"{(work / 'mine.eigenface').stat().st_size / 1e6:.2f} MB")
---
import joblib

stock = joblib.load(work / "mine.joblib")  # any script with the package installed can do this
print(abs(stock.predict_proba(aside.crops) - loaded.predict_proba(aside.crops)).max())
===
## Serve

`eigenface serve --model mine.eigenface` puts it on a page and behind REST. The same application, asked from here:
---
import io

from PIL import Image

from eigenface.webapp.app import create_app
from eigenface.webapp.service import FaceService

client = create_app(FaceService([loaded])).test_client()
buffer = io.BytesIO()
Image.fromarray(crop).save(buffer, "PNG")
client.post("/api/v1/predict?task=mine&whole=1", data=buffer.getvalue(), content_type="image/png").get_json()
"""


def notebook() -> nbformat.NotebookNode:
    """The story as a notebook, not yet run."""
    cells = []
    for chapter in STORY.strip().split("\n===\n"):
        words, *code = chapter.split("\n---\n")
        cells.append(nbformat.v4.new_markdown_cell(words.strip()))
        cells += [nbformat.v4.new_code_cell(part.strip()) for part in code]
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"
    made = nbformat.v4.new_notebook(cells=cells)
    made.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return made


def run(book: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """The notebook with its outputs; CellExecutionError where a cell fails."""
    show = "%matplotlib inline\n%config InlineBackend.print_figure_kwargs = {'dpi': 70}\n"
    show += "from matplotlib.figure import Figure\nget_ipython().display_formatter.formatters['image/png'].for_type(\n"
    show += "    Figure, lambda figure: __import__('eigenface.report.style', fromlist=['png']).png(figure, dpi=70))"
    first = nbformat.v4.new_code_cell(show)
    book.cells.insert(0, first)
    NotebookClient(book, timeout=900, kernel_name="python3").execute()
    book.cells.remove(first)
    return book


if __name__ == "__main__":
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_name("gender.ipynb")
    nbformat.write(run(notebook()), path)

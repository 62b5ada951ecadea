"""The notebooks run, on drawn faces and on real ones, and tell what their source tells."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest

from eigenface.tasks import tasks

nbformat = pytest.importorskip("nbformat")
pytest.importorskip("nbclient")
pytest.importorskip("ipykernel")

FOLDER = Path(__file__).parents[1] / "notebooks"
MAKER = runpy.run_path(str(FOLDER / "make.py"))


def source(book: Any) -> list[str]:
    return [cell.source for cell in book.cells]


def test_every_task_has_its_story() -> None:
    assert set(MAKER["NAMES"]) == set(tasks())


@pytest.mark.parametrize("name", MAKER["NAMES"])
def test_a_notebook_is_what_its_story_says(name: str) -> None:
    stored = nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)
    assert source(stored) == source(MAKER["notebook"](name))
    pictures = [out for cell in stored.cells for out in cell.get("outputs", []) if "image/png" in out.get("data", {})]
    assert len(pictures) >= 3
    assert (FOLDER / f"{name}.ipynb").stat().st_size < 2_000_000


@pytest.mark.slow
@pytest.mark.parametrize("name", MAKER["NAMES"])
def test_a_story_runs_on_drawn_faces(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EIGENFACE_DATA", raising=False)
    book = MAKER["run"](MAKER["notebook"](name))
    assert "0." in str(book.cells[-1].outputs)


@pytest.mark.data
def test_the_story_of_gender_runs_on_real_faces(data: Path) -> None:
    book = MAKER["run"](MAKER["notebook"]("gender"))
    assert "probabilities" in str(book.cells[-1].outputs)

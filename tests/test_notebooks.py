"""The notebooks run, on drawn faces and on real ones, and tell what their source tells."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest

nbformat = pytest.importorskip("nbformat")
pytest.importorskip("nbclient")
pytest.importorskip("ipykernel")

FOLDER = Path(__file__).parents[1] / "notebooks"
MAKER = runpy.run_path(str(FOLDER / "make_gender.py"))


def source(book: Any) -> list[str]:
    return [cell.source for cell in book.cells]


def test_the_notebook_is_what_its_source_says() -> None:
    stored = nbformat.read(FOLDER / "gender.ipynb", as_version=4)
    assert source(stored) == source(MAKER["notebook"]())
    pictures = [out for cell in stored.cells for out in cell.get("outputs", []) if "image/png" in out.get("data", {})]
    assert len(pictures) >= 9
    assert (FOLDER / "gender.ipynb").stat().st_size < 2_000_000


@pytest.mark.slow
def test_the_story_runs_on_drawn_faces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EIGENFACE_DATA", raising=False)
    book = MAKER["run"](MAKER["notebook"]())
    assert "0." in str(book.cells[-1].outputs)


@pytest.mark.data
def test_the_story_runs_on_real_faces(data: Path) -> None:
    book = MAKER["run"](MAKER["notebook"]())
    assert "probabilities" in str(book.cells[-1].outputs)

"""Writes the notebooks, run on drawn faces: `python notebooks/make.py [NAME ...]`. The stories are in `stories/`.

A story is Markdown; a line `---` begins a cell of code, a line `===` the next chapter.
"""

from __future__ import annotations

import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

FOLDER = Path(__file__).parent
NAMES = tuple(sorted(path.stem for path in (FOLDER / "stories").glob("*.md")))


def notebook(name: str) -> nbformat.NotebookNode:
    """The story `name` as a notebook, not yet run."""
    story = (FOLDER / "stories" / f"{name}.md").read_text(encoding="utf-8")
    cells = []
    for chapter in story.strip().split("\n===\n"):
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
    for wanted in sys.argv[1:] or NAMES:
        nbformat.write(run(notebook(wanted)), FOLDER / f"{wanted}.ipynb")

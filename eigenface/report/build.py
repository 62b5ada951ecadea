"""Write a report: page, figures, JSON and text; every file is complete or not there."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

from eigenface.errors import DataError
from eigenface.report.content import ReportContent
from eigenface.report.page import draw_plates, render_page
from eigenface.report.text import report_text

__all__ = ["ReportContent", "write_report"]


def write_report(out_dir: str | os.PathLike[str], content: ReportContent) -> dict[str, Path]:
    """Write report.html, report.json, report.txt and figures/NAME.png, replacing those of an earlier report.

    Everything is made before anything is written, and each file is moved into place whole.

    Parameters
    ----------
    out_dir : path
        Made if missing.
    content : ReportContent

    Returns
    -------
    dict of str to Path
        The files by `html`, `json`, `text` and `figures/NAME`, the page last written.

    Raises
    ------
    DataError
        The folder cannot be made or written.
    """
    folder = Path(out_dir)
    pictures = draw_plates(content)
    found = content.as_dict() | {"figures": [f"figures/{name}.png" for name in pictures]}
    files = {f"figures/{name}": (folder / "figures" / f"{name}.png", data) for name, data in pictures.items()}
    text = json.dumps(found, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    files["json"] = (folder / "report.json", text.encode())
    files["text"] = (folder / "report.txt", report_text(content).encode())
    files["html"] = (folder / "report.html", render_page(content, pictures).encode())
    try:
        for path, data in files.values():
            path.parent.mkdir(parents=True, exist_ok=True)
            _replace(path, data)
    except OSError as error:
        message = f"{folder}: the report cannot be written ({error.strerror or error})"
        raise DataError("not_writable", message, "Name a folder that can be written.") from error
    return {name: path for name, (path, _) in files.items()}


def _replace(path: Path, data: bytes) -> None:
    """Write to a neighbour, then move it into place."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        Path(name).chmod(0o666 & ~_mask())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _mask() -> int:
    """The umask, which can only be read by setting it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask

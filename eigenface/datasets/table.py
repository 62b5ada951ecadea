"""Reading labels.csv as people write it: any usual encoding, comma, semicolon or tab."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import PurePosixPath

from eigenface.errors import DataError

Row = dict[str, str]

_NEEDED = ("file", "label")


def read_table(data: bytes, where: str) -> list[Row]:
    """Rows of a CSV with the columns `file` and `label`, their names lower case, values stripped.

    Raises
    ------
    DataError
        In one line, naming the row, where a column or value is missing or a path leaves the data folder.
    """
    text = _text(data, where)
    header = text.lstrip("\r\n").splitlines()[:1]
    if not header:
        raise DataError("empty_table", f"{where}: the file is empty", "It needs a header: file,label[,group,...].")
    separator = max(",;\t", key=header[0].count)
    reader = csv.DictReader(io.StringIO(text.lstrip("\r\n"), newline=""), delimiter=separator)
    names = [(name or "").strip().lower() for name in reader.fieldnames or []]
    missing = [name for name in _NEEDED if name not in names]
    if missing:
        raise DataError(
            "missing_column",
            f"{where}: no column {' or '.join(missing)}; it has {', '.join(names)}",
            "The header is file,label[,group,...].",
        )
    reader.fieldnames = names
    rows: list[Row] = []
    for number, raw in enumerate(_rows(reader, where), start=2):
        row = {key: (value or "").strip() for key, value in raw.items() if key}
        if not any(row.values()):
            continue
        for name in _NEEDED:
            if not row[name]:
                raise DataError("missing_value", f"{where}, row {number}: no {name}", "Fill it in or delete the row.")
        row["file"] = row["file"].replace("\\", "/").removeprefix("./")
        path = PurePosixPath(row["file"])
        if path.is_absolute() or ".." in path.parts:
            raise DataError(
                "path_outside", f"{where}, row {number}: {row['file']} leaves the data folder", "Use relative names."
            )
        rows.append(row)
    if not rows:
        raise DataError("empty_table", f"{where}: a header and no rows", "Give a row a picture.")
    return rows


def _rows(reader: csv.DictReader[str], where: str) -> Iterator[Row]:
    try:
        yield from reader
    except csv.Error as error:
        raise DataError(
            "bad_table", f"{where}, line {reader.line_num}: cannot be read ({error})", "Check its quotes."
        ) from None


def _text(data: bytes, where: str) -> str:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        encodings = ["utf-16"]
    elif b"\0" in data[:200]:  # UTF-16 that does not say so: the zeros are the upper halves of plain letters
        encodings = ["utf-16-be" if data[:1] == b"\0" else "utf-16-le"]
    else:
        encodings = ["utf-8-sig", "cp1252", "latin-1"]
    for encoding in encodings:
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise DataError("bad_encoding", f"{where}: neither UTF-8 nor UTF-16 nor Latin-1", "Save it as UTF-8.")

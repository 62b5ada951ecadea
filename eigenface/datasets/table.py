"""Reading a CSV as people write it: any usual encoding, comma, semicolon or tab."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from eigenface.errors import DataError

Row = dict[str, str]

LABELLED = ("file", "label")
"""Columns of a labels.csv."""


def read_table(data: bytes, where: str, *, needed: Sequence[str] = LABELLED) -> list[Row]:
    """Rows of a CSV, names of columns in lower case, values stripped.

    Parameters
    ----------
    data : bytes
    where : str
        What messages call it.
    needed : sequence of str
        Columns that it must have, filled in every row; the first holds a file's name.

    Raises
    ------
    DataError
        In one line, naming the row, where a column or value is missing or a path leaves the data folder.
    """
    text = _text(data, where)
    header = text.lstrip("\r\n").splitlines()[:1]
    usual = f"{','.join(needed)}{'[,group,...]' if needed == LABELLED else ''}"
    if not header:
        raise DataError("empty_table", f"{where}: the file is empty", f"It needs a header: {usual}.")
    separator = max(",;\t", key=header[0].count)
    reader = csv.DictReader(io.StringIO(text.lstrip("\r\n"), newline=""), delimiter=separator)
    names = [(name or "").strip().lower() for name in reader.fieldnames or []]
    missing = [name for name in needed if name not in names]
    if missing:
        raise DataError(
            "missing_column",
            f"{where}: no column {' or '.join(missing)}; it has {', '.join(names)}",
            f"The header is {usual}.",
        )
    reader.fieldnames = names
    rows: list[Row] = []
    for number, raw in enumerate(_rows(reader, where), start=2):
        row = {key: (value or "").strip() for key, value in raw.items() if key}
        if not any(row.values()):
            continue
        for name in needed:
            if not row[name]:
                raise DataError("missing_value", f"{where}, row {number}: no {name}", "Fill it in or delete the row.")
        row[needed[0]] = row[needed[0]].replace("\\", "/").removeprefix("./")
        path = PurePosixPath(row[needed[0]])
        if path.is_absolute() or ".." in path.parts:
            raise DataError(
                "path_outside", f"{where}, row {number}: {path} leaves the data folder", "Use relative names."
            )
        rows.append(row)
    if not rows:
        raise DataError("empty_table", f"{where}: a header and no rows", "Give a row a picture.")
    return rows


def columns_of(data: bytes) -> tuple[str, ...]:
    """Names of a CSV's columns in lower case, from its first bytes; none where it is no text."""
    try:
        header = _text(data, "").lstrip("\r\n").splitlines()[:1]
    except DataError:
        return ()
    return tuple(name.strip().strip('"').lower() for line in header for name in line.split(max(",;\t", key=line.count)))


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

"""Pictures listed by a labels.csv: `file,label[,group,...]`."""

from __future__ import annotations

from eigenface.datasets.assembly import assemble, plain_sample
from eigenface.datasets.dataset import Dataset
from eigenface.datasets.place import Place
from eigenface.datasets.table import Row, read_table
from eigenface.errors import DataError


def load_labelled(place: Place, table: str) -> Dataset:
    """The data set that `table`, a file of the place, lists; its columns beside file, label, group are kept."""
    where = place.where(table)
    rows = read_table(place.read(table), where)
    prefix = table[: len(table) - len(table.rsplit("/", 1)[-1])]
    files = {name[len(prefix) :]: size for name, size in place.files.items() if name.startswith(prefix)}
    missing = [row["file"] for row in rows if row["file"] not in files]
    if missing:
        shown = ", ".join(missing[:3])
        raise DataError(
            "missing_files",
            f"{where}: {len(missing)} of {len(rows)} files are not there: {shown}{' ...' if len(missing) > 3 else ''}",
            "Names are relative to the CSV. Correct them, or put the files there.",
        )
    said: list[str] = []
    kept = _without_repeats(rows, where, said)
    columns = {key: [row[key] for row in kept] for key in kept[0] if key not in ("file", "label", "group")}
    named = sum(bool(row.get("group")) for row in kept)
    grouped = named == len(kept)
    if 0 < named < len(kept):
        said.append(f"{len(kept) - named} of {len(kept)} rows name no group: groups are not used.")
    samples = [
        plain_sample(place, prefix, row["file"], row["label"], row["group"] if grouped else None) for row in kept
    ]
    return assemble(place, prefix, samples, columns, said)


def _without_repeats(rows: list[Row], where: str, said: list[str]) -> list[Row]:
    kept: dict[str, Row] = {}
    for row in rows:
        first = kept.setdefault(row["file"], row)
        if first["label"] != row["label"]:
            raise DataError(
                "two_labels",
                f"{where}: {row['file']} is both {first['label']} and {row['label']}",
                "Give every file one label.",
            )
    if len(kept) < len(rows):
        said.append(f"{len(rows) - len(kept)} rows repeat a file and are left out.")
    return list(kept.values())

"""The `.eigenface` file: a zip of JSON, plain arrays, an estimator for scikit-learn, and a card.

Reading checks everything before anything is built: member names, sizes, hashes, the format's version. Arrays are read
without pickle; the estimator stays bytes until somebody asks for it, and then only types of our list are built.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import math
import os
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from eigenface.compact import Encoded, decode, encode
from eigenface.errors import ModelError
from eigenface.limits import MAX_MODEL_BYTES

FORMAT = 1
"""Version of the file format; a file of a later one is refused."""

_MADE_AGAIN = "Copy it again, or train the model again."


class StoredArrays(Mapping[str, NDArray[Any]]):
    """Arrays by name, those in codes of a byte decoded when they are asked for, and every time."""

    def __init__(self, stored: Mapping[str, NDArray[Any] | Encoded]) -> None:
        self._stored = dict(stored)

    def __getitem__(self, name: str) -> NDArray[Any]:
        stored = self._stored[name]
        return decode(stored) if isinstance(stored, Encoded) else stored

    def __iter__(self) -> Iterator[str]:
        return iter(self._stored)

    def __len__(self) -> int:
        return len(self._stored)

    def as_stored(self, name: str) -> NDArray[Any] | Encoded:
        """An array as it lies in the file."""
        return self._stored[name]

    @property
    def nbytes(self) -> int:
        """Bytes of all of them, decoded."""
        return sum(stored.nbytes for stored in self._stored.values())


@dataclass(frozen=True)
class Bundle:
    """Contents of a saved model: `meta` (JSON), `arrays` by name, the estimator's bytes, the card's text."""

    meta: Mapping[str, Any]
    arrays: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    estimator: bytes = b""
    card: str = ""


@contextlib.contextmanager
def atomic_file(path: Path) -> Iterator[BinaryIO]:
    """A file that appears under `path` whole when the block ends well, and not at all when it does not."""
    try:
        handle = tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False)  # noqa: SIM115
    except OSError as error:
        raise ModelError(
            "cannot_write", f"{path}: cannot be written ({error.strerror})", "Give a path in a folder you may write to."
        ) from None
    try:
        with handle:
            yield handle  # type: ignore[misc]
            handle.flush()
            os.fsync(handle.fileno())
        mask = os.umask(0)
        os.umask(mask)
        Path(handle.name).chmod(0o666 & ~mask)
        Path(handle.name).replace(path)
    except OSError as error:  # the disk is full
        Path(handle.name).unlink(missing_ok=True)
        raise ModelError(
            "cannot_write", f"{path}: cannot be written ({error.strerror or error})", "Free the disk, then try again."
        ) from None
    except BaseException:
        Path(handle.name).unlink(missing_ok=True)
        raise


def write_bundle(bundle: Bundle, path: str | os.PathLike[str]) -> None:
    """Write a bundle atomically."""
    members: dict[str, bytes] = {"model.skops": bundle.estimator, "card.md": bundle.card.encode()}
    index: dict[str, Any] = {}
    vectors = [array for array in bundle.arrays.values() if array.ndim == 1]
    for name, array in bundle.arrays.items():
        encoded = encode(array, vectors)
        members[f"arrays/{name}.npy"] = _npy(encoded.codes)
        index[name] = {"dtype": encoded.dtype}
        if encoded.steps is not None:
            members[f"arrays/{name}.steps.npy"] = _npy(encoded.steps)
            index[name]["axis"] = encoded.axis
    hashes = {name: hashlib.sha256(data).hexdigest() for name, data in members.items()}
    meta = {"format": FORMAT, **bundle.meta, "arrays": index, "sha256": hashes}
    written = json.dumps(meta, indent=1, ensure_ascii=False, allow_nan=False).encode()
    with atomic_file(Path(path)) as handle, zipfile.ZipFile(handle, "w") as archive:
        for name, data in {"meta.json": written, **members}.items():
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), data, _packing(data))


def _packing(data: bytes) -> int:
    """Deflated where that saves a fifth: codes of four bits stand in bytes; others are read faster as they are."""
    return zipfile.ZIP_DEFLATED if len(zlib.compress(data)) < 0.8 * len(data) else zipfile.ZIP_STORED


def read_bundle(path: str | os.PathLike[str]) -> Bundle:
    """Read and check a bundle; nothing in it runs.

    Raises
    ------
    ModelError
        With code `no_model`, `not_a_model`, `damaged_model`, `newer_format` or `model_too_large`.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return _checked(archive, str(path))
    except ModelError:
        raise
    except (FileNotFoundError, IsADirectoryError):
        raise ModelError("no_model", f"{path}: there is no such model file", "Check the path.") from None
    except PermissionError:
        raise ModelError("no_model", f"{path}: may not be read", "Change its permissions.") from None
    except zipfile.BadZipFile:
        raise ModelError(
            "not_a_model",
            f"{path}: not a saved model, or one cut short",
            f"A saved model ends in .eigenface or .joblib. {_MADE_AGAIN}",
        ) from None
    except (
        zipfile.LargeZipFile,
        zlib.error,
        OSError,
        EOFError,
        NotImplementedError,
        RuntimeError,
        ValueError,
    ) as error:
        raise ModelError("damaged_model", f"{path}: the file is damaged ({error})", _MADE_AGAIN) from None


def read_meta(path: str | os.PathLike[str]) -> Mapping[str, Any]:
    """`meta.json` alone, without reading arrays: enough to list models."""
    try:
        with zipfile.ZipFile(path) as archive:
            return _meta(archive, str(path))
    except (OSError, zipfile.BadZipFile):
        return read_bundle(path).meta  # says what is wrong


def _meta(archive: zipfile.ZipFile, path: str) -> Mapping[str, Any]:
    names = archive.namelist()
    if "meta.json" not in names:
        raise ModelError("not_a_model", f"{path}: a zip without meta.json is not a saved model", _MADE_AGAIN)
    if len(names) != len(set(names)):
        raise ModelError("damaged_model", f"{path}: holds two members of one name", _MADE_AGAIN)
    check_members(archive, path)
    try:
        meta = json.loads(archive.read("meta.json"), parse_constant=_number, parse_float=_number)
    except (ValueError, zipfile.BadZipFile, zlib.error, RecursionError) as error:
        raise ModelError("damaged_model", f"{path}: meta.json cannot be read ({error})", _MADE_AGAIN) from None
    if not isinstance(meta, dict) or type(meta.get("format")) is not int or meta["format"] < 1:
        raise ModelError("not_a_model", f"{path}: meta.json is not that of a saved model", _MADE_AGAIN)
    if meta["format"] > FORMAT:
        raise ModelError(
            "newer_format",
            f"{path}: of format {meta['format']}; this version reads up to {FORMAT}",
            "Upgrade eigenface: pip install -U eigenface",
        )
    return meta


def check_members(archive: zipfile.ZipFile, where: str) -> None:
    """Refuse a zip that unpacks to too much, before anything is unpacked.

    Only the method that this library writes with: others unpack a few bytes to gigabytes whatever size they claim.

    Raises
    ------
    ModelError
        With code `model_too_large` or `damaged_model`.
    """
    if sum(member.file_size for member in archive.infolist()) > MAX_MODEL_BYTES:
        raise ModelError(
            "model_too_large",
            f"{where}: unpacks to more than {MAX_MODEL_BYTES / 1e6:g} MB",
            "A saved model of this library is far smaller.",
        )
    for member in archive.infolist():
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ModelError("damaged_model", f"{where}: {member.filename} is packed in a foreign way", _MADE_AGAIN)


def _number(word: str) -> float:
    number = float(word)
    if not math.isfinite(number):
        raise ValueError(f"{word} is no number of JSON")
    return number


def _checked(archive: zipfile.ZipFile, path: str) -> Bundle:
    meta = _meta(archive, path)
    hashes, index = meta.get("sha256"), meta.get("arrays")
    if not isinstance(hashes, dict) or not isinstance(index, dict):
        raise ModelError("damaged_model", f"{path}: meta.json lacks hashes or arrays", _MADE_AGAIN)
    members: dict[str, bytes] = {}
    for name in archive.namelist():
        if name == "meta.json":
            continue
        data = archive.read(name)
        if hashlib.sha256(data).hexdigest() != hashes.get(name):
            raise ModelError("damaged_model", f"{path}: {name} was altered after it was saved", _MADE_AGAIN)
        members[name] = data
    missing = sorted(set(hashes) - set(members))
    if missing:
        raise ModelError("damaged_model", f"{path}: lacks {missing[0]}", _MADE_AGAIN)
    try:
        arrays = StoredArrays({name: _array(members, name, how) for name, how in index.items()})
        if arrays.nbytes > 4 * MAX_MODEL_BYTES:  # a byte a number became four
            raise ValueError("arrays of more than can be used")
        return Bundle(meta, arrays, members.get("model.skops", b""), members.get("card.md", b"").decode())
    except (KeyError, ValueError, TypeError, EOFError, OverflowError, MemoryError) as error:
        raise ModelError("damaged_model", f"{path}: an array cannot be read ({error})", _MADE_AGAIN) from None


def _array(members: Mapping[str, bytes], name: str, how: Mapping[str, Any]) -> NDArray[Any] | Encoded:
    codes = _read_npy(members[f"arrays/{name}.npy"])
    dtype = np.dtype(str(how["dtype"]))
    if dtype.kind not in "fiub" or dtype.itemsize > 8:
        raise ValueError(f"{name}: restores to {dtype}")
    if "axis" not in how:
        return decode(Encoded(codes, how["dtype"]))
    steps = _read_npy(members[f"arrays/{name}.steps.npy"])
    if how["axis"] not in (0, 1) or codes.ndim != 2 or steps.shape != (codes.shape[how["axis"]],):
        raise ValueError(f"{name}: codes {codes.shape} and steps {steps.shape} do not fit")
    return Encoded(codes, how["dtype"], steps, how["axis"])


def _npy(array: NDArray[Any]) -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.ascontiguousarray(array) if array.ndim else array, allow_pickle=False)
    return buffer.getvalue()


def _read_npy(data: bytes) -> NDArray[Any]:
    buffer = io.BytesIO(data)
    version = np.lib.format.read_magic(buffer)
    if version != (1, 0):
        raise ValueError(f"an array file of version {version}")
    shape, by_columns, dtype = np.lib.format.read_array_header_1_0(buffer)
    if dtype.kind not in "fiub" or by_columns:
        raise ValueError(f"an array of type {dtype}")
    count = math.prod(shape)
    if buffer.tell() + count * dtype.itemsize != len(data):  # before anything of that size is allocated
        raise ValueError(f"{len(data)} bytes cannot hold {shape} of {dtype}")
    return np.frombuffer(data, dtype, count, buffer.tell()).reshape(shape)

"""A saved model that was damaged or forged gets one clear error, and no code from it ever runs."""

from __future__ import annotations

import hashlib
import io
import json
import os
import pickle
import signal
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
import sklearn
from sklearn.linear_model import LogisticRegression

from eigenface.errors import EigenfaceError, ModelError
from eigenface.model import FaceClassifier
from eigenface.store import load_model, save_model


@pytest.fixture
def saved(model: FaceClassifier, tmp_path: Path) -> Path:
    save_model(model, tmp_path / "m.eigenface")
    return tmp_path / "m.eigenface"


def members(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


RAW = {'"many digits"': "9" * 5000, '"much nesting"': "[" * 100_000}
"""What stands in JSON where these words are written: text that `json.dumps` would not write."""


def forged(path: Path, change: Callable[[dict[str, Any], dict[str, bytes]], None], *, rehash: bool = True) -> Path:
    """The file with its contents changed by somebody who knows how to make the hashes right again."""
    parts = members(path)
    meta = json.loads(parts.pop("meta.json"))
    change(meta, parts)
    if rehash:
        meta["sha256"] = {name: hashlib.sha256(data).hexdigest() for name, data in parts.items()}
    out = path.with_name("forged.eigenface")
    written = json.dumps(meta)
    for words, raw in RAW.items():
        written = written.replace(words, raw)
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("meta.json", written)
        for name, data in parts.items():
            archive.writestr(name, data)
    return out


def nested(depth: int) -> list[Any]:
    return [[{"op": "union", "branches": nested(depth - 1)}]] if depth else [[{"op": "grey"}]]


def zipped(parts: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def other_estimator() -> bytes:
    from skops.io import dumps

    return bytes(dumps(LogisticRegression().fit([[0.0], [1.0]], ["a", "b"])))


def npy(array: Any, **options: Any) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, **options)
    return buffer.getvalue()


def refused(path: Path, **options: Any) -> ModelError:
    def use() -> None:
        loaded = load_model(path, **options)
        loaded.predict_proba([np.zeros((20, 20, 3), np.uint8)])
        assert loaded.pipeline_

    with pytest.raises(ModelError) as caught:
        use()
    assert caught.value.code
    assert str(path) in str(caught.value)
    return caught.value


def test_every_cut_is_noticed(saved: Path) -> None:
    whole = saved.read_bytes()
    for share in (0, 0.01, 0.3, 0.6, 0.9, 0.999):
        saved.write_bytes(whole[: int(len(whole) * share)])
        assert refused(saved).code in ("not_a_model", "damaged_model")


def test_every_flipped_bit_of_the_contents_is_noticed_or_harmless(saved: Path, drawn: Any) -> None:
    whole, rng = saved.read_bytes(), np.random.default_rng(0)
    expected = load_model(saved).predict_proba(drawn.crops[:4])
    for _ in range(60):
        damaged = bytearray(whole)
        damaged[rng.integers(len(whole))] ^= 1 << int(rng.integers(8))
        saved.write_bytes(bytes(damaged))
        try:
            answers = load_model(saved).predict_proba(drawn.crops[:4])
        except ModelError:
            continue
        assert (answers == expected).all()  # dates and other words of the zip that nobody reads


@pytest.mark.parametrize(
    ("code", "change"),
    [
        ("newer_format", lambda meta, parts: meta.update(format=99)),
        ("not_a_model", lambda meta, parts: meta.update(format="one")),
        ("unknown_operation", lambda meta, parts: meta["program"].insert(0, {"op": "os.system"})),
        ("damaged_model", lambda meta, parts: meta.update(program=7)),
        ("damaged_model", lambda meta, parts: meta.update(program=[{"op": "grey", "arrays": {"x": "nowhere"}}])),
        ("damaged_model", lambda meta, parts: meta.pop("classes")),
        ("damaged_model", lambda meta, parts: meta.update(crop={"scale": -1})),
        ("damaged_model", lambda meta, parts: meta.update(arrays=[])),
        ("damaged_model", lambda meta, parts: parts.pop("arrays/a0.npy")),
        ("damaged_model", lambda meta, parts: parts.update({"arrays/a0.npy": b"\x93NUMPY rubbish"})),
        (
            "damaged_model",
            lambda meta, parts: parts.update({"arrays/a0.npy": npy(np.array([{}], object), allow_pickle=True)}),
        ),
        ("bad_operation", lambda meta, parts: meta["program"][-1].update(op="svm")),
        ("bad_operation", lambda meta, parts: meta["program"][1].update(settings={"size": 10**9}, op="resize")),
        ("bad_operation", lambda meta, parts: meta["classes"].append("third")),
        ("bad_operation", lambda meta, parts: meta["program"].insert(2, {"op": "hog", "settings": {"cell": 10**9}})),
        ("bad_operation", lambda meta, parts: meta["program"].insert(0, {"op": "union", "branches": [[]]})),
        ("bad_operation", lambda meta, parts: meta["program"][-1]["settings"].update(slope="steep")),
        ("damaged_model", lambda meta, parts: meta["program"].insert(0, {"op": "union", "branches": nested(9)})),
        ("damaged_model", lambda meta, parts: meta.update(classes=["female", "female"])),
        ("damaged_model", lambda meta, parts: meta.update(classes="fm")),
        ("damaged_model", lambda meta, parts: meta.update(review=[1])),
        ("damaged_model", lambda meta, parts: meta.update(review={"smallest_face": float("inf")})),
        ("damaged_model", lambda meta, parts: meta.update(review={"least_probability": float("nan")})),
        ("damaged_model", lambda meta, parts: meta.update(judged=7)),
        ("damaged_model", lambda meta, parts: meta.update(task=None)),
        ("damaged_model", lambda meta, parts: meta.update(other="many digits")),
        ("damaged_model", lambda meta, parts: meta.update(other="much nesting")),
        ("damaged_model", lambda meta, parts: parts.update({"arrays/a0.npy": npy(np.full((24 * 24,), np.nan))})),
        ("damaged_model", lambda meta, parts: meta["arrays"]["a0"].update(dtype="O")),
        ("damaged_model", lambda meta, parts: meta["arrays"]["a0"].update(dtype="<U100000000")),
        ("damaged_model", lambda meta, parts: parts.update({"model.skops": b"PK rubbish"})),
        ("damaged_model", lambda meta, parts: parts.update({"model.skops": other_estimator()})),
        (
            "model_too_large",
            lambda meta, parts: parts.update({"model.skops": zipped({"schema.json": bytes(2 * 10**8)})}),
        ),
        ("not_a_model", lambda meta, parts: meta.update(format=True)),
        ("not_a_model", lambda meta, parts: meta.update(format=0)),
    ],
)
def test_forged_contents_are_refused(saved: Path, code: str, change: Callable[..., None]) -> None:
    assert refused(forged(saved, change)).code == code


def test_hashes_members_and_bombs_are_checked(saved: Path) -> None:
    def alter(meta: dict[str, Any], parts: dict[str, bytes]) -> None:
        parts["card.md"] = b"trust me"

    assert "altered" in refused(forged(saved, alter, rehash=False)).message

    def claim(meta: dict[str, Any], parts: dict[str, bytes]) -> None:
        head = b"\x93NUMPY\x01\x00" + (118).to_bytes(2, "little")
        text = b"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,), }"
        parts["arrays/a0.npy"] = head + text.ljust(117) + b"\n"

    assert refused(forged(saved, claim)).code == "damaged_model"
    bomb = saved.with_name("bomb.eigenface")
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("meta.json", '{"format": 1}')
        archive.writestr("zeros", bytes(150_000_000))
    assert refused(bomb).code == "model_too_large"
    with zipfile.ZipFile(saved, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("meta.json", "{}")
    assert refused(saved).code == "damaged_model"


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_packing_that_hides_its_size_is_refused_unread(saved: Path, method: int) -> None:
    parts = members(saved) | {"zeros": bytes(10**7)}
    with zipfile.ZipFile(saved, "w", method) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    assert "foreign" in refused(saved).message


def test_names_that_lead_out_of_the_file_write_nothing(saved: Path, tmp_path: Path) -> None:
    before = set(tmp_path.parent.rglob("*"))
    path = forged(saved, lambda meta, parts: parts.update({"../evil": b"x", "/tmp/evil": b"x"}))
    load_model(path)
    assert set(tmp_path.parent.rglob("*")) - before == {path}


def test_things_that_are_no_models(tmp_path: Path) -> None:
    for name, data in (("text.eigenface", b"hello"), ("empty.eigenface", b""), ("p.eigenface", pickle.dumps([1]))):
        (tmp_path / name).write_bytes(data)
        assert refused(tmp_path / name).code == "not_a_model"
    assert refused(tmp_path / "none.eigenface").code == "no_model"
    with zipfile.ZipFile(tmp_path / "zip.eigenface", "w") as archive:
        archive.writestr("a.txt", "b")
    assert refused(tmp_path / "zip.eigenface").code == "not_a_model"


class Trap:
    """Unpickled, it leaves a mark."""

    def __init__(self, mark: Path) -> None:
        self.mark = str(mark)

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {self.mark}",)


def test_no_code_of_a_file_runs(saved: Path, tmp_path: Path) -> None:
    import functools

    from skops.io import dumps

    mark = tmp_path / "mark"
    trap = tmp_path / "trap.joblib"
    joblib.dump(Trap(mark), trap)
    assert refused(trap).code == "not_trusted"
    for stranger in (functools.partial(os.system, f"touch {mark}"), os.system):
        written = dumps(stranger)
        path = forged(saved, lambda meta, parts, written=written: parts.update({"model.skops": written}))
        assert refused(path).code == "type_not_listed"
    trap.rename(tmp_path / "trap.eigenface")
    assert refused(tmp_path / "trap.eigenface").code == "not_a_model"
    assert not mark.exists()


def test_pickles_that_cannot_be_used_say_why(model: FaceClassifier, tmp_path: Path) -> None:
    path = tmp_path / "m.joblib"
    save_model(model, path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    assert refused(path, trust=True).code == "damaged_model"
    joblib.dump({"a": 1}, path)
    assert refused(path, trust=True).code == "not_a_classifier"
    old = LogisticRegression().fit([[0.0], [1.0]], [0, 1])
    data = pickle.dumps(old)
    version = sklearn.__version__.encode()
    path.write_bytes(data.replace(version, b"9" * len(version)))
    assert refused(path, trust=True).code == "other_version"


def test_a_pickle_that_answers_about_something_else_is_refused_when_loaded(tmp_path: Path) -> None:
    path = tmp_path / "rows.joblib"
    for labels in ([0, 1], [0, 1, 2]):
        joblib.dump(LogisticRegression().fit(np.eye(len(labels)), labels), path)
        assert refused(path, trust=True).code in ("bad_operation", "not_a_classifier")


def test_a_plain_script_loads_a_joblib(model: FaceClassifier, drawn: Any, tmp_path: Path) -> None:
    save_model(model, tmp_path / "m.joblib")
    np.save(tmp_path / "crop.npy", drawn.crops[0])
    script = "import joblib, numpy, sys; m = joblib.load(sys.argv[1]); print(m.predict([numpy.load(sys.argv[2])])[0])"
    done = subprocess.run(
        [sys.executable, "-c", script, tmp_path / "m.joblib", tmp_path / "crop.npy"],
        capture_output=True, text=True, check=True, cwd=tmp_path,
    )  # fmt: skip
    assert done.stdout.strip() == model.predict([drawn.crops[0]])[0]


def test_a_killed_or_failing_save_leaves_the_old_file(model: FaceClassifier, tmp_path: Path) -> None:
    path = tmp_path / "m.eigenface"
    path.write_bytes(b"old")
    code = (
        "import os, signal, sys\nfrom pathlib import Path\nfrom eigenface.bundle import atomic_file\n"
        "with atomic_file(Path(sys.argv[1])) as handle:\n    handle.write(b'new')\n    handle.flush()\n"
        "    os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", code, path], check=False)
    assert done.returncode == -signal.SIGKILL
    assert path.read_bytes() == b"old"
    assert [other for other in tmp_path.iterdir() if other.suffix == path.suffix] == [path]
    with pytest.raises(EigenfaceError, match="cannot be written"):
        save_model(model, tmp_path / "no_folder" / "m.eigenface")
    with pytest.raises(EigenfaceError, match=r"\.eigenface or \.joblib"):
        save_model(model, tmp_path / "m.pth")


@pytest.mark.parametrize("suffix", ["eigenface", "joblib"])
def test_a_full_disk_is_one_error_and_leaves_the_old_file(model: FaceClassifier, tmp_path: Path, suffix: str) -> None:
    import resource

    path = tmp_path / f"m.{suffix}"
    path.write_bytes(b"old")
    limits, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    assert model.pipeline_
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
        with pytest.raises(ModelError, match="cannot be written") as caught:
            save_model(model, path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert caught.value.code == "cannot_write"
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]

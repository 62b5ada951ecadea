"""People are enrolled, recognised and forgotten; the file survives kills, crowds and other people's files."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eigenface.datasets.drawn import DrawnFaces, draw_photo, make_faces
from eigenface.embedding import FaceEmbedder
from eigenface.errors import EigenfaceError, RequestError
from eigenface.gallery import Gallery, model_hash
from eigenface.image import Picture
from eigenface.likeness import main_portrait, most_like
from eigenface.people import UNKNOWN, People, threshold_for
from eigenface.program import Operation, Program
from eigenface.recognise import recognise
from eigenface.register import LONGEST_NAME, Register, checked_name
from eigenface.store import load_model, save_model
from eigenface.types import Pixels, Rows

ADA, BO, CLEO, STRANGER = "female_000", "female_003", "male_001", "male_003"


@pytest.fixture(scope="module")
def people() -> DrawnFaces:
    return make_faces(("female", "male"), 40, size=(60, 90), random_state=2)


@pytest.fixture
def of(people: DrawnFaces) -> Callable[[str], list[Pixels]]:
    return lambda group: [people.crops[i] for i in np.flatnonzero(people.groups == group)]


@pytest.fixture
def gallery(tmp_path: Path, embedder: FaceEmbedder) -> Gallery:
    return Gallery(tmp_path / "people.gallery", embedder)


def unit_rows(n: int, d: int = 64, seed: int = 0) -> Rows:
    rows = np.random.default_rng(seed).normal(size=(n, d))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def test_people_of_one_picture_and_of_three_are_told_apart_and_strangers_are_unknown(
    gallery: Gallery, embedder: FaceEmbedder, of: Callable[[str], list[Pixels]]
) -> None:
    assert gallery.identify(embedder.embed(of(ADA)[:1]))[0].name == UNKNOWN, "an empty gallery knows nobody"
    assert gallery.enroll("Ada", of(ADA)[:1]) == 1
    assert gallery.enroll("Bo", of(BO)[:3]) == 3
    assert gallery.enroll("Cleo", of(CLEO)[:2]) == 2
    for name, group in (("Ada", ADA), ("Bo", BO), ("Cleo", CLEO), (UNKNOWN, STRANGER)):
        match = gallery.identify(embedder.embed(of(group)[-1:]))[0]
        assert match.name == name
        assert 0.5 < match.probability <= 1
        assert -1 <= match.similarity <= 1
    near = gallery.near(embedder.embed(of(BO)[-1:])[0], 2)
    assert near[0].name == "Bo"
    assert near[0].similarity >= near[1].similarity
    assert [(one.name, one.pictures) for one in gallery.people()] == [("Ada", 1), ("Bo", 3), ("Cleo", 2)]


def test_the_line_asks_a_gallery_like_any_model(gallery: Gallery, embedder: FaceEmbedder, tmp_path: Path) -> None:
    photo, _ = draw_photo(2, (300, 420))
    portrait = main_portrait(photo, embedder)
    gallery.enroll("Ada", [portrait.crop])
    known = gallery.as_model()
    assert known.classes_.tolist() == ["Ada", UNKNOWN]
    answer = recognise(photo, [known])
    assert (answer.task, answer.model) == ("identity", "identity")
    assert {face.label for face in answer.faces} == {"Ada", UNKNOWN}
    for face in answer.faces:
        assert sum(face.probabilities.values()) == pytest.approx(1)
        assert list(face.probabilities) == ["Ada", UNKNOWN]
    assert known.predict_proba([]).shape == (0, 2)
    with pytest.raises(RequestError):
        _ = known.pipeline_


def test_a_label_changes_where_the_threshold_says_so(embedder: FaceEmbedder) -> None:
    people = People(embedder, ["a", "b", "c"], np.eye(3, 4, dtype=np.float32), false_accepts=0.05)
    assert people.threshold == pytest.approx(threshold_for(embedder, 1 - 0.95 ** (1 / 3)))
    for cosine, name in ((people.threshold - 1e-3, UNKNOWN), (people.threshold + 1e-3, "b")):
        row = np.array([[0, cosine, 0, (1 - cosine**2) ** 0.5]], np.float32)
        assert people.identify(row)[0].name == name


def test_a_mean_of_many_pictures_is_between_its_own_length_and_one(embedder: FaceEmbedder) -> None:
    means = np.array([[1.0, 0], [0, 0.5], [0, 0]], np.float32)
    people = People(embedder, ["one picture", "many", "nothing"], means, false_accepts=0.05)
    lengths = np.linalg.norm(people.rows, axis=1)
    assert lengths[0] == pytest.approx(1)
    assert 0.5 < lengths[1] < 1
    assert lengths[2] == 0


def test_rarer_rates_ask_for_more_likeness(embedder: FaceEmbedder) -> None:
    rates = (0.9, 0.5, 0.05, 0.001, 1e-4, 1e-6, 1e-12)
    thresholds = [threshold_for(embedder, rate) for rate in rates]
    assert thresholds == sorted(thresholds)
    assert thresholds[-1] < 1
    assert threshold_for(embedder, 0.01) == pytest.approx(embedder.threshold_for(0.01))


def test_the_same_face_is_kept_once(gallery: Gallery, of: Callable[[str], list[Pixels]]) -> None:
    assert gallery.enroll("Ada", of(ADA)[:2]) == 2
    assert gallery.enroll("Ada", of(ADA)[:3]) == 1
    assert gallery.people()[0].pictures == 3


def test_another_object_sees_what_was_enrolled_and_forgotten(
    gallery: Gallery, embedder: FaceEmbedder, of: Callable[[str], list[Pixels]]
) -> None:
    other = Gallery(gallery.path, embedder, create=False)
    gallery.enroll("Ada", of(ADA))
    assert other.as_model().names == ("Ada",)
    assert other.as_model() is other.as_model(), "read again only where the file has changed"
    gallery.forget("Ada")
    assert other.as_model().names == ()


def test_what_is_forgotten_is_no_longer_in_the_file(tmp_path: Path) -> None:
    register, rows = Register(tmp_path / "g", create=True), unit_rows(40)
    register.add("Somebody Secret", rows[:20], model="m", model_hash="h")
    register.add("Else", rows[20:], model="m", model_hash="h")
    kept = [row.tobytes() for row in rows.astype("<f2")]
    data = (tmp_path / "g").read_bytes()
    assert all(row in data for row in kept)
    assert b"Somebody Secret" in data
    assert register.forget("Somebody Secret") == 20
    data = (tmp_path / "g").read_bytes()
    assert not any(row in data or row[:40] in data for row in kept[:20])
    assert all(row in data for row in kept[20:])
    assert b"Secret" not in data
    assert [path.name for path in tmp_path.iterdir()] == ["g"]


def test_forgetting_leaves_nothing_even_where_the_file_cannot_shrink(tmp_path: Path) -> None:
    register, rows = Register(tmp_path / "g", create=True), unit_rows(6)
    register.add("Ada", rows[:3], model="m", model_hash="h")
    register.add("Bo", rows[3:], model="m", model_hash="h")
    with contextlib.closing(sqlite3.connect(tmp_path / "g")) as reading:
        reading.execute("pragma secure_delete = off")
        reading.execute("vacuum")
    register._connect = lambda: _without_vacuum(Register._connect(register))  # type: ignore[method-assign]
    register.forget("Ada")
    data = (tmp_path / "g").read_bytes()
    assert not any(row.tobytes()[:40] in data for row in rows[:3].astype("<f2"))


class _Refusing(sqlite3.Connection):
    def execute(self, sql: str, *more: Any) -> sqlite3.Cursor:
        if sql == "vacuum":
            raise sqlite3.OperationalError("database is locked")
        return super().execute(sql, *more)


def _without_vacuum(connection: sqlite3.Connection) -> sqlite3.Connection:
    path = connection.execute("pragma database_list").fetchone()[2]
    connection.close()
    refusing = sqlite3.connect(path, isolation_level=None, factory=_Refusing)
    refusing.execute("pragma secure_delete = on")
    return refusing


def test_the_file_is_its_owners_alone_and_holds_no_picture(gallery: Gallery, of: Callable[[str], list[Pixels]]) -> None:
    gallery.enroll("Ada", of(ADA))
    if os.name == "posix":
        assert stat.S_IMODE(gallery.path.stat().st_mode) == 0o600
    with contextlib.closing(sqlite3.connect(gallery.path)) as connection:
        ((person, row, added),) = connection.execute("select * from pictures limit 1").fetchall()
    assert isinstance(person, int)
    assert len(row) == 2 * gallery.model.dimensions
    assert len(added) == 25


WRITER = """
import sys, numpy as np
from eigenface.register import Register
register = Register(sys.argv[1], create=True)
rng = np.random.default_rng(int(sys.argv[2]))
for number in range(100000):
    rows = rng.normal(size=(int(sys.argv[3]), 256)).astype(np.float32)
    register.add(f"person {sys.argv[2]} {number}", rows, model="m", model_hash="h")
    print(number, flush=True)
"""


@pytest.mark.parametrize("rows", [1, 4000])
def test_a_killed_process_leaves_what_it_said_was_kept(tmp_path: Path, rows: int) -> None:
    path = tmp_path / "g"
    for turn in range(4):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path), str(turn), str(rows)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout
        process.stdout.readline()  # it is at work
        time.sleep(0.05 + 0.07 * turn)
        process.send_signal(signal.SIGKILL)
        said = 1 + process.stdout.read().count("\n")
        process.wait()
        process.stdout.close()
        known = {person.name: person.pictures for person in Register(path).people()}
        assert all(known[f"person {turn} {number}"] == rows for number in range(said))
        assert set(known.values()) == {rows}, "an enrolment is whole or was not"
        with contextlib.closing(sqlite3.connect(path)) as connection:
            assert connection.execute("pragma integrity_check").fetchone() == ("ok",)


def test_processes_and_threads_at_once_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "g"
    script = WRITER.replace("100000", "15")
    writers = [
        subprocess.Popen([sys.executable, "-c", script, str(path), str(turn), "2"], stdout=subprocess.DEVNULL)
        for turn in range(2)
    ]
    register = Register(path, create=True)

    def work(number: int) -> int:
        register.add(f"thread {number}", unit_rows(2, 256, number), model="m", model_hash="h")
        return len(register.means("h")[1])

    with ThreadPoolExecutor(4) as pool:
        assert min(pool.map(work, range(12))) > 0
    assert [writer.wait(60) for writer in writers] == [0, 0]
    assert len(register.people()) == 12 + 2 * 15


def test_ten_thousand_people_are_answered_in_milliseconds(tmp_path: Path, embedder: FaceEmbedder) -> None:
    rows = unit_rows(10_000, 300)
    gallery = Gallery(tmp_path / "g", embedder)
    register = gallery._register
    with register._changed() as connection:
        connection.executemany("insert into people values (?, ?)", [(i, f"p{i:05d}") for i in range(10_000)])
        connection.executemany(
            "insert into pictures values (?, ?, '')", [(i, row.tobytes()) for i, row in enumerate(rows.astype("<f2"))]
        )
    asked = rows[[7, 4321]] + 0.01 * unit_rows(2, 300, 1)
    asked /= np.linalg.norm(asked, axis=1, keepdims=True)
    assert [match.name for match in gallery.identify(asked)] == ["p00007", "p04321"]
    seconds = []
    for _ in range(5):
        began = time.perf_counter()
        gallery.identify(asked[:1])
        seconds.append(time.perf_counter() - began)
    assert min(seconds) < 0.02
    register.add("one more", unit_rows(1, 300, 2), model="identity", model_hash=model_hash(embedder))
    began = time.perf_counter()
    assert gallery.identify(unit_rows(1, 300, 2))[0].name == "one more"
    assert time.perf_counter() - began < 1


def test_rows_of_another_model_are_refused(
    gallery: Gallery, embedder: FaceEmbedder, of: Callable[[str], list[Pixels]]
) -> None:
    other = replaced(embedder, scale=1.5)
    Gallery(gallery.path, other)  # nobody is in it yet
    gallery.enroll("Ada", of(ADA))
    with pytest.raises(RequestError, match="another model") as refusal:
        Gallery(gallery.path, other)
    assert refusal.value.code == "other_model"
    assert "\n" not in str(refusal.value)
    Register(gallery.path).forget("Ada")  # to be forgotten needs no model
    assert Gallery(gallery.path, other).enroll("Ada", of(ADA)) > 0
    with pytest.raises(RequestError, match="another model"):
        gallery.enroll("Bo", of(BO))


def replaced(embedder: FaceEmbedder, *, scale: float) -> FaceEmbedder:
    meta = {**embedder.meta, "crop": {"scale": scale}, "odds": embedder.odds.as_dict()}
    return type(embedder)(meta, program=embedder.program)


def test_a_models_hash_is_of_what_it_computes(embedder: FaceEmbedder) -> None:
    program = embedder.program
    assert program
    mine = model_hash(embedder)
    wider = [
        Operation(
            op.name, dict(op.settings), {role: np.asarray(a, np.float64) for role, a in op.arrays.items()}, op.branches
        )
        for op in program.operations
    ]
    meta = {**embedder.meta, "odds": embedder.odds.as_dict()}
    assert model_hash(type(embedder)({**meta, "name": "other"}, program=Program(wider))) == mine
    assert model_hash(replaced(embedder, scale=1.5)) != mine
    space = replace(wider[-2], arrays={role: 1.01 * a for role, a in wider[-2].arrays.items()})
    assert model_hash(type(embedder)(meta, program=Program([*wider[:-2], space, wider[-1]]))) != mine
    with pytest.raises(RequestError, match="folding rule"):
        model_hash(type(embedder)(meta, program=None))


def test_a_saved_model_knows_the_people_that_it_was_given_before(
    gallery: Gallery, embedder: FaceEmbedder, of: Callable[[str], list[Pixels]], tmp_path: Path
) -> None:
    gallery.enroll("Ada", of(ADA))
    save_model(embedder, tmp_path / "mine.eigenface")
    loaded = load_model(tmp_path / "mine.eigenface")
    assert isinstance(loaded, FaceEmbedder)
    assert model_hash(loaded) == model_hash(embedder)
    match = Gallery(gallery.path, loaded, create=False).identify(loaded.embed(of(ADA)[:1]))[0]
    assert match.name == "Ada"


def test_what_is_no_gallery_is_refused_in_one_line(tmp_path: Path, embedder: FaceEmbedder) -> None:
    words, database = tmp_path / "words", tmp_path / "database"
    words.write_text("no database " * 100)
    with contextlib.closing(sqlite3.connect(database)) as connection:
        connection.execute("create table something (x)")
    before = database.read_bytes()
    for path, code in (
        (words, "not_a_gallery"),
        (database, "not_a_gallery"),
        (tmp_path, "not_a_gallery"),
        (Path("a\0b"), "not_a_gallery"),
        (tmp_path / "none", "no_gallery"),
    ):
        with pytest.raises(RequestError) as refusal:
            Gallery(path, embedder, create=False)
        assert refusal.value.code == code
        assert "\n" not in str(refusal.value)
    assert database.read_bytes() == before
    with pytest.raises(RequestError) as refusal:
        Gallery(tmp_path / "no folder" / "g", embedder)
    assert refusal.value.code == "cannot_write"
    for rate in (0.0, 1.0, -1.0, float("nan")):
        with pytest.raises(RequestError, match="rate"):
            Gallery(tmp_path / "g", embedder, false_accepts=rate)
    assert not (tmp_path / "g").exists()


def test_damage_is_told_in_one_line(
    gallery: Gallery, embedder: FaceEmbedder, of: Callable[[str], list[Pixels]]
) -> None:
    gallery.enroll("Ada", of(ADA))
    data = bytearray(gallery.path.read_bytes())
    data[4096:] = bytes([85]) * (len(data) - 4096)
    gallery.path.write_bytes(data)
    with pytest.raises(RequestError) as refusal:
        Gallery(gallery.path, embedder).people()
    assert refusal.value.code == "not_a_gallery"
    gallery.path.unlink()
    with pytest.raises(RequestError) as refusal:
        gallery.people()
    assert refusal.value.code == "no_gallery"


def test_rows_of_two_lengths_are_damage(tmp_path: Path) -> None:
    register = Register(tmp_path / "g", create=True)
    register.add("Ada", unit_rows(1, 8), model="m", model_hash="h")
    register.add("Bo", unit_rows(1, 9), model="m", model_hash="h")
    with pytest.raises(RequestError) as refusal:
        register.means("h")
    assert refusal.value.code == "not_a_gallery"


def test_a_locked_gallery_is_said_to_be_busy(gallery: Gallery, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("eigenface.register._PATIENCE", 0.05)
    with contextlib.closing(sqlite3.connect(gallery.path, isolation_level=None)) as other:
        other.execute("begin exclusive")
        with pytest.raises(RequestError) as refusal:
            gallery.people()
    assert refusal.value.code == "gallery_busy"


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "a\0b", "\u202eabc", "x" * (LONGEST_NAME + 1), "Unknown", "\ud800"])
def test_names_that_are_none_are_refused(gallery: Gallery, of: Callable[[str], list[Pixels]], name: str) -> None:
    for change in (lambda: gallery.enroll(name, of(ADA)), lambda: gallery.forget(name)):
        with pytest.raises(RequestError) as refusal:
            change()
        assert refusal.value.code == "bad_name"
        str(refusal.value).encode()
    assert gallery.people() == []


@pytest.mark.parametrize(
    "name", ["Ada", "安娜", "O'Hara; drop table people", "می\u200cخواهم", "x" * LONGEST_NAME, "-", "a/b"]
)
def test_any_text_is_a_name(gallery: Gallery, of: Callable[[str], list[Pixels]], name: str) -> None:
    gallery.enroll(f" {name}\n", of(ADA))
    assert [person.name for person in gallery.people()] == [name]
    gallery.forget(name)
    assert gallery.people() == []


def test_names_are_one_however_an_accent_is_typed() -> None:
    assert checked_name("Ame\u0301lie") == "Am\u00e9lie"


def test_nobody_is_forgotten_by_mistake(gallery: Gallery, of: Callable[[str], list[Pixels]]) -> None:
    gallery.enroll("Ada", of(ADA))
    with pytest.raises(RequestError, match="Did you mean Ada") as refusal:
        gallery.forget("Adda")
    assert refusal.value.code == "unknown_person"
    with pytest.raises(RequestError, match="no face"):
        gallery.enroll("Bo", [])
    assert [person.name for person in gallery.people()] == ["Ada"]


def test_the_main_face_is_large_and_central(embedder: FaceEmbedder) -> None:
    photo, boxes = draw_photo(3, (300, 600))
    portrait = main_portrait(photo, embedder)
    middle = min(boxes, key=lambda box: abs(box.centre[0] - 300))
    assert portrait.box.iou(middle) > 0.4
    assert portrait.faces == 3
    assert "3 faces" in portrait.warnings[-1]
    assert isinstance(portrait.picture, Picture)
    with pytest.raises(EigenfaceError) as refusal:
        main_portrait(np.full((90, 90, 3), 99, np.uint8), embedder)
    assert refusal.value.code == "no_face"
    row = embedder.embed([portrait.crop])[0]
    likeness = most_like(row, photo, embedder)
    assert likeness
    assert likeness.box == portrait.box
    assert likeness.similarity == pytest.approx(1, abs=1e-4)
    assert most_like(row, np.full((90, 90, 3), 99, np.uint8), embedder) is None

"""People are enrolled, recognised and forgotten; other people's files are refused."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import stat
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from unit_rows import unit_rows

from eigenface.datasets.drawn import DrawnFaces, draw_photo, make_faces
from eigenface.embedding import FaceEmbedder
from eigenface.errors import RequestError
from eigenface.gallery import Gallery, model_hash
from eigenface.likeness import main_portrait
from eigenface.people import UNKNOWN, People, threshold_for
from eigenface.program import Operation, Program
from eigenface.recognise import recognise
from eigenface.register import LONGEST_NAME, Register
from eigenface.store import load_model, save_model
from eigenface.types import Pixels

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


def test_the_file_is_its_owners_alone_and_holds_no_picture(gallery: Gallery, of: Callable[[str], list[Pixels]]) -> None:
    gallery.enroll("Ada", of(ADA))
    if os.name == "posix":
        assert stat.S_IMODE(gallery.path.stat().st_mode) == 0o600
    with contextlib.closing(sqlite3.connect(gallery.path)) as connection:
        ((person, row, added),) = connection.execute("select * from pictures limit 1").fetchall()
    assert isinstance(person, int)
    assert len(row) == 2 * gallery.model.dimensions
    assert len(added) == 25


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


def test_nobody_is_forgotten_by_mistake(gallery: Gallery, of: Callable[[str], list[Pixels]]) -> None:
    gallery.enroll("Ada", of(ADA))
    with pytest.raises(RequestError, match="Did you mean Ada") as refusal:
        gallery.forget("Adda")
    assert refusal.value.code == "unknown_person"
    with pytest.raises(RequestError, match="no face"):
        gallery.enroll("Bo", [])
    assert [person.name for person in gallery.people()] == ["Ada"]

"""What a task is: a declaration. Everything that differs between gender and blood stands in one of these."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from eigenface.augment import Copies
from eigenface.crops import CropSpec

PipelineFactory = Callable[[], Any]
"""Makes an unfitted scikit-learn Pipeline; scikit-learn is imported when it is called, not before."""


@dataclass(frozen=True, slots=True)
class Source:
    """Pictures that a shipped model learns from.

    Parameters
    ----------
    path : str
        Below the data folder.
    whole : bool
        Its pictures are face crops already.
    skip : tuple of str
        Labels that are not learned.
    least : mapping
        Extra columns and the least number in them, such as {"age": 5}.
    labels : mapping
        The task's names for labels that are called otherwise here.
    aside : (column, value), optional
        Which pictures are kept aside to judge by, where the makers said so; a share by hash without it.
    """

    path: str
    whole: bool = False
    skip: tuple[str, ...] = ()
    least: Mapping[str, float] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    aside: tuple[str, str] | None = None

    @property
    def name(self) -> str:
        """The file's name without its suffixes."""
        return self.path.rsplit("/", 1)[-1].split(".")[0]


@dataclass(frozen=True, slots=True)
class Task:
    """A question about a face.

    Parameters
    ----------
    name : str
        Its name on the command line, in paths and in JSON.
    question : str
        What is asked, for people.
    kind : {"closed", "open"}
        Closed: always one of `classes`. Open: people are enrolled, and a face may be unknown.
    classes : tuple of str
        Class names; empty where the data bring them.
    crop : CropSpec
        How faces are framed.
    pipelines : mapping of str to factory
        Model variants: `""` is the one that wins, `eigenfaces` the plain one.
    grids : mapping of str to factory of a parameter grid
        What `tune` searches for each variant.
    baseline : factory, optional
        A simple rule to stand beside; the most frequent class without one.
    sources : tuple of Source
        What the shipped models learn from.
    limits : tuple of str
        Sentences for the card: when not to use this, and why.
    smallest_face : int
        Side in pixels of the smallest box that is not sent to review.
    copies : tuple of Copies
        Changed copies of training faces that models learn from as well.
    most_a_person : int
        Training faces of one person that count, so that nobody decides alone; 0 for all.
    test_share : float
        Share of each source kept aside to judge the shipped models by.
    """

    name: str
    question: str
    pipelines: Mapping[str, PipelineFactory]
    kind: Literal["closed", "open"] = "closed"
    classes: tuple[str, ...] = ()
    crop: CropSpec = field(default_factory=CropSpec)
    grids: Mapping[str, Callable[[], dict[str, list[Any]]]] = field(default_factory=dict)
    baseline: PipelineFactory | None = None
    sources: tuple[Source, ...] = ()
    limits: tuple[str, ...] = ()
    smallest_face: int = 24
    copies: tuple[Copies, ...] = ()
    most_a_person: int = 0
    test_share: float = 0.25

    def model_name(self, variant: str) -> str:
        """Name of the model of one variant: `gender`, `gender:eigenfaces`."""
        return f"{self.name}:{variant}" if variant else self.name

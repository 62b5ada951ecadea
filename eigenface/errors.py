"""What can go wrong that a user can mend: each error says what, where, what is allowed and what to do.

A program reads `code`, a person `message` and `hint`. A bug is not one of these: it shows its traceback.
"""

from __future__ import annotations


class EigenfaceError(Exception):
    """Base of every error that a user, not a programmer, can mend.

    Parameters
    ----------
    code : str
        A stable word for programs, such as `not_a_picture`.
    message : str
        What happened and where: one sentence without its final stop.
    hint : str
        What is allowed or what to do: one sentence.
    """

    def __init__(self, code: str, message: str, hint: str = "") -> None:
        super().__init__(code, message, hint)
        self.code, self.message, self.hint = code, message, hint

    def __str__(self) -> str:
        return f"{self.message}. {self.hint}" if self.hint else self.message

    def as_dict(self) -> dict[str, str]:
        """The error as the JSON of command line and REST."""
        return {"code": self.code, "message": self.message, "hint": self.hint}


class PictureError(EigenfaceError):
    """A picture cannot be read: empty, damaged, too large, or no picture at all."""


class ModelError(EigenfaceError):
    """A saved model cannot be used: missing, damaged, of another version, or not to be trusted."""


class DataError(EigenfaceError):
    """Training or evaluation data cannot be used as they are."""


class RequestError(EigenfaceError):
    """The request itself is wrong: an unknown task, option or file."""


class MissingExtraError(EigenfaceError):
    """An optional dependency is not installed; the hint names the extra that brings it."""

"""Questions as data: what is asked, in which words, and from which day of which service (R-SRCH-5, R-REG-13).

`data/questions/`: a file per question with all its versions, oldest first. `data/services/`: a file
per service with the questions it has and the day each is switched on. A new question or a new
service is a file more; a question whose options change gets a new version with its own first day.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from contracts.registration import ChoiceOption, ChoiceQuestion
from contracts.values import ChoiceKind, Provenance
from services.registration.choices.domain import Option, Question, leaves_gap

FOLDER = Path(__file__).parent / "data"
_VERSIONS = TypeAdapter(tuple[ChoiceQuestion, ...])


class QuestionFault(Exception):
    """A question file contradicts itself or another; the service does not start with it."""


class _SwitchedOn(BaseModel):
    """One question of a service, from its day on."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    code: str
    first_day: date = Field(alias="from")
    last_day: date | None = Field(default=None, alias="until")
    sources: dict[str, Provenance]


class _ServiceFile(BaseModel):
    """The questions of one service."""

    model_config = ConfigDict(extra="forbid")

    service: str
    questions: tuple[_SwitchedOn, ...]


def read_questions(folder: Path = FOLDER) -> dict[str, tuple[ChoiceQuestion, ...]]:
    """The questions of every service, each with the days it is asked on.

    Raises:
        QuestionFault: a file cannot be read, contradicts itself, or names a question that no file holds.
    """
    catalogue = dict(_read_catalogue(folder / "questions"))
    found: dict[str, tuple[ChoiceQuestion, ...]] = {}
    for path, document in _documents(folder / "services"):
        try:
            switched = _ServiceFile.model_validate(document)
        except ValidationError as error:
            raise QuestionFault(f"{path.name} does not fit its form") from error
        if switched.service in found:
            raise QuestionFault(f"{path.name}: another file holds the questions of {switched.service}")
        found[switched.service] = tuple(_asked(path, switched, catalogue))
    return found


def as_rule(question: ChoiceQuestion) -> Question:
    """What the rules need of a question."""
    return Question(
        code=question.code,
        kind=question.kind,
        valid_from=question.valid_from,
        valid_to=question.valid_to,
        options=tuple(_option(option) for option in question.options),
        minimum=question.minimum,
        maximum=question.maximum,
    )


def is_older(ours: Iterable[ChoiceQuestion], stored: Iterable[ChoiceQuestion]) -> bool:
    """Whether what is stored holds all of ours and more: a newer release has been here (a rolling update)."""
    return _keys(ours) < _keys(stored)


def _keys(questions: Iterable[ChoiceQuestion]) -> set[tuple[str, int, date]]:
    return {(each.code, each.question_version, each.valid_from) for each in questions}


def _documents(folder: Path) -> Iterator[tuple[Path, Any]]:
    for path in sorted(folder.glob("*.json")):
        yield path, json.loads(path.read_text(encoding="utf-8"))


def _read_catalogue(folder: Path) -> Iterator[tuple[str, tuple[ChoiceQuestion, ...]]]:
    for path, document in _documents(folder):
        try:
            versions = _VERSIONS.validate_python(document, extra="forbid")
        except ValidationError as error:
            raise QuestionFault(f"{path.name} does not fit its form") from error
        if {version.code for version in versions} != {path.stem}:
            raise QuestionFault(f"{path.name} does not hold exactly the question of its name")
        for earlier, later in pairwise(versions):
            if earlier.question_version >= later.question_version:
                raise QuestionFault(f"{path.name}: version numbers do not rise")
            if earlier.valid_to is None or earlier.valid_to >= later.valid_from:
                raise QuestionFault(f"{path.name}: two versions are in force on {later.valid_from}")
        for version in versions:
            if not _can_be_answered(version):
                raise QuestionFault(f"{path.name}: version {version.question_version} cannot be answered")
        yield path.stem, versions


def _can_be_answered(question: ChoiceQuestion) -> bool:
    codes = [option.code for option in question.options]
    if question.kind is ChoiceKind.NUMBER:
        least, most = question.minimum, question.maximum
        return not codes and (least is None or most is None or least <= most)
    return len(codes) > 1 and len(set(codes)) == len(codes) and not leaves_gap(map(_option, question.options))


def _option(option: ChoiceOption) -> Option:
    return Option(option.code, option.at_least, option.below)


def _asked(
    path: Path, switched: _ServiceFile, catalogue: Mapping[str, Sequence[ChoiceQuestion]]
) -> Iterator[ChoiceQuestion]:
    codes = [each.code for each in switched.questions]
    if len(set(codes)) != len(codes):
        raise QuestionFault(f"{path.name} names a question twice")
    for each in switched.questions:
        if each.code not in catalogue:
            raise QuestionFault(f"{path.name}: there is no question {each.code}")
        asked = [version for version in catalogue[each.code] for version in _on_its_days(version, each)]
        if not asked:
            raise QuestionFault(f"{path.name}: {each.code} is never asked")
        yield from asked


def _on_its_days(version: ChoiceQuestion, switched: _SwitchedOn) -> Iterator[ChoiceQuestion]:
    """The version on the days on which both it is in force and the service has its question."""
    first_day = max(version.valid_from, switched.first_day)
    last_days = [day for day in (version.valid_to, switched.last_day) if day is not None]
    last_day = min(last_days, default=None)
    if last_day is None or first_day <= last_day:
        sources = {**version.sources, "valid_from": switched.sources["from"], "asked": switched.sources["asked"]}
        yield version.model_copy(update={"valid_from": first_day, "valid_to": last_day, "sources": sources})

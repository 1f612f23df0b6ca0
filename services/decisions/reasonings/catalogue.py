"""The catalogue of reasonings: read once from the data files, a file per code with all its versions, oldest first.

A version that decisions were made with stays as it is: new words are a new version with its own first
day. A new reasoning is a file more.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import date
from enum import StrEnum
from itertools import pairwise
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from contracts.refusals import Invalid
from contracts.values import Provenance
from services.decisions.domain import Reasoning

FOLDER = Path(__file__).parent / "data"


class ReasoningKind(StrEnum):
    """What a reasoning is given for."""

    GRANT = "grant"
    REJECTION = "rejection"
    REVOCATION = "revocation"


class ReasoningFault(Exception):
    """A reasoning file contradicts itself or another; the service does not start with it."""


class Texts(BaseModel):
    """The words in both languages a decision is given in."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    fi: str
    sv: str


class TemplateVersion(BaseModel):
    """The words of one version, in force on its first and last day as well."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    reasoning_version: int
    valid_from: date
    valid_to: date | None = None
    texts: Texts

    def in_force(self, on: date) -> bool:
        """Whether a decision of this day is reasoned in these words."""
        return self.valid_from <= on and (self.valid_to is None or on <= self.valid_to)


class Template(BaseModel):
    """A reasoning with all its versions; of each kind one is `usual`: meant where none is named."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    code: str
    kind: ReasoningKind
    usual: bool
    source: Provenance
    versions: tuple[TemplateVersion, ...]


Catalogue = Mapping[str, Template]


def read_catalogue(folder: Path = FOLDER) -> Catalogue:
    """Every reasoning by its code.

    Raises:
        ReasoningFault: a file does not fit its form or its name, its versions are out of order or overlap,
            or a kind has not exactly one usual reasoning.
    """
    found = {template.code: template for template in _read(folder)}
    for kind in ReasoningKind:
        if sum(template.usual for template in found.values() if template.kind is kind) != 1:
            raise ReasoningFault(f"{kind} has not exactly one usual reasoning")
    return found


def _read(folder: Path) -> Iterator[Template]:
    for path in sorted(folder.glob("*.json")):
        try:
            template = Template.model_validate(json.loads(path.read_text(encoding="utf-8")))
        except (ValidationError, ValueError) as error:
            raise ReasoningFault(f"{path.name} does not fit its form") from error
        if path.stem != template.code.lower() or not template.versions:
            raise ReasoningFault(f"{path.name} does not hold the versions of the reasoning it is named after")
        for earlier, later in pairwise(template.versions):
            if earlier.reasoning_version >= later.reasoning_version:
                raise ReasoningFault(f"{path.name}: version numbers do not rise")
            if earlier.valid_to is None or earlier.valid_to >= later.valid_from:
                raise ReasoningFault(f"{path.name}: two versions are in force on {later.valid_from}")
        yield template


CATALOGUE = read_catalogue()


def choose(kind: ReasoningKind, code: str | None, on: date, catalogue: Catalogue = CATALOGUE) -> Reasoning:
    """The reasoning of a code, or the usual one of its kind, in the version in force on a day.

    Raises:
        Invalid: REASONING_UNKNOWN, also for a code of another kind or one not in force that day.
    """
    for template in catalogue.values():
        if template.kind is kind and (template.usual if code is None else template.code == code):
            for version in template.versions:
                if version.in_force(on):
                    return Reasoning(template.code, version.reasoning_version)
    raise Invalid("REASONING_UNKNOWN", kind=kind, day=on)


def for_grant(planned: Reasoning | None, on: date, catalogue: Catalogue = CATALOGUE) -> Reasoning:
    """What a waiting application is granted with: what was planned, in the words of the day; else the usual one."""
    try:
        return choose(ReasoningKind.GRANT, planned.code if planned else None, on, catalogue)
    except Invalid:
        return choose(ReasoningKind.GRANT, None, on, catalogue)


def words(reasoning: Reasoning, catalogue: Catalogue = CATALOGUE) -> Texts:
    """The words of a reasoning as they were when it was given."""
    versions = {version.reasoning_version: version.texts for version in catalogue[reasoning.code].versions}
    return versions[reasoning.version]

"""Service descriptions: versioned data files, stored and published when they change (R-REG-13).

A file holds all versions of one service's description, oldest first. A version that decisions
have been made under is kept as it is (E-13): new rules are a new version with its own first day.
"""

import json
from collections.abc import Iterable, Sequence
from datetime import date
from itertools import pairwise
from pathlib import Path

from pydantic import TypeAdapter

from chassis.db import Transaction
from contracts.refusals import NotFound
from contracts.registration import ChoiceQuestion, ServiceDescription, ServiceDescriptionPublished
from services.registration import store
from services.registration.acts import Act
from services.registration.choices import questions as choice_questions
from services.registration.choices import store as choices
from services.registration.domain import Offer

FOLDER = Path(__file__).parent / "service_descriptions"
_VERSIONS = TypeAdapter(tuple[ServiceDescription, ...])


class DescriptionFault(Exception):
    """A description file contradicts itself; the service does not start with it."""


def read_descriptions(folder: Path = FOLDER) -> dict[str, tuple[ServiceDescription, ...]]:
    """All versions of every service's description, by service.

    Raises:
        DescriptionFault: versions of one service overlap, are out of order, or two files name one service.
    """
    found: dict[str, tuple[ServiceDescription, ...]] = {}
    for path in sorted(folder.glob("*.json")):
        versions = _VERSIONS.validate_python(json.loads(path.read_text(encoding="utf-8")), extra="forbid")
        services = {version.service for version in versions}
        if len(services) != 1 or services & found.keys():
            raise DescriptionFault(f"{path.name} does not hold exactly one service of its own")
        for earlier, later in pairwise(versions):
            if earlier.description_version >= later.description_version:
                raise DescriptionFault(f"{path.name}: version numbers do not rise")
            if earlier.valid_to is None or earlier.valid_to >= later.valid_from:
                raise DescriptionFault(f"{path.name}: two versions are in force on {later.valid_from}")
        found[services.pop()] = versions
    return found


async def load_descriptions(
    tx: Transaction, folder: Path = FOLDER, questions_folder: Path = choice_questions.FOLDER
) -> None:
    """Store and publish what the data files say, where it differs from what is stored (R-REG-13).

    Raises:
        DescriptionFault, QuestionFault: a file contradicts itself, or has questions of a service without description.
    """
    described = read_descriptions(folder)
    asked = choice_questions.read_questions(questions_folder)
    if asked.keys() - described.keys():
        raise DescriptionFault(f"questions of services without description: {sorted(asked.keys() - described.keys())}")
    for service, versions in sorted(described.items()):
        await publish_descriptions(tx, service, versions, asked.get(service, ()))


async def publish_descriptions(
    tx: Transaction,
    service: str,
    versions: Sequence[ServiceDescription],
    questions: Sequence[ChoiceQuestion] | None = None,
) -> None:
    """Store and publish one service's descriptions and its questions; without `questions` those stored stay.

    Nothing happens where they are stored already, or where a newer release of this service has
    stored a version that this one does not have yet (a rolling update).
    """
    version = await store.lock_service(tx, service)
    stored, asked = await _stored(tx, service), await choices.find_questions(tx, service)
    if stored and stored[-1].description_version > versions[-1].description_version:
        return
    questions = asked if questions is None or choice_questions.is_older(questions, asked) else tuple(questions)
    if (stored, asked) == (tuple(versions), questions):
        return
    await store.set_descriptions(tx, service, version + 1, [each.model_dump(mode="json") for each in versions])
    await choices.set_questions(tx, service, questions)
    tx.audit(Act.PUBLISH_DESCRIPTIONS, f"service:{service}", version=version + 1)
    tx.emit(
        ServiceDescriptionPublished(
            version=version + 1, service=service, descriptions=tuple(versions), choice_questions=questions
        )
    )


async def get_descriptions(tx: Transaction, service: str) -> tuple[ServiceDescription, ...]:
    """All versions of one service's description, oldest first.

    Raises:
        NotFound: SERVICE_UNKNOWN.
    """
    versions = await _stored(tx, service)
    if not versions:
        raise NotFound("SERVICE_UNKNOWN")
    return versions


async def find_all_descriptions(tx: Transaction) -> list[tuple[ServiceDescription, ...]]:
    """All versions of every service's description, by service code."""
    found = await store.find_descriptions(tx, None)
    return [_VERSIONS.validate_python(documents) for _, documents in sorted(found.items())]


async def find_offers(tx: Transaction, service: str) -> list[Offer]:
    """What each version of a service's description lets providers contract for; empty for an unknown service."""
    return [Offer(version.languages, version.valid_from, version.valid_to) for version in await _stored(tx, service)]


def in_force(versions: Iterable[ServiceDescription], day: date) -> ServiceDescription:
    """The version in force on `day`; without one, the version that comes next, else the last one."""
    ordered = sorted(versions, key=lambda version: version.valid_from)
    return next((version for version in ordered if version.valid_to is None or day <= version.valid_to), ordered[-1])


async def _stored(tx: Transaction, service: str) -> tuple[ServiceDescription, ...]:
    found = await store.find_descriptions(tx, service)
    return _VERSIONS.validate_python(found.get(service, ()))

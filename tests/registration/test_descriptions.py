"""Service descriptions: data files whose every value says where it comes from."""

import asyncio
import json
from datetime import date

import pytest

from contracts.registration import ServiceDescription, ServiceDescriptionPublished
from contracts.values import DeliveryMode, Language, PeriodKind, Provenance
from services.registration import descriptions
from services.registration.descriptions import DescriptionFault, in_force, read_descriptions

FILES = read_descriptions()
NOT_PARAMETERS = {"service", "description_version", "valid_to", "names", "sources"}
WORDING = {"names.fi", "names.sv", "names.en", "target_groups.names"}
FACTS = {"is_course", "coverage", "languages", "valid_from"}
CODES = [
    "AUTISM_SEVERE_FAMILY",
    "CANCER_ADULT",
    "CANCER_COUPLES",
    "CARDIAC_ADULT",
    "CAREGIVER",
    "OMA_VAYLA",
    "RARE_CONNECTIVE_ADULT",
    "RHEUMA_ADULT",
]


def the(service: str) -> ServiceDescription:
    return FILES[service][-1]


def given_parameters(description: ServiceDescription) -> set[str]:
    """Parameters that have a value: not None, not empty, not an untouched switch."""
    return {
        name
        for name in ServiceDescription.model_fields.keys() - NOT_PARAMETERS
        if getattr(description, name) or name in FACTS
    }


def sources(description: ServiceDescription, provenance: Provenance) -> set[str]:
    return {name for name, source in description.sources.items() if source is provenance}


def test_every_service_of_the_tables_has_a_description():
    """R-REG-2, R-REG-13, table T5: six contracted services, the rare-disease course and Oma väylä."""
    assert sorted(FILES) == CODES
    assert [code for code in FILES if not the(code).is_course] == ["OMA_VAYLA"]


@pytest.mark.parametrize("service", CODES)
def test_every_value_says_where_it_comes_from(service):
    """Section 4: known, public or demo; nothing stands there without its source, and no source without a value."""
    description = the(service)
    expected = given_parameters(description) | {"names.fi", "names.sv", "names.en"}
    if description.target_groups:
        expected.add("target_groups.names")
    assert description.sources.keys() == expected


@pytest.mark.parametrize("service", sorted(set(CODES) - {"RARE_CONNECTIVE_ADULT", "CARDIAC_ADULT", "OMA_VAYLA"}))
def test_what_no_source_tells_is_marked_demo_or_left_out(service):
    """Section 4: only the kind, the coverage and the languages of these services are known."""
    description = the(service)
    known = FACTS | {"family_course"}
    assert sources(description, Provenance.DEMO) - WORDING == given_parameters(description) - known | {"valid_from"}
    assert description.total_duration_months is None
    assert description.periods == ()


def test_the_rare_connective_tissue_course_is_exactly_as_its_source_says():
    """R-CRS-3, R-CRS-4, R-CRS-19, R-CRS-22, R-CRS-23, R-CRS-31, R-CRS-35."""
    rare = the("RARE_CONNECTIVE_ADULT")
    assert (rare.group_min, rare.group_max) == (6, 12)
    assert (rare.confirm_min, rare.must_run_at) == (6, 7)
    assert (rare.confirm_within_months, rare.total_duration_months) == (6, 9)
    assert rare.total_duration_enforced
    assert rare.move_notice_days == 30
    assert len(rare.target_groups) == 3
    assert (rare.target_groups_min, rare.target_groups_max) == (1, 3)
    assert sources(rare, Provenance.SEED) == {
        "names.fi",
        "is_course",
        "coverage",
        "group_min",
        "group_max",
        "confirm_min",
        "must_run_at",
        "confirm_within_months",
        "total_duration_months",
        "total_duration_enforced",
        "move_notice_days",
        "target_groups",
        "target_groups_min",
        "target_groups_max",
    }
    assert rare.sources["target_groups.names"] is Provenance.DEMO
    assert all("demo" in group.names.en for group in rare.target_groups)


def test_the_heart_course_has_its_four_months_and_its_three_periods():
    """R-CRS-20, P4, P7, E-12 (total duration unknown, never enforced)."""
    heart = the("CARDIAC_ADULT")
    assert heart.confirm_within_months == 4
    assert heart.sources["confirm_within_months"] is Provenance.SEED
    assert heart.valid_from == date(2021, 4, 1)
    assert [(each.kind, each.mode, each.days) for each in heart.periods] == [
        (PeriodKind.OPENING, DeliveryMode.FACE_TO_FACE, 5),
        (PeriodKind.MIDDLE, DeliveryMode.FACE_TO_FACE, 5),
        (PeriodKind.CLOSING, DeliveryMode.FACE_TO_FACE, 5),
    ]
    assert heart.sources["periods"] is Provenance.PUBLIC
    assert heart.total_duration_months is None
    assert not heart.total_duration_enforced
    assert len(heart.target_groups) == 3
    assert {"group_min", "group_max", "confirm_min", "must_run_at"} <= sources(heart, Provenance.DEMO)


def test_sixty_eight_belongs_to_the_older_group_and_no_age_falls_between():
    """E-46: under 68, and 68 or more."""
    younger, older = the("CARDIAC_ADULT").age_groups
    assert (younger.min_age, younger.max_age) == (None, 67)
    assert (older.min_age, older.max_age) == (68, None)
    assert (younger.names.fi, older.names.fi) == ("alle 68-vuotiaat", "68 vuotta täyttäneet")


def test_swedish_is_offered_where_the_table_has_a_swedish_contract():
    """Table T5: heart, couples' and rheumatism courses; Oma väylä by its public page."""
    swedish = {code for code in FILES if Language.SV in the(code).languages}
    assert swedish == {"CARDIAC_ADULT", "CANCER_COUPLES", "RHEUMA_ADULT", "OMA_VAYLA"}


@pytest.mark.parametrize("service", CODES)
def test_the_numbers_of_a_description_fit_together(service):
    """R-CRS-3, E-32: a course can reach the numbers it must reach."""
    description = the(service)
    if description.group_min is not None:
        assert description.group_min <= description.group_max
        assert description.confirm_min < description.must_run_at <= description.group_max
    assert description.target_groups_max <= len(description.target_groups)


def test_the_version_in_force_is_the_one_of_the_day():
    """E-13: the last day of a version still belongs to it; before the first version, the first is shown."""
    first = the("CARDIAC_ADULT").model_copy(update={"valid_to": date(2024, 12, 31)})
    second = first.model_copy(update={"description_version": 2, "valid_from": date(2025, 1, 1), "valid_to": None})
    assert in_force([first, second], date(2020, 1, 1)) is first
    assert in_force([first, second], date(2024, 12, 31)) is first
    assert in_force([second, first], date(2025, 1, 1)) is second


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"description_version": 2}, "in force on 2025-01-01"),
        ({"description_version": 1}, "do not rise"),
        ({"service": "CAREGIVER"}, "exactly one service"),
    ],
)
def test_a_file_that_contradicts_itself_is_not_loaded(tmp_path, change, fault):
    """A service does not start with two rules for one day."""
    first = the("CARDIAC_ADULT").model_dump(mode="json")
    (tmp_path / "cardiac.json").write_text(json.dumps([first, {**first, "valid_from": "2025-01-01", **change}]))
    with pytest.raises(DescriptionFault, match=fault):
        read_descriptions(tmp_path)


async def test_all_descriptions_are_published_at_the_first_start_and_never_again_unchanged(registration):
    """R-REG-13: loading is idempotent."""
    published = await registration.published(ServiceDescriptionPublished)
    assert [event.service for event in published] == CODES
    assert [event.version for event in published] == [1] * len(CODES)
    assert {event.service: event.descriptions for event in published} == FILES

    await registration.db.run(descriptions.load_descriptions)
    assert len(await registration.published()) == len(CODES)


async def test_two_instances_that_start_at_once_publish_once(registration):
    """The service's row is locked while its descriptions are compared and stored."""
    async with registration.transaction() as tx:
        await tx.execute("DELETE FROM service_descriptions")
        await tx.execute("DELETE FROM services")
    await asyncio.gather(*(registration.db.run(descriptions.load_descriptions) for _ in range(4)))
    assert [event.service for event in await registration.published(ServiceDescriptionPublished)] == CODES * 2


async def test_a_new_version_is_published_with_the_earlier_ones(registration):
    """E-13: both versions stay; consumers choose by day."""
    first = the("CARDIAC_ADULT").model_copy(update={"valid_to": date(2024, 12, 31)})
    second = the("CARDIAC_ADULT").model_copy(
        update={"description_version": 2, "valid_from": date(2025, 1, 1), "confirm_within_months": 5}
    )
    async with registration.transaction() as tx:
        await descriptions.publish_descriptions(tx, "CARDIAC_ADULT", (first, second))
    event = (await registration.published(ServiceDescriptionPublished))[-1]
    assert (event.version, event.descriptions) == (2, (first, second))

    answer = await registration.http(None).get("/service-descriptions/CARDIAC_ADULT")
    assert answer.headers["etag"] == '"2"'
    assert answer.json()["confirm_within_months"] == 4
    assert [each["confirm_within_months"] for each in answer.json()["versions"]] == [4, 5]


async def test_an_older_release_does_not_take_a_newer_version_back(registration):
    """A rolling update runs two releases at once."""
    first = the("CARDIAC_ADULT").model_copy(update={"valid_to": date(2024, 12, 31)})
    second = the("CARDIAC_ADULT").model_copy(update={"description_version": 2, "valid_from": date(2025, 1, 1)})
    async with registration.transaction() as tx:
        await descriptions.publish_descriptions(tx, "CARDIAC_ADULT", (first, second))
    before = len(await registration.published())
    await registration.db.run(descriptions.load_descriptions)
    assert len(await registration.published()) == before


async def test_anybody_reads_the_descriptions_with_their_sources(registration):
    """Demo values are shown as such, to everybody."""
    listed = (await registration.http(None).get("/service-descriptions")).json()["items"]
    assert [each["service"] for each in listed] == CODES
    assert all(each["sources"] for each in listed)


async def test_an_unknown_service_has_no_description(registration):
    """SERVICE_UNKNOWN."""
    answer = await registration.http(None).get("/service-descriptions/NOT_A_SERVICE")
    assert (answer.status_code, answer.json()["code"]) == (404, "SERVICE_UNKNOWN")

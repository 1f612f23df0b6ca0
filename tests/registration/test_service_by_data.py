"""R-REG-13: what is known of each service, and a new one added by files alone, up to the public search."""

import json
import shutil
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path

import pytest

from chassis.auth import Role
from contracts.values import Coverage, Language, Provenance
from services.registration import descriptions
from services.registration.app import SERVICE
from services.registration.choices import questions
from services.registration.descriptions import DescriptionFault, read_descriptions
from services.search.app import SERVICE as SEARCH
from tests.registration.builders import OURS, announce, answer_choices, registered_contract, registered_office

FI = (Language.FI,)
FI_AND_SV = (Language.FI, Language.SV)
A_COURSE = {"is_course": True, "coverage": Coverage.NATIONAL}

KNOWN = {
    "RARE_CONNECTIVE_ADULT": {
        **A_COURSE,
        "group_min": 6,
        "group_max": 12,
        "confirm_min": 6,
        "must_run_at": 7,
        "confirm_within_months": 6,
        "total_duration_months": 9,
        "total_duration_enforced": True,
        "move_notice_days": 30,
        "target_groups": 3,
        "target_groups_min": 1,
        "target_groups_max": 3,
    },
    "CARDIAC_ADULT": {
        **A_COURSE,
        "languages": FI_AND_SV,
        "valid_from": date(2021, 4, 1),
        "confirm_within_months": 4,
        "periods": 3,
        "age_groups": 2,
        "target_groups": 3,
    },
    "CANCER_ADULT": {**A_COURSE, "languages": FI},
    "CANCER_COUPLES": {**A_COURSE, "languages": FI_AND_SV},
    "RHEUMA_ADULT": {**A_COURSE, "languages": FI_AND_SV},
    "CAREGIVER": {**A_COURSE, "languages": FI},
    "AUTISM_SEVERE_FAMILY": {**A_COURSE, "family_course": True, "languages": FI},
    "OMA_VAYLA": {
        "is_course": False,
        "languages": FI_AND_SV,
        "valid_from": date(2021, 4, 1),
        "min_age": 16,
        "max_age": 29,
        "total_duration_months": 12,
        "target_groups": 2,
    },
}
"""Section 4 of the domain: what the seeds and public pages tell; of groups and periods, how many there are."""


def of_groups_their_number(value: object) -> object:
    is_groups = isinstance(value, tuple) and not any(isinstance(each, Language) for each in value)
    return len(value) if is_groups else value


@pytest.mark.parametrize("service", KNOWN)
def test_what_is_known_of_a_service_is_exactly_what_the_sources_tell(service):
    """R-REG-13, section 4: everything else is marked demo, or left out."""
    [description] = read_descriptions()[service]
    known = {
        name: of_groups_their_number(getattr(description, name))
        for name, source in description.sources.items()
        if source is not Provenance.DEMO and "." not in name
    }
    assert known == KNOWN[service]


def test_no_service_is_forgotten():
    assert read_descriptions().keys() == KNOWN.keys()


LUNG = {
    "service": "LUNG_ADULT",
    "description_version": 1,
    "valid_from": "2024-01-01",
    "names": {"fi": "Keuhkosairaiden kurssi", "sv": "Kurs för lungsjuka", "en": "Lung course"},
    "is_course": True,
    "coverage": "national",
    "languages": ["fi"],
    "group_min": 6,
    "group_max": 10,
    "sources": {"group_min": "demo", "group_max": "demo"},
}
BREATHING = {
    "code": "breathing",
    "question_version": 1,
    "valid_from": "2024-01-01",
    "kind": "some_of",
    "texts": {"fi": "Hengitysharjoittelu", "sv": "Andningsträning", "en": "Breathing exercises"},
    "options": [
        {"code": "water", "texts": {"fi": "Vedessä", "sv": "I vatten", "en": "In water"}},
        {"code": "gym", "texts": {"fi": "Salissa", "sv": "I sal", "en": "In the gym"}},
        {"code": "outdoors", "texts": {"fi": "Ulkona", "sv": "Utomhus", "en": "Outdoors"}},
    ],
}
ASKED = [
    {"code": code, "from": "2024-01-01", "sources": {"asked": "demo", "from": "demo"}}
    for code in ("breathing", "pool", "queue_time")
]


@pytest.fixture
def folders(tmp_path) -> tuple[Path, Path]:
    """The descriptions and questions of the release, with the files of one service more."""
    described, asked = tmp_path / "described", tmp_path / "asked"
    shutil.copytree(descriptions.FOLDER, described)
    shutil.copytree(questions.FOLDER, asked)
    (described / "lung_adult.json").write_text(json.dumps([LUNG]))
    (asked / "questions" / "breathing.json").write_text(json.dumps([BREATHING]))
    (asked / "services" / "lung_adult.json").write_text(json.dumps({"service": "LUNG_ADULT", "questions": ASKED}))
    return described, asked


async def test_a_service_is_added_by_files_alone_and_goes_all_the_way_to_the_public(new_service, folders):
    """R-REG-13: described, contracted, announced, answered and found, without a line of code."""
    described, asked = folders
    load = partial(descriptions.load_descriptions, folder=described, questions_folder=asked)
    registration = await new_service(replace(SERVICE, startup=load))
    public = registration.http(None)
    shown = (await public.get("/service-descriptions/LUNG_ADULT")).json()
    assert (shown["group_max"], shown["must_run_at"], shown["periods"]) == (10, None, [])
    codes = [each["service"] for each in (await public.get("/service-descriptions")).json()["items"]]
    assert len(codes) == 9

    contract_id = await registered_contract(registration, service="LUNG_ADULT", valid_from="2024-01-01")
    assert (await announce(registration, contract_id, 2024, 12)).status_code == 200
    office_id = await registered_office(registration)
    given = {"breathing": ["gym", "water"], "pool": "at_office", "queue_time": 3}
    answered = await answer_choices(registration, office_id, given, "LUNG_ADULT")
    assert (answered.status_code, answered.json()["unanswered"]) == (200, [])
    refused = await answer_choices(registration, office_id, {"breathing": ["space"]}, "LUNG_ADULT")
    assert refused.json()["values"] == {"question": "breathing", "allowed": ["water", "gym", "outdoors"]}

    search = await new_service(SEARCH)
    await search.deliver(*await registration.published())
    found = (await search.http(Role.PUBLIC).get("/offices", params={"service": "LUNG_ADULT", "age": 50})).json()
    [offering] = found["items"]
    assert (offering["provider"]["provider_id"], offering["service_names"]["en"]) == (OURS, "Lung course")
    breathing, pool, queue = offering["choice_information"]
    assert [(each["code"], each["names"]["sv"]) for each in breathing["options"]] == [
        ("water", "I vatten"),
        ("gym", "I sal"),
    ]
    assert (pool["options"][0]["code"], queue["number"], queue["unit"]) == ("at_office", 3, "weeks")


async def test_questions_of_a_service_that_nobody_described_stop_the_start(registration, folders):
    """R-REG-13: with the service's name."""
    described, asked = folders
    (described / "lung_adult.json").unlink()
    with pytest.raises(DescriptionFault, match="LUNG_ADULT"):
        async with registration.transaction() as tx:
            await descriptions.load_descriptions(tx, described, asked)

"""Why Kela decided so: templates as data, in Finnish and Swedish, and what a decision keeps of them."""

import json
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.identity_codes import holds_identity_code
from contracts.refusals import Invalid
from services.decisions.domain import Reasoning
from services.decisions.reasonings import catalogue
from services.decisions.reasonings.catalogue import CATALOGUE, ReasoningFault, ReasoningKind
from tests.decisions.builders import expect, refusal
from tests.decisions.ending import another_provider, swap


def a_file(folder, code="GRANT_X", **differences):
    version = {"reasoning_version": 1, "valid_from": "2024-01-01", "texts": {"fi": "vanha", "sv": "gammal"}}
    document = {"code": code, "kind": "grant", "usual": True, "source": "demo", "versions": [version]} | differences
    (folder / f"{code.lower()}.json").write_text(json.dumps(document))


@pytest.fixture
def folder(tmp_path):
    """One usual reasoning of each kind."""
    for kind in ReasoningKind:
        a_file(tmp_path, f"{kind.upper()}_X", kind=kind)
    return tmp_path


def test_every_reasoning_is_written_in_both_languages_and_marked_as_our_own():
    """R-DEC-21, R-DEC-22: grants, rejections and revocations; none of the words are passed off as Kela's."""
    assert {template.kind for template in CATALOGUE.values()} == set(ReasoningKind)
    for template in CATALOGUE.values():
        assert template.source == "demo"
        for version in template.versions:
            assert version.texts.fi != version.texts.sv
            for text in (version.texts.fi, version.texts.sv):
                assert text.endswith(".")
                assert not holds_identity_code(text)


@given(st.dates(date(2024, 1, 1), date(2026, 12, 31)))
def test_a_decision_is_reasoned_in_the_words_of_its_day(tmp_path_factory, day):
    """E-13, R-DEC-21: a version has its own days, and its words stay readable afterwards."""
    folder = tmp_path_factory.mktemp("reasonings")
    for kind in ReasoningKind:
        a_file(folder, f"{kind.upper()}_X", kind=kind)
    old = {"reasoning_version": 1, "valid_from": "2024-01-01", "valid_to": "2024-12-31"}
    new = {"reasoning_version": 2, "valid_from": "2025-01-01"}
    texts = ({"texts": {"fi": "vanha", "sv": "gammal"}}, {"texts": {"fi": "uusi", "sv": "ny"}})
    a_file(folder, versions=[old | texts[0], new | texts[1]])
    read = catalogue.read_catalogue(folder)
    chosen = catalogue.choose(ReasoningKind.GRANT, "GRANT_X", day, read)
    assert chosen == catalogue.choose(ReasoningKind.GRANT, None, day, read)
    assert chosen.version == (1 if day.year == 2024 else 2)
    assert catalogue.words(Reasoning("GRANT_X", 1), read).fi == "vanha"
    assert catalogue.for_grant(Reasoning("GRANT_X", 1), day, read) == chosen
    assert catalogue.for_grant(Reasoning("GRANT_GONE", 1), day, read) == chosen


def test_a_code_that_is_unknown_of_another_kind_or_not_in_force_is_refused(folder):
    """R-DEC-21; the code that was sent is not among the values."""
    read = catalogue.read_catalogue(folder)
    for code, day in (
        ("GRANT_Y", date(2024, 1, 1)),
        ("REJECTION_X", date(2024, 1, 1)),
        ("GRANT_X", date(2023, 12, 31)),
    ):
        with pytest.raises(Invalid, match="REASONING_UNKNOWN") as refused:
            catalogue.choose(ReasoningKind.GRANT, code, day, read)
        assert code not in map(str, refused.value.values.values())


_V1 = {"reasoning_version": 1, "valid_from": "2024-01-01", "texts": {"fi": "a", "sv": "b"}}


@pytest.mark.parametrize(
    "differences",
    [
        {"versions": []},
        {"versions": [_V1, _V1 | {"reasoning_version": 2, "valid_from": "2025-01-01"}]},
        {"versions": [_V1 | {"valid_to": "2024-12-31"}, _V1 | {"valid_from": "2025-01-01"}]},
        {"versions": [_V1 | {"texts": {"fi": "a"}}]},
        {"usual": False},
        {"kind": "revocation"},
        {"unheard": "of"},
    ],
)
def test_a_file_that_contradicts_itself_or_another_is_not_started_with(folder, differences):
    """R-DEC-21."""
    catalogue.read_catalogue(folder)
    a_file(folder, **differences)
    with pytest.raises(ReasoningFault):
        catalogue.read_catalogue(folder)


async def read_words(decisions, decision):
    found = expect(200, await decisions.officer.get(f"/decisions/{decision['decision_ref']}/reasonings"))
    return [(item["kind"], item["code"], item["reasoning_version"]) for item in found["items"]]


async def test_a_decision_keeps_the_code_and_version_it_was_reasoned_with(decisions):
    """R-DEC-21, E-57, E-65: grant, rejection, revocation and change of provider; the words are read per decision."""
    await another_provider(decisions)
    rejected = expect(201, await decisions.apply(outcome="rejected", reasoning="REJECT_NOT_TIMELY"))
    revoked, changed = await decisions.grant(), await decisions.grant()
    expect(200, await decisions.revoke(revoked))
    after = expect(201, await swap(decisions, changed))["granted"]
    assert await read_words(decisions, rejected) == [("rejection", "REJECT_NOT_TIMELY", 1)]
    granted = ("grant", "GRANT_CONDITIONS_MET", 1)
    assert await read_words(decisions, revoked) == [granted, ("revocation", "REVOKE_CLIENT_NOTICE", 1)]
    assert await read_words(decisions, changed) == [granted, ("revocation", "REVOKE_PROVIDER_CHANGED", 1)]
    assert await read_words(decisions, after) == [("grant", "GRANT_PROVIDER_CHANGED", 1)]
    path = f"/decisions/{rejected['decision_ref']}/reasonings"
    [item] = expect(200, await decisions.officer.get(path))["items"]
    assert item["fi"].startswith("Kela ei myönnä")
    assert item["sv"].startswith("FPA beviljar dig inte")
    assert refusal(await decisions.provider.get(path), 403)[0] == "NOT_ALLOWED"


async def test_what_waits_is_reasoned_when_it_is_decided(decisions):
    """E-54, R-DEC-21: nothing has been said while it waits; then the grant's words, or the rejection's."""
    await decisions.set_quota(0)
    granted, rejected = await decisions.wait(), await decisions.wait()
    assert await read_words(decisions, granted) == []
    expect(200, await decisions.reject(rejected, "REJECT_OTHER_SERVICE_FITS"))
    await decisions.clock.set(datetime(2024, 2, 1, 9, tzinfo=UTC))
    await decisions.set_quota(1)
    await decisions.service.fire_timers()
    assert await read_words(decisions, granted) == [("grant", "GRANT_CONDITIONS_MET", 1)]
    assert await read_words(decisions, rejected) == [("rejection", "REJECT_OTHER_SERVICE_FITS", 1)]


async def test_a_wrong_reasoning_decides_nothing(decisions):
    """R-DEC-21: a rejection's code on a grant; nothing changed, nothing echoed."""
    answer = await decisions.apply(reasoning="REJECT_NOT_TIMELY")
    assert refusal(answer, 422)[0] == "REASONING_UNKNOWN"
    assert "REJECT_NOT_TIMELY" not in answer.text
    granted = await decisions.grant()
    notice = {"client_notice": {"received_on": "2024-01-15", "channel": "phone"}, "reasoning": "GRANT_CONDITIONS_MET"}
    path = f"/decisions/{granted['decision_ref']}/revocation"
    assert refusal(await decisions.officer.post(path, json=notice), 422)[0] == "REASONING_UNKNOWN"
    assert (await decisions.states(granted), await decisions.count()) == (["granted"], (100, 1, 99))


async def test_officials_choose_from_the_reasonings_in_force(decisions):
    """R-DEC-21."""
    everything = expect(200, await decisions.officer.get("/reasonings"))["items"]
    assert [item["code"] for item in everything] == list(CATALOGUE)
    rejections = expect(200, await decisions.officer.get("/reasonings", params={"kind": "rejection"}))["items"]
    assert {(item["code"], item["usual"]) for item in rejections} == {
        ("REJECT_CONDITIONS_NOT_MET", True),
        ("REJECT_NOT_TIMELY", False),
        ("REJECT_OTHER_SERVICE_FITS", False),
    }
    assert refusal(await decisions.provider.get("/reasonings"), 403)[0] == "NOT_ALLOWED"

"""The checks across services find each kind of disagreement, and none where the services agree."""

from copy import deepcopy
from dataclasses import replace
from itertools import zip_longest
from types import SimpleNamespace

import pytest

from rekku.demo.consistency import Seen, inconsistencies
from rekku.demo.reference import NEW_CLIENTS

QUIET = {"outbox": 0, "lag": 0, "timers_due": 0, "dead_letters": 0, "parked": 0, "paused": 0}


def a_pin(decision_ref, course_id, state, *, reason=None, moved_from=None, moved_to=None):
    return {
        "decision_ref": decision_ref,
        "course_id": course_id,
        "state": state,
        "reason": reason,
        "moved_from": moved_from,
        "moved_to": moved_to,
    }


T3 = list(zip_longest(*(year.new_clients for year in NEW_CLIENTS)))


def a_seen():
    """Two clients on one course, one of them revoked and one who came from a course that was deleted late.

    A third one lost the place with that course. Every service says so.
    """
    return Seen(
        progress={"courses": dict(QUIET), "search": dict(QUIET)},
        years={2024: {"months": [2], "total": 2}},
        half_years={"items": []},
        settlements=[],
        group_sizes={2024: {"items": [], "courses": 0, "moved_before": 1, "moved_after": 0}},
        contract_counts=[],
        reported={"rows": [[month, *figures] for month, figures in enumerate(T3, 1)]},
        decision_counts=[],
        quota={"used": 2, "limit": 930, "remaining": 928},
        decisions=[{"decision_ref": "A", "state": "granted"}, {"decision_ref": "B", "state": "revoked"}],
        followed=[
            {
                "decision_ref": "A",
                "state": "granted",
                "followup": {"open": False, "pinned_to": "course", "confirmed": True},
            },
            {
                "decision_ref": "B",
                "state": "revoked",
                "followup": {"open": False, "pinned_to": None, "confirmed": False},
            },
        ],
        contracts=[
            {
                "contract_id": "contract",
                "years": [{"year": 2024, "announced": 20, "decisions_used": 2, "places_used": 10}],
            }
        ],
        counts={("contract", 2024): {"announced": 20, "used": 2}},
        ledgers={("contract", 2024): {"announced": 20, "reserved": 10}},
        courses=[
            {
                "course_id": "course",
                "course_number": 7,
                "state": "confirmed",
                "group_size": 10,
                "free_places": 9,
                "pinned": 1,
                "confirmed_on": "2024-03-01",
                "contract_id": "contract",
                "year": 2024,
            },
            {
                "course_id": "gone",
                "course_number": 8,
                "state": "deleted",
                "group_size": 8,
                "free_places": 8,
                "pinned": 0,
                "confirmed_on": None,
                "contract_id": "contract",
                "year": 2024,
            },
        ],
        endings={"gone": {"course_id": "gone", "kind": "did_not_happen", "late": True}},
        reports=[{"kind": "late_deletion", "course_id": "gone", "reason": "Too few clients have come."}],
        pins=[
            a_pin("A", "course", "active", moved_from="gone"),
            a_pin("B", "course", "released", reason="decision_revoked"),
            a_pin("A", "gone", "moved", moved_to="course"),
            a_pin("C", "gone", "released", reason="did_not_happen"),
        ],
        stays=[a_pin("D", "course", "moved", moved_to="other") | {"move": {"consent_given_on": "2024-03-01"}}],
        found={7: {"free_places": 9, "group_size": 10, "state": "confirmed"}},
        offices=[{"courses": [{"course_number": 7, "free_places": 9}]}],
        messages={
            "messages": [
                {"template": "feedback", "channel": "sms", "state": "sent", "messages": 2},
                {"template": "course-not-held", "channel": "sms", "state": "sent", "messages": 1},
                {"template": "course-ended", "channel": "provider_inbox", "state": "sent", "messages": 1},
            ],
            "invitations": 2,
            "waiting": 0,
        },
    )


def phones(received=3, surveys=2):
    return SimpleNamespace(received=received, surveys=surveys, look=lambda: None)


def found(seen, on_phones=None):
    return list(inconsistencies(seen, on_phones or phones()))


def test_services_that_agree_are_left_in_peace():
    assert found(a_seen()) == []


def changed(path, value):
    """The same, with one value somewhere inside another one."""
    seen = deepcopy(a_seen())
    name, *rest = path
    inside = getattr(seen, name)
    for step in rest[:-1]:
        inside = inside[step]
    inside[rest[-1]] = value
    return seen


@pytest.mark.parametrize(
    ("path", "value", "named"),
    [
        (["progress", "search", "outbox"], 1, "outbox of search"),
        (["group_sizes", 2024, "moved_after"], 1, "the statistics count 2"),
        (["group_sizes", 2024, "courses"], 3, "0 courses have begun, the statistics count 3"),
        (["reported", "rows", 0, 2], 83, "T3 of 2023"),
        (["progress", "courses", "dead_letters"], 1, "dead_letters of courses"),
        (["progress", "courses", "parked"], 2, "parked of courses"),
        (["decisions", 0, "state"], "revoked", "active pin on the revoked decision A"),
        (["pins", 1, "reason"], "provider", "0 automatic unpins for 1 revocations"),
        (["followed", 1, "followup", "open"], True, "follow-up of the revoked decision B"),
        (["followed", 0, "followup", "pinned_to"], "other", "another course than its pin"),
        (["followed", 0, "followup", "confirmed"], False, "whether its course is confirmed"),
        (["found", 7, "free_places"], 8, "free_places is 8 in the search, 9 in courses"),
        (["found", 7, "state"], "published", "state is published in the search"),
        (["offices", 0, "courses", 0, "free_places"], 10, "10 free places in the list"),
        (["courses", 0, "pinned"], 2, "counts 2 pins and lists 1"),
        (["years", 2024, "total"], 3, "do not add up"),
        (["quota", "used"], 3, "the quota counts 3 clients"),
        (["counts", ("contract", 2024), "used"], 1, "decisions used of"),
        (["counts", ("contract", 2024), "announced"], 21, "announced count of"),
        (["ledgers", ("contract", 2024), "reserved"], 12, "places used of"),
        (["messages", "waiting"], 1, "still waiting"),
        (["messages", "messages", 0, "state"], "undeliverable", "could not be delivered"),
        (["pins", 3, "state"], "active", "active pin of C on the deleted course 8"),
        (["pins", 2, "moved_to"], "other", "left course 8 and arrived nowhere"),
        (["pins", 0, "moved_from"], None, "left course 8 and arrived nowhere"),
        (["stays", 0, "move"], None, "the client of D was moved without consent"),
        (["courses", 0, "group_size"], 9, "holds 10 places, the courses have 9"),
        (["courses", 1, "state"], "published", "holds 10 places, the courses have 18"),
        (["found", 8], {"state": "published"}, "the deleted course 8 is in the search"),
        (["offices", 0, "courses", 0, "course_number"], 8, "course 8: 9 free places in the list of the search, None"),
        (["endings", "gone", "late"], False, "0 courses ended late, and Kela was told of 1"),
        (["reports", 0, "kind"], "late_move", "1 courses ended late, and Kela was told of 0"),
        (["reports", 0, "reason"], None, "1 reports to Kela without a reason"),
        (["messages", "messages", 1, "messages"], 2, "2 were told (course-not-held)"),
        (["messages", "messages", 2, "template"], "client-unpinned", "0 were told (course-ended)"),
    ],
)
def test_a_disagreement_is_named(path, value, named):
    assert any(named in problem for problem in found(changed(path, value)))


def test_a_course_that_the_search_never_heard_of_is_named():
    assert found(replace(a_seen(), found={})) == ["course 7 is missing in the search"]


def test_two_active_pins_of_one_decision_are_named():
    seen = a_seen()
    assert "two active pins of the decision A" in found(replace(seen, pins=[*seen.pins, dict(seen.pins[0])]))


@pytest.mark.parametrize("on_phones", [phones(received=4), phones(surveys=1)])
def test_messages_that_nobody_got_or_nobody_sent_are_named(on_phones):
    assert len(found(a_seen(), on_phones)) == 1

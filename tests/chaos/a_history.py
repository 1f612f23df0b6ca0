"""A small true history, as evidence: two clients, one course, a revocation, a payment, a survey."""

from datetime import date
from decimal import Decimal

from rekku.services import load
from tests.chaos.check_tables import COPIES
from tests.chaos.client import Done
from tests.chaos.evidence import TABLES, Evidence, Seen

CONTRACT, COURSE, OFFICE, PROVIDER, SERVICE = "contract-1", "course-1", "office-1", "1234567-1", "CARDIAC_ADULT"
STAYS, GOES = "decision-1", "decision-2"
YEAR = 2024
DIFFERS = f"quota/{SERVICE}/{YEAR}"
_DAY = date(YEAR, 1, 15)
_EVERY_SERVICE = ("outbox", "dead_letters", "parked_keys", "parked_records", "audit")


def a_true_history() -> Evidence:
    """What a run without any fault would leave; every check holds."""
    tables = {f"{service}.{table}": [] for service in TABLES for table in (*TABLES[service], *_EVERY_SERVICE)}
    tables |= _registration() | _courses() | _decisions() | _notifications()
    for copy in COPIES:
        tables[copy.copy] = [dict(row) for row in tables[copy.owner]]
    _add_the_rest(tables)
    done = _done()
    for each in done:
        if each.audited:
            act = load(each.service).audited.commands[each.route][0]
            tables[f"{each.service}.audit"].append({"action": act, "route": each.route})
    return Evidence(
        done=done,
        records=_records(tables),
        tables=tables,
        progress={
            f"{service}{nth}": dict.fromkeys(("outbox", "lag", "timers_due", "dead_letters", "parked", "paused"), 0)
            for service in TABLES
            for nth in ("", "-2")
        },
        lag=dict.fromkeys(TABLES, 0),
        shown={1001: {"state": "confirmed", "group_size": 8, "free_places": 7}},
        phones=["message-4", "message-5"],
    )


def _registration():
    contract = {"contract_id": CONTRACT, "provider_id": PROVIDER, "service": SERVICE, "language": "fi"}
    contract |= {"valid_from": date(2022, 1, 1), "valid_to": None, "version": 3}
    contract |= {"email": "kurssit@story.example", "phone": "+358201234567", "web": None}
    office = {"office_id": OFFICE, "provider_id": PROVIDER, "version": 1, "open": True}
    count = {"contract_id": CONTRACT, "year": YEAR}
    return {
        "registration.providers": [{"provider_id": PROVIDER, "version": 1, "name": "Kuntoutus"}],
        "registration.offices": [office | {"name": "Toimipiste", "street_address": "Esimerkkikatu 1"}],
        "registration.contracts": [contract],
        "registration.services": [{"service": SERVICE, "version": 1}],
        "registration.announced_counts": [count | {"count": 20}, count | {"count": 24}],
    }


def _courses():
    course = {"course_id": COURSE, "course_number": 1001, "version": 6, "contract_id": CONTRACT, "year": YEAR}
    course |= {"provider_id": PROVIDER, "office_id": OFFICE, "service": SERVICE, "state": "confirmed"}
    course |= {"group_size": 8, "pinned": 1, "occupied": 1, "confirmed_on": _DAY}
    pin = {"course_id": COURSE, "office_id": OFFICE}
    return {
        "courses.courses": [course],
        "courses.pins": [
            pin | {"decision_ref": STAYS, "version": 1, "state": "active", "reason": None, "occupies_place": True},
            pin
            | {"decision_ref": GOES, "version": 2, "state": "released", "occupies_place": False}
            | {"reason": "decision_revoked"},
        ],
        "courses.reports": [],
        "courses.place_ledgers": [{"contract_id": CONTRACT, "year": YEAR, "announced": 24, "reserved": 8}],
    }


def _decisions():
    def decision(ref, version, state):
        client = ref.replace("decision", "client")
        row = {"decision_ref": ref, "application_ref": ref.replace("decision", "application"), "client_ref": client}
        row |= {"version": version, "state": state, "provider_id": PROVIDER, "service": SERVICE, "language": "fi"}
        return row | {"contract_id": CONTRACT, "decided_on": _DAY, "confirm_by": date(2024, 5, 15), "new_client": True}

    rows = [decision(STAYS, 1, "granted"), decision(GOES, 2, "revoked")]
    return {
        "decisions.decisions": rows,
        "decisions.first_grants": [{"service": SERVICE, "granted_on": _DAY} for _ in rows],
        "decisions.client_contacts": [
            {"client_ref": row["client_ref"], "version": 1, "sealed": "opaque"} for row in rows
        ],
        "decisions.quotas": [{"service": SERVICE, "year": YEAR, "version": 1, "quota_limit": 30, "used": 2}],
        "decisions.announced_counts": [{"contract_id": CONTRACT, "year": YEAR, "version": 0, "used": 2}],
        "decisions.differences": [{"kind": "quota", "subject": f"{SERVICE}/{YEAR}"}],
        "decisions.payments": [{"decision_ref": STAYS, "period_number": 2, "last": False}],
    }


def _notifications():
    def message(number, template, channel, ref):
        row = {"message_id": f"message-{number}", "occasion": f"{template}/{ref}", "template": template}
        return row | {"channel": channel, "state": "sent", "decision_ref": ref, "problem": None}

    return {
        "notifications.messages": [
            message(1, "decision-received", "provider_inbox", STAYS),
            message(2, "decision-received", "provider_inbox", GOES),
            message(3, "client-unpinned", "provider_inbox", GOES),
            message(4, "place-released", "sms", GOES),
            message(5, "feedback", "sms", STAYS),
        ],
        "notifications.invitations": [{"decision_ref": STAYS, "period_number": 2}],
        "notifications.surveys": [{"state": "answered"}],
        "notifications.answers": [],
        "notifications.sealed_answers": [{"batch_id": "batch-1"}],
        "notifications.feedback_totals": [
            {"office_id": OFFICE, "service": SERVICE, "version": 1, "average": Decimal("4.6")}
        ],
    }


def _add_the_rest(tables):
    """What a copy has besides its owner's columns, and the copies that are not whole rows."""
    pins = {row["decision_ref"]: row for row in tables["courses.pins"]}
    for row in tables["courses.decisions"]:
        pin = pins[row["decision_ref"]]
        row |= {"pin_version": pin["version"], "pinned_to": COURSE if pin["state"] == "active" else None}
    for copy in ("decisions.pins", "notifications.pins"):
        tables[copy] = [dict(row) for row in tables["courses.pins"]]
    tables["registration.decisions"] = [
        {"decision_ref": row["decision_ref"], "version": row["version"], "contract_id": CONTRACT, "year": YEAR}
        | {"uses_count": True}
        for row in tables["decisions.decisions"]
    ]


def _done() -> list[Done]:
    def done(service, route, body, path, answer, *known):
        return Done(service, route, service != "notifications", body, path, answer, known)

    found = [
        done(
            "registration",
            "PUT /contracts/{contract_id}/announced-counts/{year}",
            {"count": 24},
            {"contract_id": CONTRACT, "year": YEAR},
            {},
            f"contract:{CONTRACT}@3",
        ),
        done(
            "decisions",
            "POST /decisions/{decision_ref}/revocation",
            {},
            {"decision_ref": GOES},
            {},
            f"decision:{GOES}@2",
        ),
        done("courses", "POST /courses/{course_id}/confirmation", {}, {"course_id": COURSE}, {}, f"course:{COURSE}@6"),
        done(
            "decisions",
            "POST /payments",
            {"course_id": COURSE, "period_number": 2},
            {},
            {"paid": [STAYS], "already_paid": []},
        ),
        done("notifications", "POST /surveys/{token}/answers", {}, {}, {}),
    ]
    for ref in (STAYS, GOES):
        application = {"application_ref": ref.replace("decision", "application")}
        found.append(done("decisions", "POST /decisions", application, {}, {"decision_ref": ref}, f"decision:{ref}@1"))
        path = {"course_id": COURSE}
        found.append(done("courses", "POST /courses/{course_id}/pins", {"decision_ref": ref}, path, {}, f"pin:{ref}@1"))
    return found


def _records(tables) -> list[Seen]:
    told = [
        ("rekku.registrations", PROVIDER, 1),
        ("rekku.registrations", OFFICE, 1),
        *(("rekku.registrations", CONTRACT, version) for version in (1, 2, 3)),
        ("rekku.service-descriptions", SERVICE, 1),
        *(("rekku.courses", COURSE, version) for version in range(1, 7)),
        ("rekku.pins", STAYS, 1),
        *(("rekku.pins", GOES, version) for version in (1, 2)),
        ("rekku.decisions", STAYS, 1),
        *(("rekku.decisions", GOES, version) for version in (1, 2)),
        ("rekku.quotas", f"{SERVICE}/{YEAR}", 1),
        *(("rekku.client-contacts", ref.replace("decision", "client"), 1) for ref in (STAYS, GOES)),
        ("rekku.feedback", f"{OFFICE}/{SERVICE}", 1),
        ("rekku.payments", STAYS, 1),
        *(("rekku.quotas", DIFFERS, 1) for _ in range(2)),
        *(("rekku.messages", row["message_id"], 1) for row in tables["notifications.messages"]),
    ]
    return [
        Seen(topic, 0, position, key, f"id-{position}", "", {"version": version} | _more(topic, key, position))
        for position, (topic, key, version) in enumerate(told)
    ]


def _more(topic, key, position):
    if key == DIFFERS:
        return {"difference": position}
    return {"period_number": 2} if topic == "rekku.payments" else {}

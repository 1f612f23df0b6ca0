"""Checks of the services' rows: against what clients were told, against one another, against themselves."""

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass

from rekku.services import load
from services.notifications.batches.domain import BATCH
from tests.chaos.checks import Looked, check
from tests.chaos.evidence import Evidence, Row

GIVEN = frozenset({"granted", "revoked", "annulled", "expired", "used"})
"""States of a decision that once was a grant: it has used a place of the announced count (E-7)."""

_SUBJECTS = {
    "provider": ("registration.providers", "provider_id", "version"),
    "office": ("registration.offices", "office_id", "version"),
    "contract": ("registration.contracts", "contract_id", "version"),
    "course": ("courses.courses", "course_id", "version"),
    "pin": ("courses.decisions", "decision_ref", "pin_version"),
    "decision": ("decisions.decisions", "decision_ref", "version"),
    "client-contact": ("decisions.client_contacts", "client_ref", "version"),
}


@check("every command was answered, none with a failure of ours")
def all_answered(evidence: Evidence, looked: Looked) -> None:
    looked.at += len(evidence.done)
    looked.problems += [f"never answered: {what}" for what in evidence.unanswered]
    looked.problems += list(evidence.errors)


@check("what was answered stands at its owner")
def effects(evidence: Evidence, looked: Looked) -> None:
    versions = {
        kind: {row[key]: row[version] for row in evidence.tables[table]}
        for kind, (table, key, version) in _SUBJECTS.items()
    }
    versions["quota"] = {
        f"{row['service']}/{row['year']}": row["version"] for row in evidence.tables["decisions.quotas"]
    }
    for done in evidence.done:
        for mark in done.known:
            subject, _, version = mark.rpartition("@")
            kind, _, name = subject.partition(":")
            stands = versions[kind].get(name, 0)
            looked.look(stands >= int(version), f"{done.route} led to {mark}, and {done.service} has version {stands}")


@check("what was done stands: decisions, revocations, pins, payments, counts")
def special_effects(evidence: Evidence, looked: Looked) -> None:
    decisions = {row["decision_ref"]: row for row in evidence.tables["decisions.decisions"]}
    stays = {(row["decision_ref"], row["course_id"]) for row in evidence.tables["courses.pins"]}
    courses = {row["course_id"]: row for row in evidence.tables["courses.courses"]}
    paid = {(row["decision_ref"], row["period_number"]) for row in evidence.tables["decisions.payments"]}
    counts: dict[tuple, int] = defaultdict(int)
    for row in evidence.tables["registration.announced_counts"]:
        place = (row["contract_id"], row["year"])
        counts[place] = max(counts[place], row["count"])
    for done in evidence.done:
        match done.route:
            case "POST /decisions":
                row = decisions.get(done.answer["decision_ref"], {})
                same = row.get("application_ref") == done.body["application_ref"]
                looked.look(same, f"the decision on {done.body['application_ref']} is not there")
            case "POST /decisions/{decision_ref}/revocation":
                row = decisions.get(done.path["decision_ref"], {})
                looked.look(row.get("state") == "revoked", f"{done.path['decision_ref']} is not revoked")
            case "POST /courses/{course_id}/pins":
                stay = (done.body["decision_ref"], done.path["course_id"])
                looked.look(stay in stays, f"{stay[0]} was never pinned to {stay[1]}")
            case "POST /courses/{course_id}/confirmation":
                row = courses.get(done.path["course_id"], {})
                looked.look(row.get("confirmed_on"), f"{done.path['course_id']} is not confirmed")
            case "POST /payments":
                for ref in done.answer["paid"]:
                    looked.look((ref, done.body["period_number"]) in paid, f"the payment of {ref} is not there")
            case "PUT /contracts/{contract_id}/announced-counts/{year}":
                stands = counts[done.path["contract_id"], done.path["year"]]
                looked.look(stands >= done.body["count"], f"{done.path['contract_id']} announced {stands} only")


@check("each command was done once")
def audited_once(evidence: Evidence, looked: Looked) -> None:
    told = Counter((done.service, done.route) for done in evidence.done if done.audited)
    for (service, route), times in told.items():
        acts = load(service).audited.commands[route]
        rows = evidence.tables[f"{service}.audit"]
        audited = sum(row["route"] == route and row["action"] in acts for row in rows)
        looked.at += times
        if audited != times:
            looked.problems.append(f"{service}: {route} was answered {times} times and done {audited} times")
    surveys = sum(done.route == "POST /surveys/{token}/answers" for done in evidence.done)
    sealed = evidence.tables["notifications.sealed_answers"]
    answers = len(evidence.tables["notifications.answers"]) + len(sealed)
    closed = sum(row["state"] == "answered" for row in evidence.tables["notifications.surveys"])
    looked.at += answers
    if not surveys <= answers == closed:
        looked.problems.append(f"{surveys} surveys were answered, {closed} closed, {answers} answers kept")
    for batch, waiting in Counter(row["batch_id"] for row in sealed).items():
        looked.look(waiting < BATCH, f"{waiting} answers wait in batch {batch}")


@dataclass(frozen=True)
class Copy:
    """What a service keeps of another's rows, and which of the owner's rows it has to know."""

    owner: str
    copy: str
    key: tuple[str, ...]
    columns: tuple[str, ...] = ()
    wanted: Callable[[Row], object] = lambda row: True

    def rows(self, evidence: Evidence, table: str) -> set[tuple]:
        """The key, version and compared columns of the rows."""
        return {
            tuple(row[column] for column in (*self.key, "version", *self.columns))
            for row in evidence.tables[table]
            if self.wanted(row)
        }


_CONTRACT = ("provider_id", "service", "language", "valid_from", "valid_to")
_COURSE = ("provider_id", "state")
_DECISION = ("provider_id", "service", "state")
COPIES = (
    Copy("registration.contracts", "courses.contracts", ("contract_id",), _CONTRACT),
    Copy("registration.offices", "courses.offices", ("office_id",), ("provider_id", "open")),
    Copy("registration.services", "courses.service_descriptions", ("service",)),
    Copy("decisions.decisions", "courses.decisions", ("decision_ref",), (*_DECISION, "confirm_by")),
    Copy("registration.contracts", "decisions.contracts", ("contract_id",), _CONTRACT),
    Copy("registration.services", "decisions.services", ("service",)),
    Copy("courses.courses", "decisions.courses", ("course_id",), ("contract_id", "office_id", "service", *_COURSE)),
    Copy("registration.contracts", "notifications.contracts", ("contract_id",), _CONTRACT),
    Copy("registration.services", "notifications.services", ("service",)),
    Copy("decisions.decisions", "notifications.decisions", ("decision_ref",), ("client_ref", "language", *_DECISION)),
    Copy("courses.courses", "notifications.courses", ("course_id",), ("course_number", *_COURSE)),
    Copy("decisions.client_contacts", "notifications.client_contacts", ("client_ref",), ("sealed",)),
    Copy("decisions.quotas", "notifications.quotas", ("service", "year"), ("quota_limit",), lambda row: row["version"]),
    Copy("decisions.announced_counts", "notifications.count_uses", ("contract_id", "year"), (), lambda r: r["version"]),
    Copy("courses.courses", "registration.courses", ("course_id",), ("contract_id", "provider_id", "year")),
    Copy("registration.providers", "search.providers", ("provider_id",), ("name",)),
    Copy("registration.offices", "search.offices", ("office_id",), ("provider_id", "name", "street_address", "open")),
    Copy("registration.contracts", "search.contracts", ("contract_id",), (*_CONTRACT, "email", "phone", "web")),
    Copy("registration.services", "search.services", ("service",)),
    Copy(
        "courses.courses", "search.courses", ("course_id",), ("course_number", "group_size", "confirmed_on", *_COURSE)
    ),
    Copy("decisions.quotas", "search.quotas", ("service", "year"), ("quota_limit",), lambda row: row["version"]),
    Copy(
        "notifications.feedback_totals",
        "search.feedback_averages",
        ("office_id", "service"),
        ("average",),
        lambda row: row["version"],
    ),
)


@check("every copy is as its owner's")
def copies(evidence: Evidence, looked: Looked) -> None:
    for copy in COPIES:
        looked.same(
            copy.rows(evidence, copy.owner),
            copy.rows(evidence, copy.copy),
            f"{copy.copy} lacks",
            f"{copy.copy} has what {copy.owner} does not",
        )
    given = [row for row in evidence.tables["decisions.decisions"] if row["state"] in GIVEN]
    ours = {(row["decision_ref"], row["version"], row["contract_id"], row["decided_on"].year, True) for row in given}
    columns = ("decision_ref", "version", "contract_id", "year", "uses_count")
    theirs = {tuple(row[column] for column in columns) for row in evidence.tables["registration.decisions"]}
    looked.same(ours, theirs, "registration.decisions lacks", "registration.decisions has what decisions does not")
    pins = _newest_pins(evidence.tables["courses.pins"])
    for copy in ("decisions.pins", "notifications.pins"):
        looked.same(pins, _newest_pins(evidence.tables[copy]), f"{copy} lacks", f"{copy} has what courses does not")


def _newest_pins(rows: list[Row]) -> set[tuple]:
    newest: dict[str, Row] = {}
    for row in rows:
        if row["decision_ref"] not in newest or newest[row["decision_ref"]]["version"] < row["version"]:
            newest[row["decision_ref"]] = row
    return {(ref, row["version"], row["course_id"], row["state"], row["occupies_place"]) for ref, row in newest.items()}


@check("ledgers equal what they count")
def ledgers(evidence: Evidence, looked: Looked) -> None:
    pins = evidence.tables["courses.pins"]
    active = Counter(row["course_id"] for row in pins if row["state"] == "active")
    occupied = Counter(row["course_id"] for row in pins if row["occupies_place"])
    reserved: Counter[tuple] = Counter()
    for row in evidence.tables["courses.courses"]:
        name = row["course_id"]
        reserved[row["contract_id"], row["year"]] += row["group_size"]
        looked.look(row["pinned"] == active[name], f"course {name} counts {row['pinned']} pins and has {active[name]}")
        looked.look(
            row["occupied"] == occupied[name], f"course {name} counts {row['occupied']} places and has {occupied[name]}"
        )
    for row in evidence.tables["courses.place_ledgers"]:
        places = reserved[row["contract_id"], row["year"]]
        looked.look(row["reserved"] == places, f"ledger {row['contract_id']}: {row['reserved']} places, not {places}")
    _grants(evidence, looked)


def _grants(evidence: Evidence, looked: Looked) -> None:
    given = [row for row in evidence.tables["decisions.decisions"] if row["state"] in GIVEN]
    of_contract = Counter((row["contract_id"], row["decided_on"].year) for row in given)
    new_clients = Counter((row["service"], row["decided_on"].year) for row in given if row["new_client"])
    first = Counter((row["service"], row["granted_on"].year) for row in evidence.tables["decisions.first_grants"])
    for row in evidence.tables["decisions.announced_counts"]:
        grants = of_contract[row["contract_id"], row["year"]]
        looked.look(row["used"] == grants, f"count {row['contract_id']}: {row['used']} used, {grants} granted")
    for row in evidence.tables["decisions.quotas"]:
        place = (row["service"], row["year"])
        looked.look(
            row["used"] == new_clients[place] == first[place],
            f"quota {place}: {row['used']} used, {new_clients[place]} new clients, {first[place]} first grants",
        )


@check("one place per client, none for a revoked decision")
def pins_fit(evidence: Evidence, looked: Looked) -> None:
    active = Counter(row["decision_ref"] for row in evidence.tables["courses.pins"] if row["state"] == "active")
    for row in evidence.tables["courses.decisions"]:
        ref = row["decision_ref"]
        looked.look(
            active[ref] == (row["pinned_to"] is not None), f"{ref}: {active[ref]} pins, pinned_to says otherwise"
        )
        looked.look(row["state"] != "revoked" or not active[ref], f"{ref} is revoked and has a place")


@check("each client is told once of each occasion")
def messages(evidence: Evidence, looked: Looked) -> None:
    rows = evidence.tables["notifications.messages"]
    occasions = Counter(row["occasion"] for row in rows)
    for occasion, times in occasions.items():
        looked.look(times == 1, f"{occasion} was told {times} times")
    given = {row["decision_ref"] for row in evidence.tables["decisions.decisions"] if row["state"] in GIVEN}
    told = {row["decision_ref"] for row in rows if row["template"] == "decision-received"}
    # A grant that was revoked before anyone heard of it is told to nobody.
    certain = {row["decision_ref"] for row in evidence.tables["decisions.decisions"] if row["state"] == "granted"}
    looked.same(told & given, told, "", "a provider was told of a decision that was not given")
    looked.same(certain, told & certain, "no provider was told of", "")
    released = {row["decision_ref"] for row in evidence.tables["courses.pins"] if row["reason"] == "decision_revoked"}
    for template in ("client-unpinned", "place-released"):
        told = {row["decision_ref"] for row in rows if row["template"] == template}
        looked.same(released, told, f"{template} was not told to", f"{template} was told for nothing to")
    _sms(evidence, looked)


def _sms(evidence: Evidence, looked: Looked) -> None:
    sms = [row for row in evidence.tables["notifications.messages"] if row["channel"] == "sms"]
    for row in sms:
        settled = row["state"] in ("sent", "cancelled")
        looked.look(settled, f"SMS {row['message_id']} is {row['state']}: {row['problem']}")
    sent, arrived = {row["message_id"] for row in sms if row["state"] == "sent"}, Counter(evidence.phones)
    looked.same(sent, set(arrived), "an SMS did not arrive", "an SMS arrived that is not marked as sent")
    looked.problems += [f"SMS {name} arrived {times} times" for name, times in arrived.items() if times > 1]


@check("each paid stage invites once")
def invitations(evidence: Evidence, looked: Looked) -> None:
    due = {
        (row["decision_ref"], row["period_number"])
        for row in evidence.tables["decisions.payments"]
        if row["period_number"] == 2 or row["last"]
    }
    invited = Counter(
        (row["decision_ref"], row["period_number"]) for row in evidence.tables["notifications.invitations"]
    )
    looked.same(due, set(invited), "nobody was invited after", "somebody was invited without a payment after")
    looked.problems += [f"{place} invited {times} times" for place, times in invited.items() if times > 1]


@check("the search shows what the courses are")
def search_is_true(evidence: Evidence, looked: Looked) -> None:
    for row in evidence.tables["courses.courses"]:
        if row["state"] == "created":
            continue
        shown = evidence.shown.get(row["course_number"], {})
        true = (row["state"], row["group_size"], max(0, row["group_size"] - row["occupied"]))
        found = tuple(shown.get(name) for name in ("state", "group_size", "free_places"))
        looked.look(found == true, f"course {row['course_number']}: the search shows {found}, it is {true}")

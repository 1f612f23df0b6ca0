"""Whether the services agree with one another, and whether anything was left lying between them."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from contracts.values import CourseState, DecisionState, PinState, ReleaseReason, ReportKind
from rekku.demo.reference import NEW_CLIENTS
from rekku.demo.surveys import Phones

_COURSE_ENDED = (ReleaseReason.COURSE_DELETED, ReleaseReason.COURSE_CANCELLED, ReleaseReason.DID_NOT_HAPPEN)


@dataclass(frozen=True)
class Seen:
    """Everything the services were asked for, as they answered.

    `followed` are some decisions with their follow-up; `stays` the pins of those whose clients changed
    course, each with the consent to it.
    """

    progress: dict[str, dict[str, int]]
    years: dict[int, Any]
    half_years: Any
    settlements: list[Any]
    group_sizes: dict[int, Any]
    contract_counts: list[Any]
    reported: Any
    decision_counts: list[Any]
    quota: Any
    decisions: list[Any]
    followed: list[Any]
    contracts: list[Any]
    counts: dict[tuple[str, int], Any]
    ledgers: dict[tuple[str, int], Any]
    courses: list[Any]
    pins: list[Any]
    stays: list[Any]
    endings: dict[str, Any]
    reports: list[Any]
    found: dict[int, Any]
    offices: list[Any]
    messages: Any


def inconsistencies(seen: Seen, phones: Phones) -> Iterator[str]:
    """What two services say differently, or what is left lying between them; each by name."""
    yield from _left_behind(seen)
    yield from _pins_against_decisions(seen)
    yield from _pins_against_courses(seen)
    yield from _consents_against_moves(seen)
    yield from _places_against_ledgers(seen)
    yield from _endings_against_reports(seen)
    yield from _search_against_courses(seen)
    yield from _counts_against_one_another(seen)
    yield from _messages_against_files(seen, phones)


def _left_behind(seen: Seen) -> Iterator[str]:
    for service, told in seen.progress.items():
        for what, count in told.items():
            if count:
                yield f"{what} of {service} is {count}, not 0"


def _pins_against_decisions(seen: Seen) -> Iterator[str]:
    state = {decision["decision_ref"]: decision["state"] for decision in seen.decisions}
    active = [pin for pin in seen.pins if pin["state"] == PinState.ACTIVE]
    for pin in active:
        if state.get(pin["decision_ref"]) == DecisionState.REVOKED:
            yield f"an active pin on the revoked decision {pin['decision_ref']}"
    twice = [ref for ref, count in Counter(pin["decision_ref"] for pin in active).items() if count > 1]
    for ref in twice:
        yield f"two active pins of the decision {ref}"
    released = {pin["decision_ref"] for pin in seen.pins if pin["reason"] == ReleaseReason.DECISION_REVOKED}
    ever_pinned = {pin["decision_ref"] for pin in seen.pins}
    revoked_when_pinned = {ref for ref in ever_pinned if state.get(ref) == DecisionState.REVOKED}
    if released != revoked_when_pinned:
        yield f"{len(released)} automatic unpins for {len(revoked_when_pinned)} revocations of pinned decisions"
    yield from _follow_ups_against_pins(seen, {pin["decision_ref"]: pin["course_id"] for pin in active})


def _follow_ups_against_pins(seen: Seen, pinned_to: dict[str, str]) -> Iterator[str]:
    confirmed = {course["course_id"] for course in seen.courses if course["confirmed_on"]}
    for decision in seen.followed:
        ref, told = decision["decision_ref"], decision["followup"]
        if decision["state"] == DecisionState.REVOKED:
            if told["open"]:
                yield f"the follow-up of the revoked decision {ref} is open"
        elif ref in pinned_to and told["pinned_to"] != pinned_to[ref]:
            yield f"the follow-up of {ref} knows another course than its pin"
        elif ref in pinned_to and told["confirmed"] != (pinned_to[ref] in confirmed):
            yield f"the follow-up of {ref} does not know whether its course is confirmed"


def _pins_against_courses(seen: Seen) -> Iterator[str]:
    """No client is on a course that is deleted, and whoever left for another course arrived there."""
    number = {course["course_id"]: course["course_number"] for course in seen.courses}
    for pin in seen.pins:
        if pin["state"] == PinState.ACTIVE and pin["course_id"] in seen.endings:
            yield f"an active pin of {pin['decision_ref']} on the deleted course {number[pin['course_id']]}"
    arrived = {(pin["decision_ref"], pin["moved_from"], pin["course_id"]) for pin in seen.pins}
    for pin in seen.pins:
        gone = (pin["decision_ref"], pin["course_id"], pin["moved_to"])
        if pin["state"] == PinState.MOVED and gone not in arrived:
            yield f"the client of {pin['decision_ref']} left course {number[pin['course_id']]} and arrived nowhere"


def _consents_against_moves(seen: Seen) -> Iterator[str]:
    """Nobody is moved without having agreed, also when a course is deleted (R-CRS-28)."""
    for stay in seen.stays:
        if stay["state"] == PinState.MOVED and not (stay["move"] and stay["move"]["consent_given_on"]):
            yield f"the client of {stay['decision_ref']} was moved without consent"


def _places_against_ledgers(seen: Seen) -> Iterator[str]:
    """A ledger holds the places of the courses that are there, and none of the deleted ones (R-CRS-37)."""
    held: Counter[tuple[str, int]] = Counter()
    for course in seen.courses:
        if course["state"] != CourseState.DELETED:
            held[course["contract_id"], course["year"]] += course["group_size"]
    for place, ledger in seen.ledgers.items():
        if ledger["reserved"] != held[place]:
            yield f"the ledger of {place} holds {ledger['reserved']} places, the courses have {held[place]}"


def _endings_against_reports(seen: Seen) -> Iterator[str]:
    """Every late end is reported once (E-15), and nothing else is reported as one."""
    late = {course_id for course_id, ending in seen.endings.items() if ending["late"]}
    told = [report["course_id"] for report in seen.reports if report["kind"] == ReportKind.LATE_DELETION]
    if sorted(late) != sorted(told):
        yield f"{len(late)} courses ended late, and Kela was told of {len(told)}"
    unexplained = sum(not report["reason"] for report in seen.reports)
    if unexplained:
        yield f"{unexplained} reports to Kela without a reason"


def _search_against_courses(seen: Seen) -> Iterator[str]:
    for course in seen.courses:
        yield from _found_against_course(seen.found.get(course["course_number"]), course)
    listed = {shown["course_number"]: shown["free_places"] for item in seen.offices for shown in item["courses"]}
    there = [course for course in seen.courses if course["state"] != CourseState.DELETED]
    free = {course["course_number"]: course["free_places"] for course in there}
    for number, places in listed.items():
        if places != free.get(number):
            yield f"course {number}: {places} free places in the list of the search, {free.get(number)} in courses"
    active = Counter(pin["course_id"] for pin in seen.pins if pin["state"] == PinState.ACTIVE)
    for course in seen.courses:
        counted, pinned = course["pinned"], active[course["course_id"]]
        if course["state"] != CourseState.COMPLETED and counted != pinned:
            yield f"course {course['course_number']} counts {counted} pins and lists {pinned}"


def _found_against_course(found: Any, course: Any) -> Iterator[str]:
    number = course["course_number"]
    if course["state"] == CourseState.DELETED:
        if found is not None:
            yield f"the deleted course {number} is in the search"
        return
    if found is None:
        yield f"course {number} is missing in the search"
        return
    for what in ("free_places", "group_size", "state"):
        if found[what] != course[what]:
            yield f"course {number}: {what} is {found[what]} in the search, {course[what]} in courses"


def _counts_against_one_another(seen: Seen) -> Iterator[str]:
    for year, told in seen.years.items():
        if told["total"] != sum(told["months"]):
            yield f"the months of {year} do not add up to its total"
    yield from _statistics_against_records(seen)
    newest = NEW_CLIENTS[-1].year
    if seen.quota["used"] != seen.years[newest]["total"]:
        yield f"the quota counts {seen.quota['used']} clients, the statistics {seen.years[newest]['total']}"
    for contract in seen.contracts:
        for gauge in contract["years"]:
            place = (contract["contract_id"], gauge["year"])
            if gauge["decisions_used"] != seen.counts[place]["used"]:
                yield f"decisions used of {place}: {gauge['decisions_used']} in registration, not in decisions"
            if gauge["places_used"] != seen.ledgers[place]["reserved"]:
                yield f"places used of {place}: {gauge['places_used']} in registration, not in courses"
            if not gauge["announced"] == seen.counts[place]["announced"] == seen.ledgers[place]["announced"]:
                yield f"the announced count of {place} differs between the services"


def _statistics_against_records(seen: Seen) -> Iterator[str]:
    """Moves and courses that the statistics count are those of courses (R-CRS-51); T3 is what the source says."""
    moved = sum(pin["state"] == PinState.MOVED for pin in seen.pins)
    counted = sum(told["moved_before"] + told["moved_after"] for told in seen.group_sizes.values())
    if counted != moved:
        yield f"{moved} clients changed course, the statistics count {counted}"
    began = sum(course["state"] in (CourseState.RUNNING, CourseState.COMPLETED) for course in seen.courses)
    courses = sum(told["courses"] for told in seen.group_sizes.values())
    if courses != began:
        yield f"{began} courses have begun, the statistics count {courses}"
    for column, year in enumerate(NEW_CLIENTS, 1):
        months = tuple(row[column] for row in seen.reported["rows"] if row[column] is not None)
        if months != year.new_clients:
            yield f"T3 of {year.year} is not what the source says"


def _messages_against_files(seen: Seen, phones: Phones) -> Iterator[str]:
    phones.look()
    told = seen.messages
    yield from _endings_against_messages(seen)
    sms = sum(row["messages"] for row in told["messages"] if row["channel"] == "sms" and row["state"] == "sent")
    if sms != phones.received:
        yield f"{sms} SMS are marked as sent, {phones.received} arrived"
    if told["invitations"] != phones.surveys:
        yield f"{told['invitations']} surveys are on record, {phones.surveys} arrived"
    if told["waiting"]:
        yield f"{told['waiting']} messages are still waiting"
    lost = sum(row["messages"] for row in told["messages"] if row["state"] == "undeliverable")
    if lost:
        yield f"{lost} messages could not be delivered"


def _endings_against_messages(seen: Seen) -> Iterator[str]:
    """Whoever lost a place with the course is told so, and so is the provider (E-34, E-40)."""
    lost = sum(pin["reason"] in _COURSE_ENDED for pin in seen.pins)
    for template in ("course-not-held", "course-ended"):
        told = sum(row["messages"] for row in seen.messages["messages"] if row["template"] == template)
        if told != lost:
            yield f"{lost} clients lost their place with the course, {told} were told ({template})"

"""Asking the services, when the play is over, what has become of it."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from contracts.topics import SERVICES
from contracts.values import CourseState, DecisionState, PinState, ReleaseReason
from rekku.demo.api import Api, Refused, at_rest
from rekku.demo.billing import HalfYearPaid, half_year
from rekku.demo.changes import seen_changes
from rekku.demo.comparison import FeedbackShown, Measured
from rekku.demo.consistency import Seen, inconsistencies
from rekku.demo.played import Played
from rekku.demo.reference import NEW_CLIENTS, SERVICE
from rekku.demo.surveys import Phones

_AT_ONCE = 16
_CONFIRMED = (CourseState.CONFIRMED, CourseState.RUNNING, CourseState.COMPLETED)
_FEEDBACK = "feedback"
_SAMPLE = 20
"""Every how-manieth decision is asked for its follow-up, and every revoked one."""


async def look(api: Api) -> Seen:
    """Wait until nothing is on its way, then ask every service."""
    progress = await at_rest(api, SERVICES)
    years = {
        year.year: await api.get("decisions", "/statistics/new-clients", service=SERVICE, year=year.year)
        for year in NEW_CLIENTS
    }
    counts = [
        row
        for year in NEW_CLIENTS
        for row in _rows(await api.get("decisions", "/statistics/decisions", service=SERVICE, year=year.year))
    ]
    decisions = await api.every("decisions", "/decisions", service=SERVICE)
    courses = await api.every("courses", "/courses")
    began_in = sorted({int(course["periods"][0]["first_day"][:4]) for course in courses})
    contracts = await api.every("registration", "/contracts")
    pins = await _each(courses, lambda course: api.every("courses", f"/courses/{course['course_id']}/pins"))
    found = await _each(courses, lambda course: _in_search(api, course["course_number"]))
    gone = [course["course_id"] for course in courses if course["state"] == CourseState.DELETED]
    endings = await _each(gone, lambda course_id: api.get("courses", f"/courses/{course_id}/ending"))
    gauges = [(contract["contract_id"], year["year"]) for contract in contracts for year in contract["years"]]
    every_pin = [pin for of_course in pins for pin in of_course]
    moved = sorted({pin["decision_ref"] for pin in every_pin if pin["state"] == PinState.MOVED})
    histories = await _each(moved, lambda ref: api.get("courses", f"/decisions/{ref}/pins"))
    return Seen(
        progress=progress,
        years=years,
        half_years=await api.get("decisions", "/statistics/half-years", service=SERVICE, year=NEW_CLIENTS[-1].year),
        settlements=await api.every("decisions", "/settlements", page=100, state="accepted"),
        group_sizes={
            year: await api.get("decisions", "/statistics/group-sizes", service=SERVICE, year=year) for year in began_in
        },
        contract_counts=_rows(await api.get("decisions", "/statistics/contracts")),
        reported=await api.get("decisions", "/statistics/reported/T3"),
        decision_counts=counts,
        quota=await api.get("decisions", f"/quotas/{SERVICE}/{NEW_CLIENTS[-1].year}"),
        decisions=decisions,
        followed=await _each(
            [one for n, one in enumerate(decisions) if one["state"] == DecisionState.REVOKED or n % _SAMPLE == 0],
            lambda decision: api.get("decisions", f"/decisions/{decision['decision_ref']}"),
        ),
        contracts=contracts,
        counts=dict(
            zip(
                gauges,
                await _each(gauges, lambda g: api.get("decisions", f"/announced-counts/{g[0]}/{g[1]}")),
                strict=True,
            )
        ),
        ledgers=dict(
            zip(gauges, await _each(gauges, lambda g: api.get("courses", f"/place-ledgers/{g[0]}/{g[1]}")), strict=True)
        ),
        courses=courses,
        pins=every_pin,
        stays=[stay for history in histories for stay in history["items"]],
        endings=dict(zip(gone, endings, strict=True)),
        reports=await api.every("courses", "/reports"),
        found={shown["course_number"]: shown for shown in found if shown},
        offices=await api.every("search", "/offices", public=True, page=100, service=SERVICE, municipality="091"),
        messages=await api.get("notifications", "/statistics"),
    )


async def _in_search(api: Api, course_number: int) -> Any:
    """The course as the search shows it; None where it has none of that number."""
    try:
        page = await api.get("search", f"/courses/{course_number}", public=True)
    except Refused as refused:
        if refused.code != "COURSE_UNKNOWN":
            raise
        return None
    return page["course"]


def _rows(answer: Any) -> list[Any]:
    return list(answer["items"] if isinstance(answer, dict) else answer)


async def _each(things: Sequence[Any], ask: Any) -> list[Any]:
    at_once = asyncio.Semaphore(_AT_ONCE)

    async def one(thing: Any) -> Any:
        async with at_once:
            return await ask(thing)

    return list(await asyncio.gather(*(one(thing) for thing in things)))


def _method(forecast: Any) -> str:
    """A method of the forecasts, in the words of the reference."""
    return "straight line" if forecast["basis_year"] is None else f"seasons of {forecast['basis_year']}"


def measured(seen: Seen, played: Played, phones: Phones) -> Measured:
    """The figures to compare."""
    newest = NEW_CLIENTS[-1].year
    office_key = {office_id: key for key, office_id in played.offices.items()}
    unpinned = [pin for pin in seen.pins if pin["reason"] == ReleaseReason.DECISION_REVOKED]
    [contracts] = (row for row in seen.contract_counts if row["service"] == SERVICE)
    sizes: Counter[int] = Counter()
    for told in seen.group_sizes.values():
        sizes.update({row["clients"]: row["courses"] for row in told["items"]})
    sent: Counter[str] = Counter()
    for row in seen.messages["messages"]:
        if row["state"] == "sent":
            sent[f"{row['template']} ({row['channel']})"] += row["messages"]
    return Measured(
        new_clients={year: tuple(told["months"]) for year, told in seen.years.items()},
        estimates={year: told["estimate"] for year, told in seen.years.items()},
        forecasts={_method(row): row["total"] for row in seen.years[newest]["forecasts"]},
        contracts=contracts["contracts"],
        swedish_contracts=contracts["swedish"],
        quota_limit=seen.quota["limit"],
        quota_used=seen.quota["used"],
        quota_remaining=seen.quota["remaining"],
        granted=sum(row["granted"] for row in seen.decision_counts),
        rejected=sum(row["rejected"] for row in seen.decision_counts),
        revoked=sum(decision["state"] == DecisionState.REVOKED for decision in seen.decisions),
        pinned=len(seen.pins),
        unpinned=len(unpinned),
        courses=len(seen.courses),
        confirmed=sum(course["state"] in _CONFIRMED for course in seen.courses),
        invitations=sent[f"{_FEEDBACK} (sms)"],
        answers=seen.messages["answers"],
        changes=seen_changes(
            seen.courses,
            seen.pins,
            seen.endings,
            seen.reports,
            seen.messages["messages"],
            played.opened,
            played.refused,
        ),
        messages=dict(sent),
        half_years={
            half_year(row["year"], row["half"]): HalfYearPaid(
                row["persons"], row["periods"], None if row["cost"] is None else Decimal(row["cost"])
            )
            for row in seen.half_years["items"]
        },
        settlements=len(seen.settlements),
        settled=sum((Decimal(row["total"]) for row in seen.settlements), Decimal(0)),
        faults=played.faults,
        start_sizes=dict(sorted(sizes.items())),
        feedback={
            office_key[item["office"]["office_id"]]: FeedbackShown(
                Decimal(str(item["feedback"]["average"])), item["feedback"]["answers"]
            )
            for item in seen.offices
            if item["feedback"]["average"] is not None
        },
        inconsistencies=tuple(inconsistencies(seen, phones)),
    )

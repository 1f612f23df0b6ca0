"""What the system says beside what the source and the plan say; one difference is enough to fail."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction

from contracts.values import Language
from rekku.demo import reference
from rekku.demo.billing import FAULTS, HalfYearPaid
from rekku.demo.changes import REPORT_WORDS, WORDS, Changes
from rekku.demo.plan import Plan
from rekku.demo.providers import PROVIDERS
from rekku.demo.reference import Year, percent


@dataclass(frozen=True)
class FeedbackShown:
    """An office's average as the search shows it."""

    average: Decimal
    answers: int


@dataclass(frozen=True)
class Measured:
    """What the services answered when the play was over."""

    new_clients: Mapping[int, tuple[int, ...]]
    estimates: Mapping[int, int]
    forecasts: Mapping[str, int]
    contracts: int
    swedish_contracts: int
    quota_limit: int
    quota_used: int
    quota_remaining: int
    granted: int
    rejected: int
    revoked: int
    pinned: int
    unpinned: int
    courses: int
    confirmed: int
    invitations: int
    answers: int
    changes: Changes
    messages: Mapping[str, int] = field(default_factory=dict)
    half_years: Mapping[str, HalfYearPaid] = field(default_factory=dict)
    settlements: int = 0
    settled: Decimal = Decimal(0)
    faults: tuple[str, ...] = ()
    start_sizes: Mapping[int, int] = field(default_factory=dict)
    feedback: Mapping[str, FeedbackShown] = field(default_factory=dict)
    inconsistencies: tuple[str, ...] = ()


CONSISTENCY = "consistency"
"""What a check across services is expected by: every service must tell the same."""


@dataclass(frozen=True)
class Check:
    """One figure that must hold; `expected_by` names the source table or the plan."""

    name: str
    measured: object
    expected: object
    expected_by: str

    @property
    def holds(self) -> bool:
        """True where the system says what was expected."""
        return self.measured == self.expected


def checks(
    measured: Measured,
    plan: Plan,
    answered: Mapping[str, list[Fraction]],
    years: tuple[Year, ...] = reference.NEW_CLIENTS,
) -> list[Check]:
    """Every comparison, in the order the report shows them.

    `answered` holds each office's answers in the order they were given, as respondents' raw means
    (1 is best), so that the published averages can be worked out anew.
    """
    return [
        *_new_client_checks(measured, years),
        *_estimate_checks(measured, years),
        *_count_checks(measured, plan, answered),
        *_payment_checks(measured, plan),
        *_change_checks(measured.changes, plan.changes),
        *_feedback_checks(measured, answered),
        *(Check(problem, "differs", "the same", CONSISTENCY) for problem in measured.inconsistencies),
    ]


def exit_status(compared: Sequence[Check]) -> int:
    """0 where everything holds, 1 where anything differs."""
    return 0 if all(check.holds for check in compared) else 1


def _new_client_checks(measured: Measured, years: tuple[Year, ...]) -> Iterator[Check]:
    for year in years:
        months = measured.new_clients.get(year.year, ())
        for month, expected in enumerate(year.new_clients, start=1):
            found = months[month - 1] if month <= len(months) else None
            yield Check(f"new clients {year.year}-{month:02}", found, expected, "T3")
        yield Check(f"new clients {year.year}, sum", sum(months), year.stated_total, "T3")


def _estimate_checks(measured: Measured, years: tuple[Year, ...]) -> Iterator[Check]:
    for year in years:
        yield Check(f"estimate {year.year}", measured.estimates.get(year.year), year.estimate, "T3")
        if year.complete:
            use = percent(sum(measured.new_clients.get(year.year, ())), measured.estimates.get(year.year) or 1)
            yield Check(f"use of the estimate {year.year}, %", use, reference.USE_OF_ESTIMATE[year.year], "T3")
    newest = years[-1]
    for method, expected in reference.FORECASTS_2024.items():
        yield Check(f"forecast {newest.year}, {method}", measured.forecasts.get(method), expected, "E-56")
    yield Check(f"quota {newest.year}", measured.quota_limit, newest.estimate, "E-52")
    yield Check(f"quota {newest.year}, used", measured.quota_used, newest.stated_total, "E-52")
    yield Check(f"quota {newest.year}, left", measured.quota_remaining, reference.REMAINING_2024, "E-52")


def _count_checks(measured: Measured, plan: Plan, answered: Mapping[str, list[Fraction]]) -> Iterator[Check]:
    expected_rejections = rejections_for(sum(sum(months) for months in measured.new_clients.values()))
    yield Check("contracts", measured.contracts, reference.CONTRACTS, "T5")
    yield Check("contracts in Swedish", measured.swedish_contracts, reference.SWEDISH_CONTRACTS, "T5")
    yield Check("grants", measured.granted, plan.granted, "plan")
    yield Check("rejections at 2021's rate", measured.rejected, expected_rejections, "T2")
    yield Check("revocations", measured.revoked, plan.revoked, "plan")
    yield Check("courses", measured.courses, len(plan.courses), "plan")
    yield Check(
        "confirmed courses", measured.confirmed, sum(course.confirmed_on is not None for course in plan.courses), "plan"
    )
    yield Check("pins", measured.pinned, plan.pinned, "plan")
    yield Check("automatic unpins", measured.unpinned, plan.unpinned, "plan")
    yield Check("survey invitations by SMS", measured.invitations, plan.invitations, "plan")
    yield Check("survey answers", measured.answers, sum(len(scores) for scores in answered.values()), "answers given")


def _payment_checks(measured: Measured, plan: Plan) -> Iterator[Check]:
    """What was paid, as the statistics tell it, and what the settlements come to one by one (R-BIL-10, E-60)."""
    nothing = HalfYearPaid(0, 0, None)
    for half in sorted({*measured.half_years, *plan.half_years}, key=lambda half: half.split("/")[::-1]):
        found, expected = measured.half_years.get(half, nothing), plan.half_years.get(half, nothing)
        yield Check(f"persons paid for {half}", found.persons, expected.persons, "plan")
        yield Check(f"periods paid {half}", found.periods, expected.periods, "plan")
        yield Check(f"costs {half}, €", found.cost, expected.cost, "plan")
    yield Check("accepted settlements", measured.settlements, plan.settlements, "plan")
    yield Check("accepted settlements, €", measured.settled, plan.settled, "plan")
    yield Check("faults of the refused settlement", ", ".join(measured.faults), ", ".join(FAULTS), "E-60")


def _change_checks(seen: Changes, planned: Changes) -> Iterator[Check]:
    for name, words in WORDS.items():
        yield Check(words, getattr(seen, name), getattr(planned, name), "plan")
    for kind, words in REPORT_WORDS.items():
        found, expected = seen.reports.get(kind, 0), planned.reports.get(kind, 0)
        if found or expected:
            yield Check(f"Kela was told of: {words}", found, expected, "plan")


def rejections_for(granted: int) -> int:
    """Rejections that go with `granted` new grants at the rate of 2021 (T2)."""
    return granted * reference.REJECTED_2021 // reference.GRANTED_2021


PUBLISH_EVERY = 5
"""E-30: an average is published from five answers on, and again after five more."""


def published_average(raw_means: list[Fraction]) -> FeedbackShown | None:
    """What the search must show for an office after these answers, in this order (E-27, E-30)."""
    counted = len(raw_means) // PUBLISH_EVERY * PUBLISH_EVERY
    if not counted:
        return None
    shown = 6 - sum(raw_means[:counted], Fraction()) / counted
    tenths = (10 * shown + Fraction(1, 2)).__floor__()
    return FeedbackShown(Decimal(tenths).scaleb(-1), counted)


def _feedback_checks(measured: Measured, answered: Mapping[str, list[Fraction]]) -> Iterator[Check]:
    for office in sorted(answered):
        yield Check(
            f"average of the office {office}",
            measured.feedback.get(office),
            published_average(answered[office]),
            "E-27, E-30",
        )


def _by_seasons(years: Mapping[int, tuple[int, ...]], newest: Year) -> dict[str, int]:
    """The newest year's total by the seasons of each earlier one."""
    so_far = sum(years[newest.year])
    earlier = {year: months for year, months in years.items() if year < newest.year}
    return {
        f"seasons of {year}": round(so_far * sum(months) / sum(months[: newest.months]))
        for year, months in earlier.items()
    }


def as_planned(plan: Plan) -> Measured:
    """What a system without faults answers, before any survey answer: the baseline of the tests."""
    new: Counter[tuple[int, int]] = Counter(
        (decision.decided_on.year, decision.decided_on.month) for decision in plan.decisions if decision.new_client
    )
    newest = reference.NEW_CLIENTS[-1]
    years = {year.year: tuple(new[year.year, month] for month in range(1, 13)) for year in reference.NEW_CLIENTS}
    used = sum(years[newest.year])
    return Measured(
        new_clients=years,
        estimates={year.year: year.estimate for year in reference.NEW_CLIENTS},
        forecasts={"straight line": round(used / newest.months * 12), **_by_seasons(years, newest)},
        contracts=len(PROVIDERS),
        swedish_contracts=sum(provider.language is Language.SV for provider in PROVIDERS),
        quota_limit=newest.estimate,
        quota_used=used,
        quota_remaining=newest.estimate - used,
        granted=plan.granted,
        rejected=plan.rejected,
        revoked=plan.revoked,
        pinned=plan.pinned,
        unpinned=plan.unpinned,
        courses=len(plan.courses),
        confirmed=sum(course.confirmed_on is not None for course in plan.courses),
        invitations=plan.invitations,
        answers=0,
        changes=plan.changes,
        half_years=plan.half_years,
        settlements=plan.settlements,
        settled=plan.settled,
        faults=FAULTS,
    )

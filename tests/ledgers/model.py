"""What decisions, courses and both ledgers of one contract must be: plain dictionaries, no SQL and no rules reused."""

from dataclasses import dataclass, field

GROUP_MIN, GROUP_MAX, CONFIRM_AT, MUST_RUN_AT = 2, 4, 2, 3

HOLDS_PLACES = ("created", "published", "confirmed")
OVER = ("deleted", "cancelled")


@dataclass
class ModelDecision:
    """A decision as its owner has it, and the newest version that courses have heard of."""

    state: str = "granted"
    version: int = 1
    heard: int = 0
    pinned_to: str | None = None
    moved_from: str | None = None

    @property
    def heard_state(self) -> str:
        """What courses know: a decision changes once at most."""
        return "granted" if self.heard == 1 else self.state


@dataclass
class ModelCourse:
    """A course; who is pinned to it is said by the decisions."""

    year: int
    size: int
    state: str = "created"
    had_to_run: bool = False


@dataclass
class Model:
    """Every command says with which code it is refused, None where it is done, and does it."""

    announced: dict[int, int]
    courses: dict[str, ModelCourse] = field(default_factory=dict)
    decisions: dict[str, ModelDecision] = field(default_factory=dict)

    def used(self) -> int:
        """Decisions of the year; a revoked one still counts, an annulled one does not (E-7)."""
        return sum(decision.state != "annulled" for decision in self.decisions.values())

    def reserved(self, year: int) -> int:
        """Places on the year's courses, full or empty, of those that are to be carried out (E-1)."""
        return sum(c.size for c in self.courses.values() if c.year == year and c.state in HOLDS_PLACES)

    def pinned(self, course_id: str) -> list[str]:
        """Who has a place on a course."""
        return sorted(ref for ref, decision in self.decisions.items() if decision.pinned_to == course_id)

    def grant(self) -> str | None:
        """The caller adds the decision under the reference it got."""
        return "ANNOUNCED_COUNT_FULL" if self.used() >= self.announced[2024] else None

    def take_back(self, ref: str, state: str) -> str | None:
        """Revoke or annul."""
        decision = self.decisions[ref]
        if decision.state != "granted":
            return f"ALREADY_{state.upper()}" if decision.state == state else "NOT_GRANTED"
        decision.state, decision.version = state, 2
        return None

    def hear(self, ref: str, version: int) -> None:
        """Courses hear of a decision, perhaps again, perhaps of its end before its beginning (E-19, E-21)."""
        decision = self.decisions[ref]
        decision.heard = max(decision.heard, version)
        if decision.heard == 2:
            decision.pinned_to = None

    def create(self, year: int, size: int) -> str | None:
        """The caller adds the course under the id it got."""
        return self._bad_size(size) or self._no_room(year, size)

    def publish(self, course_id: str) -> str | None:
        course = self.courses[course_id]
        if course.state != "created":
            return "COURSE_GONE" if course.state in OVER else "ALREADY_PUBLISHED"
        course.state = "published"
        return None

    def resize(self, course_id: str, size: int) -> str | None:
        course = self.courses[course_id]
        if course.state in OVER:
            return "COURSE_GONE"
        if size == course.size:
            return None
        refused = self._bad_size(size)
        if size < course.size:
            refused = refused or ("SHRINK_AFTER_CONFIRMATION" if course.state == "confirmed" else None)
            refused = refused or ("SHRINK_BELOW_PINNED" if size < len(self.pinned(course_id)) else None)
        else:
            refused = refused or self._no_room(course.year, size - course.size)
        if refused is None:
            course.size = size
        return refused

    def change_year(self, course_id: str, year: int) -> str | None:
        course = self.courses[course_id]
        if course.state in OVER:
            return "COURSE_GONE"
        if year == course.year:
            return None
        if course.state == "confirmed":
            return "PERIOD_FROZEN"
        refused = self._no_room(year, course.size)
        if refused is None:
            course.year = year
        return refused

    def pin(self, ref: str, course_id: str) -> str | None:
        decision = self.decisions[ref]
        if decision.heard and decision.pinned_to == course_id:
            return None
        refused = self._no_place(course_id)
        if refused in ("COURSE_GONE", "NOT_PUBLISHED"):
            return refused
        if decision.heard == 0:
            return "DECISION_UNKNOWN"
        if decision.heard_state != "granted":
            return "DECISION_REVOKED"
        if decision.pinned_to is not None:
            return "ALREADY_PINNED"
        if refused is None:
            self._seat(ref, course_id)
            decision.moved_from = None
        return refused

    def unpin(self, ref: str, course_id: str) -> str | None:
        if self.decisions[ref].pinned_to != course_id:
            return "NOT_PINNED"
        self.decisions[ref].pinned_to = None
        return None

    def move(self, ref: str, here: str, there: str) -> str | None:
        decision = self.decisions[ref]
        if decision.pinned_to == there and decision.moved_from == here:
            return None
        if decision.pinned_to != here:
            return "NOT_PINNED"
        refused = "SAME_COURSE" if here == there else self._no_place(there)
        if refused is None:
            self._seat(ref, there)
            decision.moved_from = here
        return refused

    def confirm(self, course_id: str) -> str | None:
        course = self.courses[course_id]
        if course.state != "published":
            return {"created": "NOT_PUBLISHED", "confirmed": "ALREADY_CONFIRMED"}.get(course.state, "COURSE_GONE")
        if len(self.pinned(course_id)) < CONFIRM_AT:
            return "CONFIRM_TOO_FEW"
        course.state = "confirmed"
        return None

    def delete(self, course_id: str, there: str | None) -> str | None:
        """Everybody goes to one other course, or nobody goes anywhere."""
        course, pinned = self.courses[course_id], self.pinned(course_id)
        if course.state not in ("created", "published"):
            return "CONFIRMED" if course.state == "confirmed" else "COURSE_GONE"
        if len(pinned) >= MUST_RUN_AT:
            return "MUST_RUN"
        if pinned and there is None:
            return "TRANSFERS_MISSING"
        if pinned and there is not None:
            refused = "SAME_COURSE" if there == course_id else self._no_place(there, len(pinned))
            if refused:
                return refused
            for ref in pinned:
                self._seat(ref, there)
                self.decisions[ref].moved_from = course_id
        course.state = "deleted"
        return None

    def cancel(self, course_id: str) -> str | None:
        course = self.courses[course_id]
        if course.state != "confirmed":
            return "COURSE_GONE" if course.state in OVER else "NOT_CONFIRMED"
        course.state = "cancelled"
        for ref in self.pinned(course_id):
            self.decisions[ref].pinned_to = None
        return None

    def _seat(self, ref: str, course_id: str) -> None:
        self.decisions[ref].pinned_to = course_id
        if len(self.pinned(course_id)) >= MUST_RUN_AT:
            self.courses[course_id].had_to_run = True

    def _no_place(self, course_id: str, wanted: int = 1) -> str | None:
        course = self.courses[course_id]
        if course.state not in ("published", "confirmed"):
            return "NOT_PUBLISHED" if course.state == "created" else "COURSE_GONE"
        return "COURSE_FULL" if len(self.pinned(course_id)) + wanted > course.size else None

    def _no_room(self, year: int, places: int) -> str | None:
        return "PLACE_LEDGER_FULL" if self.reserved(year) + places > self.announced[year] else None

    @staticmethod
    def _bad_size(size: int) -> str | None:
        return None if GROUP_MIN <= size <= GROUP_MAX else "GROUP_SIZE_OUT_OF_RANGE"

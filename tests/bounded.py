"""Is a history of grants against a cap one that could have happened one after the other?

A checker after Wing and Gong, for a bounded counter: operations that overlapped may have taken effect in
any order, each somewhere between its call and its answer, and one without an answer perhaps never. The
model has two numbers, so what has taken effect is all that a search has to remember of where it was.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Did(StrEnum):
    """What an operation asked for."""

    GRANT = "grant"
    SET_CAP = "set_cap"


@dataclass(frozen=True, slots=True)
class Operation:
    """One call: when it began and was answered (None: never), and for a grant whether it was given."""

    did: Did
    called: float
    answered: float | None
    given: bool | None = None
    cap: int = 0


def is_linearizable(history: Sequence[Operation], cap: int) -> bool:
    """Whether some order of the operations within their times is one of a counter that never passes its cap.

    A grant is given exactly when the counter is below the cap; a cap set below it takes nothing away.
    Caps are set in the order of their calls, as their versions say. An operation without an answer has
    taken effect at any time after its call, or not at all.
    """
    operations = sorted(history, key=lambda operation: operation.called)
    ends = [float("inf") if o.answered is None else o.answered for o in operations]
    must = sum(1 << number for number, o in enumerate(operations) if o.answered is not None)
    stack, seen = [(0, cap, 0)], {(0, cap, 0)}
    while stack:
        done, now_cap, used = stack.pop()
        if done & must == must:
            return True
        for following in _next(operations, ends, done, now_cap, used):
            if following not in seen:
                seen.add(following)
                stack.append(following)
    return False


def _next(
    operations: Sequence[Operation], ends: Sequence[float], done: int, cap: int, used: int
) -> list[tuple[int, int, int]]:
    """The states one operation further that have to be looked at: done, cap, used.

    An operation may take effect next if it was called before every other one that waits was over. Of
    grants that were given, the one that must be over first may always go first. A refusal changes
    nothing, so where it fits there is no need to look at anything else.
    """
    waiting = [number for number in range(len(operations)) if not done >> number & 1]
    first_end = min(ends[number] for number in waiting)
    due = [number for number in waiting if operations[number].called <= first_end]
    room = used < cap
    if not room:
        refused = next((number for number in due if operations[number].given is False), None)
        if refused is not None:
            return [(done | 1 << refused, cap, used)]
    following = []
    next_cap = next((number for number in waiting if operations[number].did is Did.SET_CAP), None)
    if next_cap in due:
        following.append((done | 1 << next_cap, operations[next_cap].cap, used))
    grants = [number for number in due if operations[number].did is Did.GRANT and operations[number].given is not False]
    if room and grants:
        following.append((done | 1 << min(grants, key=ends.__getitem__), cap, used + 1))
    return following

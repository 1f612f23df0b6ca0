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
    An operation without an answer has taken effect at any time after its call, or not at all.
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
    """Every state one operation further: done, cap, used. None may begin after another one had to be over."""
    waiting = [number for number in range(len(operations)) if not done >> number & 1]
    first_end = min(ends[number] for number in waiting)
    following: dict[tuple[object, ...], tuple[int, int, int]] = {}
    for number in waiting:
        operation = operations[number]
        if operation.called > first_end:
            break
        for state, alike in _effects(operation, cap, used):
            # Of operations that do the same, the one that must be over first may always go first.
            key = (*alike, operation.answered is None)
            earlier = following.get(key)
            if earlier is None or ends[number] < ends[(earlier[0] ^ done).bit_length() - 1]:
                following[key] = (done | 1 << number, *state)
    return list(following.values())


def _effects(operation: Operation, cap: int, used: int) -> list[tuple[tuple[int, int], tuple[object, ...]]]:
    if operation.did is Did.SET_CAP:
        return [((operation.cap, used), (Did.SET_CAP, operation.cap))]
    room = used < cap
    if operation.given not in (None, room):
        return []
    return [((cap, used + room), (Did.GRANT, room))]

"""Counting within a minute: exact up to the limit, and bounded in memory whatever comes."""

from hypothesis import given
from hypothesis import strategies as st

from chassis.windows import LENGTH_S, Windows


class Clock:
    """Seconds that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_up_to_the_limit_nobody_waits_and_then_until_the_minute_is_over():
    clock = Clock()
    windows = Windows(clock=clock)
    assert [windows.count("a", 3) for _ in range(3)] == [0, 0, 0]
    clock.now += 12.5
    assert windows.count("a", 3) == 47.5
    assert windows.count("b", 3) == 0
    clock.now += 47.5
    assert [windows.count("a", 3) > 0 for _ in range(4)] == [False, False, False, True]


def test_what_is_refused_does_not_prolong_the_wait():
    clock = Clock()
    windows = Windows(clock=clock)
    windows.count("a", 1)
    for _ in range(59):
        clock.now += 1
        assert windows.count("a", 1) > 0
    clock.now += 1
    assert windows.count("a", 1) == 0


@given(st.lists(st.tuples(st.sampled_from("abcde"), st.sampled_from([0.0, 1.0, 29.0, 60.0]))))
def test_in_no_window_are_more_than_the_limit(steps):
    """Against the plain model: of each key the window's beginning and its count."""
    clock, model = Clock(), {}
    windows = Windows(clock=clock)
    for key, pause in steps:
        clock.now += pause
        began, counted = model.get(key, (clock.now, 0))
        if clock.now - began >= LENGTH_S:
            began, counted = clock.now, 0
        waits = windows.count(key, 2)
        assert (waits > 0) == (counted >= 2)
        if not waits:
            model[key] = began, counted + 1


def test_a_count_that_is_taken_back_may_be_used_again():
    windows = Windows(clock=Clock())
    assert [windows.count("a", 2), windows.count("a", 2)] == [0, 0]
    windows.take_back("a")
    assert [windows.count("a", 2) > 0 for _ in range(2)] == [False, True]
    for _ in range(5):
        windows.take_back("a")
    windows.take_back("nobody")
    assert [windows.count("a", 2) > 0 for _ in range(3)] == [False, False, True]
    assert len(windows) == 1


def test_memory_is_bounded_and_what_is_over_is_forgotten():
    clock = Clock()
    windows = Windows(most=50, clock=clock)
    for number in range(500):
        windows.count(f"address {number}", 1)
    assert len(windows) == 50
    assert windows.count("address 499", 1) > 0
    assert windows.count("address 3", 1) == 0, "the oldest were forgotten"
    clock.now += LENGTH_S
    windows.count("another", 1)
    assert len(windows) == 1

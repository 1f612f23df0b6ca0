"""The arithmetic of recovery: when did everyone answer again, and when had everyone caught up?"""

from tests.chaos.plan import Fault, Kind
from tests.chaos.recovery import Event, recoveries
from tests.chaos.watch import NEWS, Sample


def a_fault(number, kind, began, healed):
    return Event(Fault(number, kind, "somebody", began, healed - began), began, healed)


def watched(subject, until, bad=()):
    """A sample every second; bad within the given spans."""
    return [Sample(at, subject, not any(start <= at < end for start, end in bad)) for at in range(until)]


def recovered(events, *series, waits=(), end=100):
    return recoveries(events, [sample for samples in series for sample in samples], waits, end)


def test_it_counts_from_healing():
    event = a_fault(1, Kind.RESTART_POSTGRES, 10, 14)
    (found,) = recovered([event], watched("courses", 100, [(11, 17)]), watched(f"{NEWS}search", 100, [(12, 20)]))
    assert (found.answers_s, found.caught_up_s) == (3, 6)
    assert found.late == ("courses", f"{NEWS}search")


def test_a_kill_heals_by_itself_so_it_counts_from_the_kill():
    event = a_fault(1, Kind.KILL_INSTANCE, 10, 10)
    (found,) = recovered([event], watched("courses", 100, [(10, 15)]))
    assert (found.answers_s, found.caught_up_s) == (5, 0)


def test_what_was_over_before_the_healing_took_no_time():
    event = a_fault(1, Kind.KILL_BROKER, 10, 30)
    (found,) = recovered([event], watched(f"{NEWS}search", 100, [(11, 20)]))
    assert found.caught_up_s == 0


def test_the_last_of_several_counts():
    event = a_fault(1, Kind.RESTART_POSTGRES, 10, 12)
    (found,) = recovered([event], watched("courses", 100, [(10, 14)]), watched("search", 100, [(10, 13), (16, 19)]))
    assert found.answers_s == 7


def test_who_never_comes_back_never_recovers():
    event = a_fault(1, Kind.KILL_INSTANCE, 10, 10)
    (found,) = recovered([event], watched("courses", 100, [(10, 100)]))
    assert found.answers_s is None
    assert not found.alone


def test_what_is_bad_after_the_next_fault_is_the_next_ones():
    events = [a_fault(1, Kind.KILL_INSTANCE, 10, 10), a_fault(2, Kind.KILL_BROKER, 40, 45)]
    found = recovered(events, watched("courses", 100, [(10, 13), (41, 50)]))
    assert [each.answers_s for each in found] == [3, 5]
    assert [each.alone for each in found] == [True, True]


def test_faults_that_run_into_one_another_do_not_stand_alone():
    events = [a_fault(1, Kind.KILL_INSTANCE, 10, 10), a_fault(2, Kind.KILL_BROKER, 20, 25)]
    found = recovered(events, watched("courses", 100, [(10, 23)]))
    assert [each.alone for each in found] == [False, False]


def test_the_longest_wait_is_that_of_a_command_under_way():
    event = a_fault(1, Kind.KILL_INSTANCE, 10, 10)
    (found,) = recovered([event], waits=[(1, 2, "courses"), (9, 4, "courses"), (50, 1, "search")], end=40)
    assert found.longest_wait_s == 4

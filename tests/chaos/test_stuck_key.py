"""What is reported of a key that was held: whether it missed something, and whether the others went on."""

from chassis.bus.kafka import _partition_of
from contracts.decisions import CLIENT_CONTACTS
from contracts.topics import TOPICS
from tests.chaos.stuck_key import Held, judged, what_was_seen

KEY = "errand-client-1"


def _clients(*, with_the_key: bool) -> list[str]:
    partitions = TOPICS[CLIENT_CONTACTS].partitions
    ours = _partition_of(KEY.encode(), partitions)
    names = (f"client-{nth}" for nth in range(99))
    return [name for name in names if (_partition_of(name.encode(), partitions) == ours) is with_the_key]


def test_others_of_its_partition_count_and_those_of_other_partitions_do_not():
    went, waited = _clients(with_the_key=True)[:2]
    elsewhere = _clients(with_the_key=False)[0]
    before = {KEY: 3, went: 1}
    owned = {KEY: 8, went: 2, waited: 1, elsewhere: 1}
    held = what_was_seen(KEY, before, {KEY: 3, went: 2, elsewhere: 1}, owned)
    assert held == Held(KEY, missed=5, went_on=1, waited=(waited,))


def test_it_passes_where_others_went_on_and_not_where_all_of_them_waited():
    went_on, held_up = Held(KEY, 5, 7, ("client-3",)), Held(KEY, 5, 0, ("client-3",))
    assert [outcome.passed for outcome in judged([went_on])] == [True]
    assert [outcome.passed for outcome in judged([went_on, held_up])] == [False]
    assert judged([]) == []

"""What is reported of a topic that nobody might write: whether others went on, and whether a log says that it rests."""

from dataclasses import replace

from tests.chaos.rights import LONG_S, Rested, judged

RESTED = Rested("rekku.pins", waited=17, oldest_s=LONG_S + 1, went_on=5, logged=True)


def test_it_passes_where_others_went_on_and_a_log_says_so():
    (outcome,) = judged([RESTED])
    assert outcome.passed
    assert outcome.looked_at == 5


def test_it_fails_where_all_waited_or_no_log_says_so():
    (outcome,) = judged([RESTED, replace(RESTED, went_on=0), replace(RESTED, logged=False)])
    assert not outcome.passed
    assert len(outcome.problems) == 2


def test_what_did_not_wait_for_long_shows_nothing():
    assert judged([replace(RESTED, oldest_s=LONG_S / 2, went_on=0)]) == []
    assert judged([]) == []

"""What commits late, or was only fetched when its service died, comes all the same, and once."""

from tests.failpoints.looks import changed_by_a_late_commit, changed_by_dying_over_a_record
from tests.failpoints.rounds import Grounds


async def test_what_commits_late_is_sent_all_the_same(ground: Grounds):
    """The control is a relay that reads by cursor, in test_negative_controls.py."""
    assert await changed_by_a_late_commit(ground) == []


async def test_what_was_only_fetched_is_fetched_again(ground: Grounds):
    """The control acknowledges by itself, in test_negative_controls.py."""
    assert await changed_by_dying_over_a_record(ground, acknowledged=False) == []

"""What a broker that has just started answers about groups is waited through, and never taken for an answer."""

from types import SimpleNamespace

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import (
    GroupAuthorizationFailedError,
    GroupCoordinatorNotAvailableError,
    GroupLoadInProgressError,
    KafkaConnectionError,
    NotCoordinatorForGroupError,
    UnknownMemberIdError,
)

from chassis.bus import kafka_groups
from chassis.bus.kafka_groups import committed_by, from_coordinator
from tests.kafka_topics import nobody_in_groups

NOT_YET = (GroupLoadInProgressError, GroupCoordinatorNotAvailableError, NotCoordinatorForGroupError)
GROUP = "rekku.courses"


class JustStarted:
    """An administrator's connection to a broker that answers each question with an error, some times, first."""

    def __init__(self, error, times=3):
        self.error, self.times = error, times
        self.asked = {}
        self.left = []

    def _code(self, question):
        self.asked[question] = self.asked.get(question, 0) + 1
        return self.error.errno if self.asked[question] <= self.times else 0

    def _refuse(self, question):
        if self._code(question):
            raise self.error("as aiokafka raises it")

    async def find_coordinator(self, group):
        self._refuse("coordinator")
        return 1

    async def list_consumer_groups(self):
        self._refuse("groups")
        return [(GROUP, "consumer"), ("of somebody else", "consumer")]

    async def describe_consumer_groups(self, groups, coordinator):
        code = self._code("members")
        members = [] if code else [("gone", None), ("here", None)]
        return [SimpleNamespace(groups=[(code, group, "Stable", "consumer", "range", members) for group in groups])]

    async def _send_request(self, request, coordinator):
        if type(request).__name__ == "LeaveGroupRequest":
            member = request._member_id
            code = self._code("leave") or (UnknownMemberIdError.errno if member == "gone" else 0)
            self.left += [] if code else [member]
            return SimpleNamespace(error_code=code)
        code = self._code("positions")
        topics = [] if code else [("t", [(0, 7, "", self._code("one position")), (1, 9, "", 0)])]
        return SimpleNamespace(error_code=code, topics=topics)


@pytest.fixture(autouse=True)
def _at_once(monkeypatch):
    monkeypatch.setattr(kafka_groups, "_ASK_EVERY_S", 0)


@pytest.mark.parametrize("error", NOT_YET)
async def test_positions_are_those_that_the_loaded_group_has(error):
    broker = JustStarted(error)
    assert await committed_by(broker, GROUP) == {TopicPartition("t", 0): 7, TopicPartition("t", 1): 9}
    assert min(broker.asked.values()) > broker.times


@pytest.mark.parametrize("error", NOT_YET)
async def test_members_are_put_out_of_a_loaded_group_and_who_is_gone_is_gone(error):
    broker = JustStarted(error)
    await nobody_in_groups(broker)
    assert broker.left == ["here"]
    assert min(broker.asked.values()) > broker.times


async def test_control_what_is_refused_for_good_is_not_asked_again():
    broker = JustStarted(GroupAuthorizationFailedError)
    with pytest.raises(GroupAuthorizationFailedError):
        await committed_by(broker, GROUP)
    assert broker.asked == {"coordinator": 1}
    with pytest.raises(GroupAuthorizationFailedError):
        await nobody_in_groups(broker)


async def test_a_broker_that_does_not_answer_is_not_asked_again():
    async def ask():
        raise KafkaConnectionError

    with pytest.raises(KafkaConnectionError):
        await from_coordinator(ask)

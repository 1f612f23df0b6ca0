"""Events of the notifications service: messages sent, and published feedback averages."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from contracts.envelope import Event, EventKind, Value

MESSAGES = "rekku.messages"
FEEDBACK = "rekku.feedback"


class Channel(StrEnum):
    """How a message reaches its recipient."""

    SMS = "sms"
    PROVIDER_INBOX = "provider_inbox"


class MessageSent(Event, wire="notifications.message-sent.v1", topic=MESSAGES, kind=EventKind.FACT):
    """A message left for its recipient; its text and the phone number stay in notifications."""

    message_id: str
    template: str
    channel: Channel
    decision_ref: str | None = None
    provider_id: str | None = None
    sent_at: datetime

    @property
    def key(self) -> str:
        return self.message_id


class FeedbackAverage(Value):
    """An office's published average in one service: 1-5 where 5 is best (E-27), n >= 5 (E-30)."""

    office_id: str
    service: str
    average: Decimal
    answers: int


class FeedbackAveragePublished(Event, wire="notifications.feedback-average-published.v1", topic=FEEDBACK):
    """A new average, at least five answers after the one before (E-30)."""

    feedback: FeedbackAverage

    @property
    def key(self) -> str:
        return f"{self.feedback.office_id}/{self.feedback.service}"

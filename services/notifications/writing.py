"""Writing messages: the intent is committed first, and an SMS leaves after that (`delivery.py`)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from chassis.db import Transaction
from chassis.texts import Texts
from contracts.envelope import new_event_id
from contracts.notifications import Channel, MessageSent
from services.notifications import store
from services.notifications.acts import Act
from services.notifications.domain import MessageState, Template

_TEMPLATES = Texts(Path(__file__).parent / "templates")


def text_of(template: Template, language: str, figures: Mapping[str, object] | None = None) -> str:
    """The message in the language; SMS exist in Finnish and Swedish only."""
    return _TEMPLATES.text(language, template, figures)


@dataclass(frozen=True)
class InboxLine:
    """A line for a provider's inbox; `figures` fill in the text when it is read."""

    occasion: str
    template: Template
    provider_id: str
    figures: dict[str, str]
    decision_ref: str | None = None
    language: str | None = None


async def tell_providers(tx: Transaction, lines: Sequence[InboxLine]) -> None:
    """Put lines into inboxes, each occasion once; they have reached their reader with this commit."""
    if not lines:
        return
    messages = [
        store.NewMessage(
            str(new_event_id()),
            line.occasion,
            line.template,
            Channel.PROVIDER_INBOX,
            MessageState.SENT,
            line.decision_ref,
            line.provider_id,
            line.language,
            line.figures,
        )
        for line in lines
    ]
    written = await store.add_messages(tx, messages)
    for message in messages:
        if message.message_id in written:
            tx.audit(Act.WRITE_MESSAGE, f"message:{message.message_id}", template=message.template)
            tx.emit(
                MessageSent(
                    version=1,
                    message_id=message.message_id,
                    template=message.template,
                    channel=message.channel,
                    decision_ref=message.decision_ref,
                    provider_id=message.provider_id,
                    sent_at=tx.now,
                )
            )


async def tell_client(
    tx: Transaction, template: Template, occasion: str, decision_ref: str, *, cancelled: bool = False
) -> str | None:
    """Write an SMS to the decision's client; its id, or None where the occasion was told before."""
    message = store.NewMessage(
        str(new_event_id()),
        occasion,
        template,
        Channel.SMS,
        MessageState.CANCELLED if cancelled else MessageState.WAITING,
        decision_ref,
    )
    if not await store.add_messages(tx, [message]):
        return None
    tx.audit(Act.WRITE_MESSAGE, f"message:{message.message_id}", template=template)
    return message.message_id


async def cancel_unsent(
    tx: Transaction, decision_ref: str, templates: Iterable[Template], *, but: Iterable[str] = ()
) -> None:
    """Cancel what has become untrue and nobody has begun to send, except the occasions `but`."""
    for message_id in await store.cancel_unsent(tx, decision_ref, templates, but=but):
        tx.audit(Act.CANCEL_MESSAGE, f"message:{message_id}")

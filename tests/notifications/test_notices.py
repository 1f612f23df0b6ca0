"""What registration asks to tell a provider: audit findings and data to look through."""

from datetime import date

import pytest

from contracts.envelope import new_event_id
from contracts.notifications import Channel, MessageSent
from contracts.registration import Notice, NoticeGiven, Office
from contracts.values import Language
from services.notifications.domain import NOTICE_TEMPLATES
from tests.notifications.builders import HEART, OFFICE, OTHER_PROVIDER, PROVIDER, a_contract, a_service


def a_notice(kind: str = "audit-finding-due", **differences) -> NoticeGiven:
    given = {
        "notice_id": f"{kind}/finding-1/2024-03-31",
        "kind": kind,
        "provider_id": PROVIDER,
        "office": Office(
            office_id=OFFICE,
            provider_id=PROVIDER,
            name="Kuopion toimipiste",
            municipality_code="297",
            street_address="Puijonkatu 1",
            postal_address="70100 Kuopio",
        ),
        "service": HEART,
        "due_on": date(2024, 3, 31),
    }
    return NoticeGiven(version=1, notice=Notice(**{**given, **differences}))


@pytest.mark.parametrize("kind", NOTICE_TEMPLATES)
async def test_a_notice_is_a_line_in_the_providers_inbox(notifications, kind):
    """R-REG-7, R-REG-11: with the office and the day; other providers do not see it."""
    service = None if kind == "data-review-due" else HEART
    await notifications.deliver(a_service(), a_notice(kind, service=service))
    [line] = await notifications.inbox()
    assert line["template"] == kind
    assert "Kuopion toimipiste" in line["text"]
    assert "31.3.2024" in line["text"]
    assert ("Sydänkurssi" in line["text"]) is (service is not None)
    assert await notifications.inbox(OTHER_PROVIDER) == []


async def test_a_notice_is_told_once_however_often_it_is_sent(notifications):
    """R-REG-11: a repeated event, and the same notice under another event id."""
    event_id = new_event_id()
    for _ in range(2):
        await notifications.deliver(a_notice(), event_id=event_id)
    await notifications.deliver(a_notice())
    assert len(await notifications.inbox()) == 1
    [sent] = await notifications.published(MessageSent)
    assert (sent.channel, sent.provider_id, sent.decision_ref) == (Channel.PROVIDER_INBOX, PROVIDER, None)
    await notifications.deliver(a_notice(notice_id="audit-finding-due/finding-1/2024-05-02", due_on=date(2024, 5, 2)))
    assert len(await notifications.inbox()) == 2


@pytest.mark.parametrize(
    ("contracts", "word"),
    [
        ([], "määräaika"),
        ([a_contract(language=Language.SV)], "Tidsfristen"),
        ([a_contract(contract_id="contract-sv", language=Language.SV), a_contract()], "määräaika"),
    ],
    ids=["nothing known", "Swedish only", "both"],
)
async def test_a_provider_is_written_to_in_a_language_it_serves_in(notifications, contracts, word):
    await notifications.deliver(*contracts, a_notice())
    [line] = await notifications.inbox()
    assert word in line["text"]


async def test_a_kind_of_a_newer_registration_is_left_out(notifications):
    """There are no words for it here."""
    await notifications.deliver(a_notice("tax-certificate-due"))
    assert await notifications.inbox() == []

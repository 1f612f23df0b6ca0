"""SQL of messages and surveys; that of answers is in `batches/store.py`, the copies of what others own in `copies.py`.

Lock order, whenever a transaction takes more than one: service, decision, course, pin, contract,
quota or count, survey, sealed answers of a full batch, feedback total, messages (by occasion, then by id).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import asyncpg

from chassis.db import Transaction
from contracts.notifications import Channel
from services.notifications.copies import get_row
from services.notifications.domain import Invited, MessageState, Stage, Template


@dataclass(frozen=True)
class NewMessage:
    """A message to write: to a client (`decision_ref`, by SMS) or to a provider's inbox."""

    message_id: str
    occasion: str
    template: Template
    channel: Channel
    state: MessageState
    decision_ref: str | None = None
    provider_id: str | None = None
    language: str | None = None
    figures: dict[str, str] | None = None


async def add_messages(tx: Transaction, messages: Sequence[NewMessage]) -> set[str]:
    """Write each message whose occasion has not been told of yet; the ids of those written."""
    messages = sorted(messages, key=lambda message: message.occasion)
    rows = await tx.fetch(
        "INSERT INTO messages (message_id, occasion, template, channel, state, decision_ref, provider_id, language,"
        " figures, created_at, sent_at)"
        " SELECT m.*, $10::timestamptz, CASE WHEN m.state = 'sent' THEN $10::timestamptz END"
        " FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],"
        " $9::jsonb[]) AS m (message_id, occasion, template, channel, state, decision_ref, provider_id, language,"
        " figures) ON CONFLICT (occasion) DO NOTHING RETURNING message_id",
        [m.message_id for m in messages],
        [m.occasion for m in messages],
        [m.template for m in messages],
        [m.channel for m in messages],
        [m.state for m in messages],
        [m.decision_ref for m in messages],
        [m.provider_id for m in messages],
        [m.language for m in messages],
        [m.figures or {} for m in messages],
        tx.now,
    )
    return {row["message_id"] for row in rows}


async def cancel_unsent(
    tx: Transaction, decision_ref: str, templates: Iterable[Template], *, but: Iterable[str] = ()
) -> list[str]:
    """Cancel the decision's messages of these templates that nobody has begun to send, except the occasions `but`.

    The ids of those cancelled.
    """
    rows = await tx.fetch(
        "UPDATE messages SET state = 'cancelled' WHERE decision_ref = $1 AND template = ANY($2::text[])"
        " AND channel = 'sms' AND state = 'waiting' AND claimed_by IS NULL AND occasion <> ALL($3::text[])"
        " RETURNING message_id",
        decision_ref,
        list(templates),
        list(but),
    )
    return [row["message_id"] for row in rows]


async def find_messages(tx: Transaction, *, before: str | None, limit: int) -> list[asyncpg.Record]:
    """Messages the caller may see, newest first."""
    return await tx.fetch(
        "SELECT m.message_id, m.template, m.channel, m.state, m.decision_ref, m.provider_id, m.figures, m.created_at,"
        " m.sent_at, coalesce(m.language, d.language, 'fi') AS language, s.names AS service_names"
        " FROM messages m LEFT JOIN decisions d ON d.decision_ref = m.decision_ref"
        " LEFT JOIN services s ON s.service = m.figures->>'service'"
        " WHERE ($1::text IS NULL OR m.message_id < $1) ORDER BY m.message_id DESC LIMIT $2",
        before,
        limit,
    )


async def count_messages(tx: Transaction) -> list[asyncpg.Record]:
    """How many messages there are by template, channel and state."""
    return await tx.fetch(
        "SELECT template, channel, state, count(*) AS messages FROM messages GROUP BY template, channel, state"
        " ORDER BY template, channel, state"
    )


# Delivery. Leases are in real time, whatever clock the business runs on.


@dataclass(frozen=True)
class ClaimedSms:
    """An SMS this process may send, and what it needs for that.

    `survey_id` is None for a feedback message whose survey was answered already.
    """

    message_id: str
    template: Template
    created_at: datetime
    decision_ref: str
    client_ref: str
    sealed: str
    survey_id: str | None


_FREE = (
    " FROM messages m"
    " JOIN decisions d ON d.decision_ref = m.decision_ref AND d.version > 0"
    " JOIN client_contacts c ON c.client_ref = d.client_ref AND c.sealed IS NOT NULL"
    " WHERE m.state = 'waiting' AND (m.claimed_until IS NULL OR m.claimed_until < clock_timestamp())"
)
"""Messages that can be sent now: decision and contact are known, and nobody is at it."""


async def find_free_sms(tx: Transaction) -> bool:
    """True where there is something to claim."""
    return bool(await tx.fetchval(f"SELECT EXISTS (SELECT {_FREE})"))


async def claim_waiting_sms(tx: Transaction, owner: str, *, lease: timedelta, limit: int) -> list[ClaimedSms]:
    """Take up to `limit` SMS whose decision and contact are known and that nobody holds.

    Two deliverers never get the same one while its lease runs; a dead one's come back by themselves.
    """
    rows = await tx.fetch(
        "WITH free AS ("  # noqa: S608 - nothing but our own text
        f" SELECT m.message_id, d.client_ref, c.sealed {_FREE}"
        " ORDER BY m.message_id LIMIT $3 FOR UPDATE OF m SKIP LOCKED"
        ") UPDATE messages m SET claimed_by = $1, claimed_until = clock_timestamp() + $2, attempts = attempts + 1"
        " FROM free WHERE m.message_id = free.message_id"
        " RETURNING m.message_id, m.template, m.created_at, m.decision_ref, free.client_ref, free.sealed,"
        " (SELECT i.survey_id FROM invitations i WHERE i.message_id = m.message_id) AS survey_id",
        owner,
        lease,
        limit,
    )
    return [
        ClaimedSms(
            row["message_id"],
            Template(row["template"]),
            row["created_at"],
            row["decision_ref"],
            row["client_ref"],
            row["sealed"],
            row["survey_id"],
        )
        for row in sorted(rows, key=lambda row: str(row["message_id"]))
    ]


async def set_sent(tx: Transaction, message_ids: Sequence[str]) -> list[asyncpg.Record]:
    """Mark messages that left; only those that were still waiting are returned, each to one caller."""
    return await tx.fetch(
        "WITH left_now AS (SELECT message_id FROM messages WHERE message_id = ANY($1::text[]) AND state = 'waiting'"
        " ORDER BY message_id FOR UPDATE)"
        " UPDATE messages m SET state = 'sent', sent_at = $2 FROM left_now WHERE m.message_id = left_now.message_id"
        " RETURNING m.message_id, m.template, m.channel, m.decision_ref, m.provider_id, m.sent_at",
        message_ids,
        tx.now,
    )


async def set_undeliverable(tx: Transaction, message_id: str, problem: str) -> bool:
    """Give a message up for good; false where it is settled already."""
    tag = await tx.execute(
        "UPDATE messages SET state = 'undeliverable', problem = $2 WHERE message_id = $1 AND state = 'waiting'",
        message_id,
        problem,
    )
    return tag == "UPDATE 1"


async def set_pause(tx: Transaction, message_ids: Sequence[str], first: timedelta, longest: timedelta) -> None:
    """Let messages rest before anybody tries them again, twice as long after every try."""
    await tx.execute(
        "UPDATE messages SET claimed_until = clock_timestamp()"
        " + least($2::interval * power(2, least(attempts, 20) - 1), $3::interval)"
        " WHERE message_id = ANY($1::text[]) AND state = 'waiting'",
        message_ids,
        first,
        longest,
    )


# Feedback


async def find_invited(tx: Transaction, decision_ref: str) -> list[Invited]:
    """The stages a decision's client has been asked at; lock the decision before."""
    rows = await tx.fetch(
        "SELECT stage, period_number FROM invitation_stages WHERE decision_ref = $1 ORDER BY stage", decision_ref
    )
    return [Invited(Stage(row["stage"]), row["period_number"]) for row in rows]


async def add_survey(tx: Transaction, survey_id: str, office_id: str, service: str, *, is_open: bool) -> None:
    """A survey to be sent, or one that was cancelled before that."""
    await tx.execute(
        "INSERT INTO surveys (survey_id, state, office_id, service) VALUES ($1, $2, $3, $4)",
        survey_id,
        "open" if is_open else "cancelled",
        office_id,
        service,
    )


async def set_token_hashes(tx: Transaction, hashes: Mapping[str, bytes]) -> None:
    """Let the links find their surveys, by survey; to be committed before the links leave."""
    await tx.execute(
        "UPDATE surveys s SET token_hash = h.token_hash"
        " FROM unnest($1::text[], $2::bytea[]) AS h (survey_id, token_hash)"
        " WHERE s.survey_id = h.survey_id AND s.token_hash IS DISTINCT FROM h.token_hash",
        list(hashes),
        list(hashes.values()),
    )


async def add_invitation(
    tx: Transaction, decision_ref: str, period_number: int, survey_id: str, message_id: str
) -> None:
    """The only link between a decision and its survey, until the answer is stored."""
    await tx.execute(
        "INSERT INTO invitations (decision_ref, period_number, survey_id, message_id) VALUES ($1, $2, $3, $4)",
        decision_ref,
        period_number,
        survey_id,
        message_id,
    )


async def add_invitation_stages(
    tx: Transaction, decision_ref: str, period_number: int, stages: Iterable[Stage]
) -> None:
    """Use the stages up; each only once for a decision (E-28, E-29)."""
    await tx.executemany(
        "INSERT INTO invitation_stages (decision_ref, stage, period_number) VALUES ($1, $2, $3)",
        [(decision_ref, stage, period_number) for stage in stages],
    )


async def cancel_surveys_never_sent(tx: Transaction, decision_ref: str) -> None:
    """Close the open surveys of a decision whose message was cancelled."""
    await tx.execute(
        "UPDATE surveys s SET state = 'cancelled' FROM invitations i JOIN messages m ON m.message_id = i.message_id"
        " WHERE i.decision_ref = $1 AND s.survey_id = i.survey_id AND s.state = 'open' AND m.state = 'cancelled'",
        decision_ref,
    )


@dataclass(frozen=True)
class Survey:
    """A survey as its link finds it; office and service are gone once it is answered."""

    survey_id: str
    state: str
    office_id: str | None
    service: str | None


_SURVEY = "SELECT survey_id, state, office_id, service FROM surveys WHERE token_hash = $1"


async def find_survey(tx: Transaction, token_hash: bytes) -> Survey | None:
    """The survey a link leads to."""
    return _survey(await tx.fetchrow(_SURVEY, token_hash))


async def lock_survey(tx: Transaction, token_hash: bytes) -> Survey | None:
    """The survey a link leads to, its row locked: of two answers at once the second finds it closed."""
    return _survey(await tx.fetchrow(f"{_SURVEY} FOR UPDATE", token_hash))


def _survey(row: asyncpg.Record | None) -> Survey | None:
    return None if row is None else Survey(row["survey_id"], row["state"], row["office_id"], row["service"])


async def close_answered_survey(tx: Transaction, survey_id: str) -> None:
    """Delete the link between the survey and its decision, and what the survey was about (E-30)."""
    await tx.execute("UPDATE invitations SET survey_id = NULL WHERE survey_id = $1", survey_id)
    await tx.execute(
        "UPDATE surveys SET state = 'answered', office_id = NULL, service = NULL WHERE survey_id = $1", survey_id
    )


async def count_feedback(tx: Transaction) -> asyncpg.Record:
    """Invitations, surveys by state, answers with those that wait, and offices with a published average."""
    return await get_row(
        tx,
        "SELECT (SELECT count(*) FROM invitations) AS invitations,"
        " (SELECT count(*) FROM surveys WHERE state = 'open') AS open,"
        " (SELECT count(*) FROM surveys WHERE state = 'answered') AS answered,"
        " (SELECT count(*) FROM surveys WHERE state = 'cancelled') AS cancelled,"
        " (SELECT count(*) FROM answers) + (SELECT count(*) FROM sealed_answers) AS answers,"
        " (SELECT count(*) FROM feedback_totals WHERE published_at > 0) AS published_averages",
    )

"""What a provider is told through its inbox; each notice is said once, by its id."""

from datetime import date

from chassis.db import Transaction
from contracts import registration as contracts
from services.registration.domain import Office
from services.registration.handlers import office_snapshot


def give_notice(
    tx: Transaction, notice_id: str, kind: str, office: Office, *, due_on: date, service: str | None = None
) -> None:
    """Tell the office's provider, in the transaction of what it is about."""
    tx.emit(
        contracts.NoticeGiven(
            version=1,
            notice=contracts.Notice(
                notice_id=notice_id,
                kind=kind,
                provider_id=office.provider_id,
                office=office_snapshot(office),
                service=service,
                due_on=due_on,
            ),
        )
    )

"""Versions of the billing form: a new one replaces the one before at once (R-BIL-7)."""

from dataclasses import dataclass
from datetime import date

from chassis.db import Transaction
from contracts.refusals import Invalid, Refusal
from services.decisions.acts import Act


@dataclass(frozen=True, slots=True)
class BillingForm:
    """A version of Kela's billing form, and the first day on which only it is taken."""

    form_version: int
    in_use_from: date


async def add_form(tx: Transaction, form: BillingForm) -> BillingForm:
    """Announce the next version of the form.

    Raises:
        Invalid: DATE_IN_PAST.
        Refusal: FORM_NOT_NEWER, in number or in day, than the newest.
    """
    if form.in_use_from < tx.today:
        raise Invalid("DATE_IN_PAST", day=form.in_use_from, today=tx.today)
    newest = (await find_forms(tx))[-1]
    added = await tx.fetchval(
        "INSERT INTO billing_forms (form_version, in_use_from) SELECT $1, $2"
        " WHERE NOT EXISTS (SELECT FROM billing_forms WHERE form_version >= $1 OR in_use_from >= $2)"
        " ON CONFLICT DO NOTHING RETURNING true",
        form.form_version,
        form.in_use_from,
    )
    if not added:
        raise Refusal("FORM_NOT_NEWER", newest=newest.form_version, in_use_from=newest.in_use_from)
    tx.audit(Act.ADD_BILLING_FORM, f"billing-form:{form.form_version}", in_use_from=str(form.in_use_from))
    return form


async def find_forms(tx: Transaction) -> list[BillingForm]:
    """All versions, oldest first."""
    rows = await tx.fetch("SELECT form_version, in_use_from FROM billing_forms ORDER BY form_version")
    return [BillingForm(**row) for row in rows]


async def require_in_use(tx: Transaction, form_version: int) -> None:
    """Settlements come on the form in use today; refuses with FORM_OUTDATED every other."""
    in_use = [form for form in await find_forms(tx) if form.in_use_from <= tx.today][-1]
    if form_version != in_use.form_version:
        raise Refusal("FORM_OUTDATED", form_version=in_use.form_version, in_use_from=in_use.in_use_from)

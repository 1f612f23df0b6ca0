"""Price annexes as data: Kela's officer adds versions, none is ever changed (R-BIL-2, P4)."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date

from chassis.db import Transaction
from contracts.refusals import IfMatch, NotFound, expect_version
from contracts.values import DeliveryMode
from services.decisions.acts import Act
from services.decisions.settlements.prices import Price, PriceAnnex, Unit


async def add_annex(
    tx: Transaction,
    contract_id: str,
    valid_from: date,
    valid_to: date | None,
    prices: Sequence[Price],
    *,
    if_match: IfMatch | None,
) -> PriceAnnex:
    """Add the next version of a contract's price annex; `if_match` is the version the caller has seen.

    Raises:
        NotFound: CONTRACT_UNKNOWN.
        Stale: somebody added one meanwhile.
    """
    contract = await tx.fetchrow(
        "SELECT provider_id, service FROM contracts WHERE contract_id = $1 FOR NO KEY UPDATE", contract_id
    )
    if contract is None:
        raise NotFound("CONTRACT_UNKNOWN")
    newest = int(
        await tx.fetchval(
            "SELECT coalesce(max(annex_version), 0) FROM price_annexes WHERE contract_id = $1", contract_id
        )
    )
    expect_version(newest, if_match)
    annex = PriceAnnex(contract_id, contract["service"], newest + 1, valid_from, valid_to, tuple(prices))
    await tx.execute(
        "INSERT INTO price_annexes (contract_id, annex_version, provider_id, service, valid_from, valid_to)"
        " VALUES ($1, $2, $3, $4, $5, $6)",
        contract_id,
        annex.annex_version,
        contract["provider_id"],
        annex.service,
        valid_from,
        valid_to,
    )
    await tx.executemany(
        "INSERT INTO annex_prices (contract_id, annex_version, provider_id, mode, unit, price)"
        " VALUES ($1, $2, $3, $4, $5, $6)",
        [
            (contract_id, annex.annex_version, contract["provider_id"], price.mode, price.unit, price.amount)
            for price in prices
        ],
    )
    tx.audit(Act.ADD_PRICE_ANNEX, f"price-annex:{contract_id}", version=annex.annex_version)
    return annex


async def get_annexes(tx: Transaction, contract_id: str) -> list[PriceAnnex]:
    """All versions of a contract's price annex, oldest first.

    Raises:
        NotFound: CONTRACT_UNKNOWN, also where it is another provider's.
    """
    if not await tx.fetchval("SELECT true FROM contracts WHERE contract_id = $1", contract_id):
        raise NotFound("CONTRACT_UNKNOWN")
    return await find_annexes(tx, contract_id)


async def find_annexes(tx: Transaction, contract_id: str) -> list[PriceAnnex]:
    """All versions of a contract's price annex, oldest first."""
    prices: dict[int, list[Price]] = defaultdict(list)
    for row in await tx.fetch(
        "SELECT annex_version, mode, unit, price FROM annex_prices WHERE contract_id = $1 ORDER BY mode", contract_id
    ):
        prices[row["annex_version"]].append(Price(DeliveryMode(row["mode"]), Unit(row["unit"]), row["price"]))
    rows = await tx.fetch(
        "SELECT contract_id, service, annex_version, valid_from, valid_to FROM price_annexes"
        " WHERE contract_id = $1 ORDER BY annex_version",
        contract_id,
    )
    return [PriceAnnex(**row, prices=tuple(prices[row["annex_version"]])) for row in rows]

"""The demo's providers: as many contracts as the source counts (T5), invented names, real municipalities.

The business IDs have valid check digits and lie far above the numbers that have been given out.
"""

from dataclasses import dataclass

from contracts.values import Language


@dataclass(frozen=True)
class DemoProvider:
    """One provider with its only office and its only contract.

    `share` says how the clients spread over the contracts of the same language.
    """

    key: str
    provider_id: str
    name: str
    language: Language
    municipality_code: str
    street_address: str
    postal_address: str
    phone: str
    email: str
    share: int


def _provider(
    key: str, provider_id: str, place: str, municipality_code: str, post: str, share: int, language: Language
) -> DemoProvider:
    company = f"Demokuntoutus {place} Oy" if language is Language.FI else f"Demorehab {place} Ab"
    street = "Esimerkkikatu" if language is Language.FI else "Exempelgatan"
    return DemoProvider(
        key=key,
        provider_id=provider_id,
        name=company,
        language=language,
        municipality_code=municipality_code,
        street_address=f"{street} {share}",
        postal_address=f"{street} {share}, {post}",
        phone=f"+358 20 000 {share:02}{municipality_code[1:]}",
        email=f"kurssit@{key}.example",
        share=share,
    )


PROVIDERS: tuple[DemoProvider, ...] = (
    _provider("helsinki", "9900001-8", "Helsinki", "091", "00100 Helsinki", 14, Language.FI),
    _provider("tampere", "9900002-6", "Tampere", "837", "33100 Tampere", 13, Language.FI),
    _provider("turku", "9900003-4", "Turku", "853", "20100 Turku", 11, Language.FI),
    _provider("oulu", "9900004-2", "Oulu", "564", "90100 Oulu", 11, Language.FI),
    _provider("kuopio", "9900005-0", "Kuopio", "297", "70100 Kuopio", 10, Language.FI),
    _provider("jyvaskyla", "9900006-9", "Jyväskylä", "179", "40100 Jyväskylä", 10, Language.FI),
    _provider("lahti", "9900007-7", "Lahti", "398", "15100 Lahti", 9, Language.FI),
    _provider("lappeenranta", "9900008-5", "Lappeenranta", "405", "53100 Lappeenranta", 8, Language.FI),
    _provider("rovaniemi", "9900009-3", "Rovaniemi", "698", "96100 Rovaniemi", 7, Language.FI),
    _provider("seinajoki", "9900010-6", "Seinäjoki", "743", "60100 Seinäjoki", 7, Language.FI),
    _provider("jakobstad", "9900011-4", "Jakobstad", "598", "68600 Jakobstad", 1, Language.SV),
)

PROVIDER_OF = {provider.key: provider for provider in PROVIDERS}

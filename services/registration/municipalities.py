"""Today's municipality codes, and what the dissolved ones merged into.

Municipality data: Statistics Finland, classifications 2026 (CC BY 4.0), via geofi (BSD-2-Clause).
"""

import csv
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from services.registration.domain import Municipality

_CODES = Path(__file__).parent / "data" / "municipality_codes.csv"


@cache
def registry() -> Mapping[str, Municipality]:
    """Every known municipality by its code."""
    with _CODES.open(encoding="utf-8", newline="") as lines:
        return {row["code"]: Municipality(row["code"], row["merged_into"] or None) for row in csv.DictReader(lines)}

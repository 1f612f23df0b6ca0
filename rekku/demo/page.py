"""The demo's result as one HTML page with a chart, kept in the demo's home."""

from collections.abc import Iterator, Sequence
from html import escape

from rekku.demo.comparison import Check, Measured
from rekku.demo.reference import NEW_CLIENTS
from rekku.demo.report import MONTHS

_COLOURS = {2022: "#0072c6", 2023: "#c2a251", 2024: "#00857a"}
_WIDTH, _HEIGHT, _LEFT, _BOTTOM = 960, 320, 40, 30
_GRID = 20

_STYLE = """
:root { color-scheme: light dark; --ink: #1a1a1a; --paper: #fff; --line: #ccc; --wrong: #b01038 }
@media (prefers-color-scheme: dark) {
  :root { --ink: #eee; --paper: #16181c; --line: #444; --wrong: #ff7b9c }
}
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper);
  max-width: 62rem; margin: 2rem auto; padding: 0 1rem }
svg { width: 100%; height: auto } svg text { fill: var(--ink); font-size: 12px }
svg line { stroke: var(--line) }
table { border-collapse: collapse; margin: 1rem 0 }
td, th { padding: .2rem .8rem; border-bottom: 1px solid var(--line) }
td:first-child { min-width: 16rem }
td.n { text-align: right; font-variant-numeric: tabular-nums } th { text-align: left }
.wrong { color: var(--wrong); font-weight: bold } .scroll { overflow-x: auto }
"""


def page(measured: Measured, checks: Sequence[Check], played_in: str) -> str:
    """The whole document."""
    wrong = sum(not check.holds for check in checks)
    verdict = f"All {len(checks)} figures agree." if not wrong else f"{wrong} of {len(checks)} figures differ."
    return "\n".join(
        (
            "<!doctype html>",
            '<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">',
            f"<title>The heart courses, 2022–2024</title><style>{_STYLE}</style>",
            "<h1>The heart courses, 2022–2024</h1>",
            f'<p class="{"wrong" if wrong else "right"}">{verdict} Played in {escape(played_in)}.</p>',
            "<h2>New clients by month</h2>",
            chart(measured),
            "<h2>Figures</h2>",
            '<div class="scroll"><table><tr><th>figure<th>system<th>expected<th>by</tr>',
            *(_row(check) for check in checks),
            "</table></div></html>",
        )
    )


def _row(check: Check) -> str:
    cells = "".join(
        f'<td class="{kind}">{escape(str(value))}'
        for kind, value in (
            ("", check.name),
            ("n", check.measured),
            ("n", check.expected),
            ("", check.expected_by),
        )
    )
    return f'<tr class="{"" if check.holds else "wrong"}">{cells}</tr>'


def chart(measured: Measured) -> str:
    """An SVG of grouped bars, the system's months of all years side by side."""
    top = max((count for months in measured.new_clients.values() for count in months), default=_GRID)
    ceiling = (top // _GRID + 1) * _GRID
    parts = [f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="New clients by month and year">']
    parts += _grid(ceiling)
    parts += _bars(measured, ceiling)
    parts.append("</svg>")
    return "\n".join(parts)


def _y(count: int, ceiling: int) -> float:
    return (_HEIGHT - _BOTTOM) * (1 - count / ceiling)


def _grid(ceiling: int) -> Iterator[str]:
    for count in range(0, ceiling, _GRID):
        y = _y(count, ceiling)
        yield f'<line x1="{_LEFT}" x2="{_WIDTH}" y1="{y:.1f}" y2="{y:.1f}"/><text x="0" y="{y + 4:.1f}">{count}</text>'


def _bars(measured: Measured, ceiling: int) -> Iterator[str]:
    group = (_WIDTH - _LEFT) / len(MONTHS)
    width = group * 0.8 / len(NEW_CLIENTS)
    for month, name in enumerate(MONTHS):
        left = _LEFT + month * group
        yield f'<text x="{left + group / 2:.1f}" y="{_HEIGHT - 10}" text-anchor="middle">{name}</text>'
        for place, year in enumerate(NEW_CLIENTS):
            months = measured.new_clients.get(year.year, ())
            count = months[month] if month < min(len(months), year.months) else 0
            y = _y(count, ceiling)
            yield (
                f'<rect x="{left + group * 0.1 + place * width:.1f}" y="{y:.1f}" width="{width - 1:.1f}"'
                f' height="{_HEIGHT - _BOTTOM - y:.1f}" fill="{_COLOURS[year.year]}">'
                f"<title>{name} {year.year}: {count}</title></rect>"
            )
    for place, year in enumerate(NEW_CLIENTS):
        x = _WIDTH - 220 + place * 75
        yield f'<rect x="{x}" y="4" width="12" height="12" fill="{_COLOURS[year.year]}"/>'
        yield f'<text x="{x + 18}" y="14">{year.year}</text>'

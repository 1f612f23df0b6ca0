"""Bar charts as SVG: readable on a phone and by a screen reader; the same figures always stand in a table beside."""

from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import wrap
from xml.etree.ElementTree import Element, SubElement, tostring

_COLOURS = ("#0b5cab", "#b3541e", "#00796b", "#6a3d9a")
"""Each at least 4.5:1 against white, and apart in lightness from its neighbour by the gap between bars."""
_INK, _GRID, _PAPER = "#1a1a1a", "#d0d0d0", "#ffffff"
_XMLNS = "http://www.w3.org/2000/svg"
_FONT = 15
_CHARACTER = 8.2
"""A generous width of one character, so that a legend never runs out of the picture."""
_WIDTH, _PLOT_HEIGHT, _LEFT, _RIGHT = 400, 240, 48, 12
_LEGEND_LINE, _AXIS_LINE, _BAR, _BETWEEN = 24, 30, 18, 14
_MOST_TICKS = 6
_VALUE_FROM = 24
"""Bars at least this wide say their value."""

Place = tuple[float, float]


@dataclass(frozen=True)
class Series:
    """Values by the chart's labels; None where there is none, or none that may be shown."""

    name: str
    values: tuple[int | None, ...]


@dataclass(frozen=True)
class Chart:
    """Bars of up to four series; side by side, or below one another where the labels need the room."""

    title: str
    description: str
    labels: tuple[str, ...]
    series: tuple[Series, ...]

    @property
    def horizontal(self) -> bool:
        """True where the labels do not fit below bars that stand side by side."""
        room = (_WIDTH - _LEFT - _RIGHT) / max(len(self.labels), 1)
        return any(_CHARACTER * len(label) > room for label in self.labels)

    @property
    def highest(self) -> int:
        """The highest value."""
        return max((value for series in self.series for value in series.values if value is not None), default=0)


def svg(charts: Sequence[Chart], name: str) -> str:
    """The picture, with title and description; `name` keeps its ids apart from those of other pictures.

    Several charts stand below one another. A chart without labels shows its description alone.
    """
    if len(charts) == 1:
        return tostring(_drawn(charts[0], name), encoding="unicode")
    root, height = Element("svg", {"xmlns": _XMLNS}), 0.0
    for nth, chart in enumerate(charts, 1):
        picture = _drawn(chart, f"{name}-{nth}")
        _, _, width, high = picture.attrib["viewBox"].split()
        root.append(picture)
        picture.attrib |= {"y": _number(height), "width": width, "height": high}
        height += float(high)
    root.set("viewBox", f"0 0 {_WIDTH} {_number(height)}")
    return tostring(root, encoding="unicode")


def _drawn(chart: Chart, name: str) -> Element:
    legend = _legend_places(chart)
    top = _LEGEND_LINE * (1 + max((row for _, row in legend), default=0)) + 14
    height = _horizontal_height(chart, top) if chart.horizontal else top + _PLOT_HEIGHT + _AXIS_LINE
    root = Element(
        "svg",
        {
            "xmlns": _XMLNS,
            "viewBox": f"0 0 {_WIDTH} {height}",
            "role": "img",
            "aria-labelledby": f"{name}-title {name}-desc",
            "font-family": "system-ui, 'Segoe UI', Roboto, sans-serif",
            "font-size": str(_FONT),
        },
    )
    SubElement(root, "title", {"id": f"{name}-title"}).text = chart.title
    SubElement(root, "desc", {"id": f"{name}-desc"}).text = chart.description
    _rectangle(root, (0, 0), (_WIDTH, height), _PAPER)
    for nth, ((x, row), series) in enumerate(zip(legend, chart.series, strict=True)):
        _rectangle(root, (x, 6 + row * _LEGEND_LINE), (_FONT, _FONT), _COLOURS[nth])
        _text(root, (x + 22, 19 + row * _LEGEND_LINE), series.name)
    if chart.labels:
        (_draw_horizontal if chart.horizontal else _draw_vertical)(root, chart, top)
    else:
        _text(root, (_LEFT, top + _PLOT_HEIGHT / 2), chart.description)
    return root


def ticks(highest: int) -> list[int]:
    """Round numbers from 0 to at least `highest`, evenly apart, at most six steps."""
    step, scale = 1, 1
    while step * _MOST_TICKS < highest:
        step, scale = {1: (2, scale), 2: (5, scale), 5: (1, scale * 10)}[step // scale]
        step *= scale
    steps = max(1, -(-highest // step))
    return [step * n for n in range(steps + 1)]


def _legend_places(chart: Chart) -> list[Place]:
    """Where each series' key begins and in which row; a row that is full goes on in the next."""
    places: list[Place] = []
    x, row = float(_LEFT), 0
    for series in chart.series:
        width = 22 + _CHARACTER * len(series.name) + 18
        if x > _LEFT and x + width > _WIDTH:
            x, row = float(_LEFT), row + 1
        places.append((x, row))
        x += width
    return places


def _draw_vertical(root: Element, chart: Chart, top: float) -> None:
    marks = ticks(chart.highest)
    bottom = top + _PLOT_HEIGHT
    unit = _PLOT_HEIGHT / marks[-1]
    for mark in marks:
        y = bottom - mark * unit
        _line(root, (_LEFT, y), (_WIDTH - _RIGHT, y), _INK if mark == 0 else _GRID)
        _text(root, (_LEFT - 8, y + 5), str(mark), anchor="end")
    group = (_WIDTH - _LEFT - _RIGHT) / len(chart.labels)
    width = group * 0.84 / len(chart.series)
    for place, label in enumerate(chart.labels):
        left = _LEFT + place * group
        _text(root, (left + group / 2, bottom + 20), label, anchor="middle")
        for nth, series in enumerate(chart.series):
            value = series.values[place]
            if value is None:
                continue
            x = left + group * 0.08 + nth * width
            bar = _rectangle(root, (x, bottom - value * unit), (max(width - 1, 1), value * unit), _COLOURS[nth])
            SubElement(bar, "title").text = f"{series.name}, {label}: {value}"
            if width >= _VALUE_FROM:
                _text(root, (x + width / 2, bottom - value * unit - 5), str(value), anchor="middle")


def _lines(label: str) -> list[str]:
    return wrap(label, int((_WIDTH - 24) / _CHARACTER)) or [""]


def _horizontal_height(chart: Chart, top: float) -> float:
    lines = sum(len(_lines(label)) for label in chart.labels)
    return top + lines * 20 + len(chart.labels) * (len(chart.series) * _BAR + _BETWEEN)


def _draw_horizontal(root: Element, chart: Chart, top: float) -> None:
    unit = (_WIDTH - 24 - _CHARACTER * (len(str(chart.highest)) + 1)) / max(chart.highest, 1)
    y = top
    _line(root, (12, top), (12, _horizontal_height(chart, top) - _BETWEEN / 2), _INK)
    for place, label in enumerate(chart.labels):
        for line in _lines(label):
            _text(root, (16, y + 15), line)
            y += 20
        for nth, series in enumerate(chart.series):
            value = series.values[place]
            if value is not None:
                _rectangle(root, (12, y + 1), (value * unit, _BAR - 3), _COLOURS[nth])
            _text(root, (18 + (value or 0) * unit, y + 13), "–" if value is None else str(value))
            y += _BAR
        y += _BETWEEN


def _rectangle(parent: Element, at: Place, size: Place, fill: str) -> Element:
    (x, y), (width, height) = at, size
    return SubElement(
        parent,
        "rect",
        {"x": _number(x), "y": _number(y), "width": _number(width), "height": _number(height), "fill": fill},
    )


def _line(parent: Element, begin: Place, end: Place, stroke: str) -> None:
    (x1, y1), (x2, y2) = begin, end
    SubElement(
        parent, "line", {"x1": _number(x1), "y1": _number(y1), "x2": _number(x2), "y2": _number(y2), "stroke": stroke}
    )


def _text(parent: Element, at: Place, said: str, anchor: str = "start") -> None:
    x, y = at
    text = SubElement(parent, "text", {"x": _number(x), "y": _number(y), "fill": _INK, "text-anchor": anchor})
    text.text = said


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")

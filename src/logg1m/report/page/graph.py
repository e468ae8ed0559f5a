"""The roadmap as a drawing: where every MVP and decision stands, and the lines between them.

Only places and shapes are worked out here (in units of the drawing's view box); the template draws them.
"""

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from logg1m.decisions.points import POINTS

WIDTH = 1120
_LEFT, _RIGHT = 96, 12  # room for the name of the phase, and for the stroke
_NODE_HEIGHT, _GATE_HEIGHT, _GATE_WIDTH, _GAP = 78, 46, 196, 18
_ROW_GAP = 58
_LETTER = 7.4  # mean width of a letter of a title

# Which experiment takes another one's output, as the roadmap words it.
_JUDGED = ("accepted", "refuted", "inconclusive")
FEEDS = (("mvp_0_a", "mvp_0_b"), ("mvp_1_1", "mvp_1_4"))


@dataclass(frozen=True)
class Item:
    """An experiment or decision to draw; `state` is a style, `says` the words in the box."""

    key: str
    name: str
    title: str
    state: str
    says: str
    phase: int = 0


@dataclass(frozen=True)
class Box:
    """An item with its place; `lines` is its title, broken to fit."""

    item: Item
    x: float
    y: float
    width: float
    height: float
    lines: tuple[str, ...] = ()

    @property
    def middle(self) -> float:
        return self.x + self.width / 2

    @property
    def bottom(self) -> float:
        return self.y + self.height


@dataclass(frozen=True)
class Line:
    """A connection; `kind` is plain, taken, rule or open (a branch that is not taken, or not decided).

    source, target : keys of the items at its ends; empty for the end at the bar between two phases
    """

    path: str
    kind: str
    source: str
    target: str


@dataclass(frozen=True)
class Drawing:
    """Everything to draw; rows are (label, y of the middle)."""

    boxes: tuple[Box, ...]
    gates: tuple[Box, ...]
    lines: tuple[Line, ...]
    rows: tuple[tuple[str, float], ...]
    height: float
    width: float = WIDTH


def lay_out(experiments: Sequence[Item], decisions: Sequence[Item], gated_by: Mapping[str, Sequence[str]]) -> Drawing:
    """Phases from top to bottom, the decisions between Phase 1 and Phase 2.

    Parameters
    ----------
    experiments : in the order of the roadmap
    decisions : d1 … d4
    gated_by : experiment → decisions beyond its phase's own that put it first or cancel it
    """
    boxes: dict[str, Box] = {}
    gates: dict[str, Box] = {}
    rows: list[tuple[str, float]] = []
    y = 10.0
    for phase in sorted({item.phase for item in experiments}):
        if phase == 2:
            y = _place_gates(decisions, gates, rows, y)
        here = [item for item in experiments if item.phase == phase]
        most = min(len(here), 6)
        width = min(240.0, (WIDTH - _LEFT - _RIGHT - _GAP * (most - 1)) / most)
        left = _LEFT + (WIDTH - _LEFT - _RIGHT - most * width - (most - 1) * _GAP) / 2
        start = y
        for k, item in enumerate(here):
            column, line = k % 6, k // 6
            words = tuple(textwrap.wrap(item.title, int((width - 24) / _LETTER), max_lines=2, placeholder=" …"))
            top = start + line * (_NODE_HEIGHT + _GAP)
            boxes[item.key] = Box(item, left + column * (width + _GAP), top, width, _NODE_HEIGHT, words)
            y = top + _NODE_HEIGHT
        rows.append((f"Phase {phase}", (start + y) / 2))
        y += _ROW_GAP
    if not gates:
        y = _place_gates(decisions, gates, rows, y)
    lines = _connect(boxes, gates, gated_by)
    return Drawing(tuple(boxes.values()), tuple(gates.values()), lines, tuple(rows), y - _ROW_GAP + 12)


def _place_gates(decisions: Sequence[Item], gates: dict[str, Box], rows: list[tuple[str, float]], y: float) -> float:
    """D1, D2 and D3 side by side, and D4, which takes them, below."""
    first = [item for item in decisions if item.key != "d4"]
    step = (WIDTH - _LEFT - _RIGHT) / max(len(first), 1)
    for k, item in enumerate(first):
        gates[item.key] = Box(item, _LEFT + (k + 0.5) * step - _GATE_WIDTH / 2, y, _GATE_WIDTH, _GATE_HEIGHT)
    rows.append(("Decisions", y + _GATE_HEIGHT + _ROW_GAP / 4))
    y += _GATE_HEIGHT + _ROW_GAP / 2
    for item in decisions:
        if item.key == "d4":
            centre = _LEFT + (WIDTH - _LEFT - _RIGHT) / 2
            gates["d4"] = Box(item, centre - _GATE_WIDTH / 2, y, _GATE_WIDTH, _GATE_HEIGHT)
            y += _GATE_HEIGHT
    return y + _ROW_GAP


def _connect(
    boxes: Mapping[str, Box], gates: Mapping[str, Box], gated_by: Mapping[str, Sequence[str]]
) -> tuple[Line, ...]:
    lines = [_across(boxes[a], boxes[b]) for a, b in FEEDS if a in boxes and b in boxes]
    by_phase = {p: [b for b in boxes.values() if b.item.phase == p] for p in {b.item.phase for b in boxes.values()}}
    if by_phase.get(0):
        lines += [_down(by_phase[0][-1], box) for box in by_phase.get(1, [])]
    for d, gate in gates.items():
        read = [box for box in boxes.values() if POINTS[d].reads(box.item.key, box.item.phase)]
        lines += (
            [_down(box, gate) for box in read] if POINTS[d].phase is None else [_by_bar(box, gates, d) for box in read]
        )
    if "d4" in gates:
        lines += [_down(gate, gates["d4"]) for name, gate in gates.items() if name != "d4"]
        stopped = "d1" in gates and gates["d1"].item.state == "stop"
        settled = gates["d4"].item.state != "open"
        kind = "open" if stopped else "taken" if settled else "plain"
        lines += [_down(gates["d4"], box, kind) for box in by_phase.get(2, [])]
    if by_phase.get(2) and by_phase.get(3):
        lines += _between_phases(by_phase[2], by_phase[3])
    for key, names in gated_by.items():
        for d in names:
            if key in boxes and d in gates:
                kind = "open" if boxes[key].item.state == "cancelled" else "rule"
                lines.append(_aside(gates[d], boxes[key], kind))
    return tuple(lines)


def _by_bar(a: Box, gates: Mapping[str, Box], d: str) -> Line:
    """From an experiment to a decision that reads all of its phase, along one bar; to D4 between the gates above it."""
    gate, bar = gates[d], a.bottom + _ROW_GAP / 4
    upper = sorted((g for name, g in gates.items() if name != "d4"), key=lambda g: g.x)
    start = f"M{a.middle:.1f} {a.bottom:.1f}L{a.middle:.1f} {bar:.1f}"
    if d != "d4" or len(upper) < 2:
        return Line(f"{start}L{gate.middle:.1f} {bar:.1f}L{gate.middle:.1f} {gate.y:.1f}", "plain", a.item.key, d)
    x, bottom, middle = (upper[0].x + upper[0].width + upper[1].x) / 2, upper[0].bottom, gate.y + gate.height / 2
    curve = f"C{x:.1f} {middle:.1f} {gate.x - 30:.1f} {middle:.1f} {gate.x:.1f} {middle:.1f}"
    return Line(f"{start}L{x:.1f} {bar:.1f}L{x:.1f} {bottom:.1f}{curve}", "plain", a.item.key, d)


def _between_phases(above: Sequence[Box], below: Sequence[Box]) -> list[Line]:
    """A phase as a whole leads to the next: lines from every box to one bar between them, and from it on."""
    bar = max(b.bottom for b in above) + _ROW_GAP / 2
    left, right = (f(b.middle for b in (*above, *below)) for f in (min, max))
    made = "taken" if any(b.item.state in _JUDGED for b in above) else "plain"
    every = all(b.item.state == "cancelled" for b in below)
    lines = [Line(f"M{left:.1f} {bar:.1f}H{right:.1f}", "open" if every else made, "", "")]
    lines += [
        Line(f"M{b.middle:.1f} {b.bottom:.1f}V{bar:.1f}", "open" if every else made, b.item.key, "") for b in above
    ]
    for b in below:
        if b.y - bar <= _ROW_GAP:  # a second row hangs from the first one's line
            kind = "open" if b.item.state == "cancelled" else made
            lines.append(Line(f"M{b.middle:.1f} {bar:.1f}V{b.y:.1f}", kind, "", b.item.key))
    return lines


def _down(a: Box, b: Box, kind: str = "plain") -> Line:
    """From the bottom of one box to the top of another, leaving and arriving upright."""
    half = (a.bottom + b.y) / 2
    return Line(_curve(a, a.bottom, half, b, half), kind, a.item.key, b.item.key)


def _curve(a: Box, leaves: float, first: float, b: Box, second: float) -> str:
    """From the middle of one box, at a height, to the top of another; first, second: heights that pull the curve."""
    left, right = f"{a.middle:.1f}", f"{b.middle:.1f}"
    return f"M{left} {leaves:.1f}C{left} {first:.1f} {right} {second:.1f} {right} {b.y:.1f}"


def _aside(a: Box, b: Box, kind: str) -> Line:
    """From the right side of a gate round what stands below it."""
    x, y = a.x + a.width, a.y + a.height / 2
    path = f"M{x:.1f} {y:.1f}C{x + 90:.1f} {y:.1f} {b.middle + 26:.1f} {b.y - 120:.1f} {b.middle + 26:.1f} {b.y:.1f}"
    return Line(path, kind, a.item.key, b.item.key)


def _across(a: Box, b: Box) -> Line:
    """Between neighbours of a row straight, else in an arch above them."""
    if b.x - (a.x + a.width) < 2 * _GAP:
        path = f"M{a.x + a.width:.1f} {a.y + a.height / 2:.1f}H{b.x:.1f}"
    else:
        path = _curve(a, a.y, a.y - 34, b, b.y - 34)
    return Line(path, "plain", a.item.key, b.item.key)

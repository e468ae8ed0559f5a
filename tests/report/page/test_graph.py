"""The drawing of the roadmap: nothing overlaps, every line meets its boxes, branches say whether they are taken."""

import re
from itertools import combinations

import pytest

from logg1m.report.page.graph import WIDTH, Drawing, Item, lay_out

PHASES = {"mvp_0_a": 0, "mvp_0_b": 0} | {f"mvp_1_{k}": 1 for k in range(1, 7)} | {f"mvp_2_{k}": 2 for k in range(1, 4)} | {
    f"mvp_3_{k}": 3 for k in range(1, 9)
}  # fmt: skip


def drawing(d1: str = "continue", later: str = "accepted") -> Drawing:
    items = [Item(key, key.upper(), f"A title of {key} with many words", later if phase > 1 else "accepted", "accepted", phase)
             for key, phase in PHASES.items()]  # fmt: skip
    gates = [Item("d1", "D1", "", d1, d1), *(Item(d, d.upper(), "", "x", "x") for d in ("d2", "d3", "d4"))]
    return lay_out(items, gates, {"mvp_3_5": ("d2",)})


def test_every_item_has_a_box_inside_the_drawing_and_none_overlap():
    made = drawing()
    boxes = [*made.boxes, *made.gates]
    assert [b.item.key for b in made.boxes] == list(PHASES)
    assert all(b.x >= 0 and b.x + b.width <= WIDTH and b.y >= 0 and b.bottom <= made.height for b in boxes)
    for a, b in combinations(boxes, 2):
        apart = a.x + a.width <= b.x or b.x + b.width <= a.x or a.bottom <= b.y or b.bottom <= a.y
        assert apart, (a.item.key, b.item.key)


def test_phases_follow_one_another_and_decisions_stand_between_the_first_and_the_second():
    made = drawing()
    top = {p: min(b.y for b in made.boxes if b.item.phase == p) for p in range(4)}
    assert top[0] < top[1] < min(g.y for g in made.gates) < max(g.y for g in made.gates) < top[2] < top[3]
    assert [label for label, _ in made.rows] == ["Phase 0", "Phase 1", "Decisions", "Phase 2", "Phase 3"]


def test_lines_start_and_end_at_their_boxes():
    made = drawing()
    place = {b.item.key: b for b in (*made.boxes, *made.gates)}
    assert {("mvp_1_1", "d1"), ("mvp_1_4", "d2"), ("mvp_1_5", "d3"), ("d1", "d4"), ("d4", "mvp_2_1"), ("d2", "mvp_3_5"),
            ("mvp_0_a", "mvp_0_b"), ("mvp_1_1", "mvp_1_4"), ("mvp_1_6", "d1"), ("mvp_1_6", "d4"), ("mvp_2_1", ""),
            ("mvp_2_3", ""), ("", "mvp_3_1"), ("", "mvp_3_6")} <= {(line.source, line.target) for line in made.lines}  # fmt: skip
    for line in made.lines:
        numbers = [float(n) for n in re.findall(r"-?\d+\.?\d*", line.path)]
        for key, (x, y) in ((line.source, numbers[:2]), (line.target, [numbers[-2], numbers[-1]])):
            if not key:  # the bar between two phases
                continue
            box = place[key]
            if "H" in line.path and key == line.target:
                x, y = numbers[-1], box.y
            if "V" in line.path and key == line.target:
                x, y = numbers[0], numbers[-1]
            assert box.x - 0.1 <= x <= box.x + box.width + 0.1
            assert box.y - 0.1 <= y <= box.bottom + 0.1


@pytest.mark.parametrize(("d1", "later", "kind"), [("continue", "accepted", "taken"), ("stop", "cancelled", "open")])
def test_what_a_decision_closes_is_drawn_as_not_taken(d1, later, kind):
    lines = drawing(d1, later).lines
    assert {line.kind for line in lines if line.source == "d4"} == {kind}
    assert {line.kind for line in lines if line.target.startswith("mvp_3") and line.source != "d2"} == {kind}


def test_long_titles_are_cut_with_a_sign_that_they_go_on():
    long = Item("mvp_0_a", "MVP-0.A", "words " * 40, "ready", "ready")
    (box,) = lay_out([long], [], {}).boxes
    assert len(box.lines) == 2
    assert box.lines[-1].endswith("…")

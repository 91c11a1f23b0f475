"""The picture of the README: bars of the peers part, as an SVG that is readable on light and on dark pages."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

WIDTH = 760
LEFT, RIGHT = 190, 60
BAR, GAP, HEAD, TOP, BOTTOM = 16, 6, 24, 56, 40

STYLE = """
text { font: 13px system-ui, sans-serif; fill: #1f2328 }
.title { font-size: 15px; font-weight: 600 }
.host { font-weight: 600 }
.small { font-size: 11px; fill: #59636e }
.ours { fill: #1a7f37 }
.theirs { fill: #9aa4ae }
.limit { stroke: #cf222e; stroke-dasharray: 3 3 }
@media (prefers-color-scheme: dark) {
  text { fill: #f0f6fc }
  .small { fill: #9198a1 }
  .ours { fill: #3fb950 }
  .theirs { fill: #59636e }
  .limit { stroke: #f85149 }
}
"""


def _text(x: float, y: float, text: str, kind: str = "", anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}" text-anchor="{anchor}">{escape(text)}</text>'


def svg(rows: Sequence[Sequence[str]], handler: str, ours: str, machine: str, without: Sequence[str] = ()) -> str:
    """The bars of those `rows` of the peers part that are about `handler`, but for the applications `without`."""
    at = {name: rows[0].index(name) for name in ("application", "handler", "who", "ratio")}
    bars = [
        (row[at["application"]], row[at["who"]], float(row[at["ratio"]]))
        for row in rows[1:]
        if row[at["handler"]] == handler and row[at["ratio"]] != "-" and row[at["application"]] not in without
    ]
    most = max(ratio for _, _, ratio in bars)
    unit = (WIDTH - LEFT - RIGHT) / most
    drawn: list[str] = []
    y, last = float(TOP), ""
    for host, who, ratio in bars:
        if host != last:
            y += HEAD
            drawn.append(_text(16, y - 8, host, "host"))
            last = host
        kind = "ours" if who == ours else "theirs"
        drawn.append(_text(LEFT - 8, y + BAR - 4, who, anchor="end"))
        drawn.append(f'<rect x="{LEFT}" y="{y:.1f}" width="{ratio * unit:.1f}" height="{BAR}" rx="2" class="{kind}"/>')
        drawn.append(_text(LEFT + ratio * unit + 6, y + BAR - 4, f"{ratio:.2f}"))
        y += BAR + GAP
    one = LEFT + unit
    drawn.append(f'<line x1="{one:.1f}" x2="{one:.1f}" y1="{TOP - 2}" y2="{y:.1f}" class="limit"/>')
    drawn.append(_text(one + 4, TOP + 8, "1.00: ten direct calls", "small"))
    height = y + BOTTOM
    title = f"A batch of ten, in multiples of ten direct calls ({handler}; less is better)"
    head = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" width="{WIDTH}" role="img">',
        f"<title>{escape(title)}</title>",
        f"<style>{STYLE}</style>",
        _text(16, 28, title, "title"),
    ]
    return "\n".join([*head, *drawn, _text(16, height - 14, machine, "small"), "</svg>"]) + "\n"

"""The story of `make town` as one page that needs nothing else: charts in SVG, tables, Korean first."""

from html import escape
from typing import Any

Row = dict[str, Any]
COLOURS = {
    "none": "#9aa0a6", "random": "#8d99ae", "blast": "#b23a48", "rfm": "#c98a2b", "response": "#7a9e9f",
    "response + prices": "#4f7d7f", "learned": "#1f6f3f", "feature oracle": "#5b7fbd", "true uplift": "#9b7bb8",
    "oracle + prices": "#3d3a6b",
}  # fmt: skip
COLOURS |= {"chance": COLOURS["random"], "dure": COLOURS["learned"], "oracle": COLOURS["oracle + prices"]}
NAMES = {
    "chance": "제비뽑기", "dure": "두레의 주 계획", "oracle": "다 아는 신탁",
    "none": "아무에게도", "random": "제비뽑기", "blast": "모두에게", "rfm": "RFM", "response": "반응 순", "response + prices": "반응 + 값",
    "learned": "배움 + 값 (두레)", "feature oracle": "특징을 아는 신탁", "true uplift": "참 효과, 값 없이", "oracle + prices": "다 아는 신탁 + 값",
}  # fmt: skip
STYLE = """
body { font: 16px/1.6 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; color: #222; background: #fffdf8 }
table { border-collapse: collapse; width: 100%; font-size: .9rem } td, th { padding: .3rem .5rem; border-bottom: 1px solid #ddd; text-align: right }
td:first-child, th:first-child, td.words { text-align: left } .scroll { overflow-x: auto } svg { width: 100%; height: auto; font: 12px system-ui, sans-serif }
.short { color: #b23a48; font-weight: 700 } small { color: #666 } h2 { margin-top: 2.5rem }
"""
WIDE, HIGH, LEFT = 760, 260, 150


def bars(values: dict[str, float], digits: int) -> str:
    """One bar a policy."""
    most = max([*values.values(), 1e-9])
    step = 26
    parts = []
    for number, (key, value) in enumerate(values.items()):
        y = number * step
        wide = max(0.0, value) / most * (WIDE - LEFT - 110)
        parts.append(
            f'<text x="{LEFT - 8}" y="{y + 17}" text-anchor="end">{escape(NAMES[key])}</text>'
            f'<rect x="{LEFT}" y="{y + 4}" width="{wide:.1f}" height="18" rx="3" fill="{COLOURS[key]}"/>'
            f'<text x="{LEFT + wide + 6:.1f}" y="{y + 17}">{value:,.{digits}f}</text>'
        )
    return f'<svg viewBox="0 0 {WIDE} {step * len(values) + 4}" role="img">{"".join(parts)}</svg>'


def lines(series: dict[str, list[float]], *, percent: bool) -> str:
    """One line a policy, week by week."""
    most = max([*(max(one) for one in series.values()), 1e-9])
    weeks = max(len(one) for one in series.values())
    left, right, top, bottom = 56, 150, 10, 26

    def at(week: int, value: float) -> str:
        x = left + week / max(1, weeks - 1) * (WIDE - left - right)
        return f"{x:.1f},{top + (1 - value / most) * (HIGH - top - bottom):.1f}"

    parts = []
    for share in (0, 0.25, 0.5, 0.75, 1):
        y = top + (1 - share) * (HIGH - top - bottom)
        label = f"{share * most:.1%}" if percent else f"{share * most:,.0f}"
        parts.append(
            f'<line x1="{left}" x2="{WIDE - right}" y1="{y:.1f}" y2="{y:.1f}" stroke="#e4dfd3"/>'
            f'<text x="{left - 6}" y="{y + 4:.1f}" text-anchor="end" fill="#666">{label}</text>'
        )
    for week in range(0, weeks, max(1, weeks // 8)):
        x = left + week / max(1, weeks - 1) * (WIDE - left - right)
        parts.append(f'<text x="{x:.1f}" y="{HIGH - 6}" text-anchor="middle" fill="#666">{week + 1}주</text>')
    last = 1e9
    for key, one in sorted(series.items(), key=lambda item: item[1][-1]):
        points = " ".join(at(week, value) for week, value in enumerate(one))
        end = float(at(len(one) - 1, one[-1]).split(",")[1])
        last = min(end, last - 13)
        heavy = 3 if key in ("learned", "dure") else 1.6
        parts.append(
            f'<polyline points="{points}" fill="none" stroke="{COLOURS[key]}" stroke-width="{heavy}"/>'
            f'<text x="{WIDE - right + 6}" y="{last + 4:.1f}" fill="{COLOURS[key]}">{escape(NAMES[key])}</text>'
        )
    return f'<svg viewBox="0 0 {WIDE} {HIGH}" role="img">{"".join(parts)}</svg>'


def _goals(figures: dict[str, Row], scenarios: dict[str, Row]) -> str:
    rows = "".join(
        f'<tr><td>{name}</td><td class="words">{escape(one["words"])}</td><td>{one["worst"]:.3f}</td><td>{escape(scenarios[one["in"]]["ko"])}</td>'
        f"<td>{' / '.join(f'{level:g}' for level in one['goals'])}</td>"
        f'<td class="{"short" if one["reached"] == "SHORT" else ""}">{one["reached"]}</td></tr>'
        for name, one in figures.items()
    )
    return (
        '<div class="scroll"><table><tr><th></th><th></th><th>가장 나쁜 시나리오에서<br><small>worst</small></th><th></th>'
        f"<th>floor / ambitious / moonshot</th><th></th></tr>{rows}</table></div>"
    )


def _coverage(scenarios: dict[str, Row]) -> str:
    def told(value: float | None, digits: int = 1) -> str:
        return "–" if value is None else f"{100 * value:.{digits}f} %"

    rows = "".join(
        f"<tr><td>{escape(one['ko'])}, {'한 주' if period == 'a week' else '이야기 전체'}</td><td>{row['campaigns']:,}</td>"
        f"<td>{told(row['alone'])}</td><td>{told(row['pooled'])}</td><td>{told(row['pooled width'])}p</td>"
        f"<td>{told(row['worked'])}</td><td>{told(row['false'], 2)}</td></tr>"
        for one in scenarios.values()
        for period, row in one["coverage"].items()
    )
    return (
        '<div class="scroll"><table><tr><th></th><th>캠페인</th><th>혼자 (Newcombe)</th><th>모아서</th><th>너비</th><th>“효과 있었어요”</th>'
        f"<th>그중 틀림 (전체에서)</th></tr>{rows}</table></div>"
    )


def drawn(result: Row) -> str:
    """The page."""
    scenarios = result["scenarios"]
    first = next(iter(scenarios.values()))["policies"]
    drawn_lines = {key: one["by week"]["added"] for key, one in first.items() if key not in ("none", "blast")}
    best = first["oracle + prices"]["by week"]["added"]
    regret = {
        key: [sum(best[: week + 1]) - sum(one["by week"]["added"][: week + 1]) for week in range(len(best))]
        for key, one in first.items() if key not in ("none", "blast", "oracle + prices")
    }  # fmt: skip
    gone = {key: one["by week"]["gone"] for key, one in first.items() if key not in ("none", "blast")}
    parts = [
        "<h1>참을 아는 마을 <small>A town with known truth</small></h1>",
        (f"<p>손님 {result['customers']:,}명, 가게 {result['shops']}곳, {result['weeks']}주. 규칙을 어긴 메시지 {result['violations']}건. "
        f"<small>{result['seconds']} s, load {result['load']}, {result['memory GB']} GB</small></p>"),
        "<h2>목표 <small>Goals</small></h2>", _goals(result["figures"], scenarios),
        "<h2>주마다 더 온 손님 <small>Visits added, week by week</small></h2>", lines(drawn_lines, percent=False),
        "<h2>아쉬움 <small>Regret beside the oracle, summed</small></h2>", lines(regret, percent=False),
        "<h2>그만 받겠다는 손님 <small>Who refused for good</small></h2>", lines(gone, percent=True),
        "<p><small>모두에게 보내면 몇 주 만에 거의 모두가 떠나요.</small></p>",
        "<h2>가게의 만족 <small>Gini of shops’ satisfaction (0: all alike)</small></h2>",
        bars({key: one["gini"] for key, one in first.items() if key != "none"}, 3),
        "<h2>시나리오마다 <small>Visits added a 1000 messages</small></h2>",
    ]  # fmt: skip
    for one in scenarios.values():
        parts.append(f"<h3>{escape(one['ko'])} <small>{escape(one['en'])}</small></h3>")
        parts.append(bars({key: row["per 1000"] for key, row in one["policies"].items() if key != "none"}, 1))
    parts += [
        "<h2>구간이 참을 담는가 <small>Do the published intervals hold the truth?</small></h2>",
        _coverage(scenarios),
    ]
    return _page("참을 아는 마을", parts)


def side_by_side(result: Row) -> str:
    """The page of the policies over the product's own tables."""
    rows = result["policies"]
    by_plan = {key: row for key, row in rows.items() if key != "blast"}

    def of(name: str, among: dict[str, Row] = rows) -> dict[str, float]:
        return {key: row[name] for key, row in among.items()}

    return _page(
        "플랫폼 위의 마을",
        [
            "<h1>플랫폼 위의 마을 <small>Policies side by side on the product’s own tables</small></h1>",
            (f"<p>손님 {result['people']:,}명, 가게 {result['shops']}곳, {result['quiet weeks before']} + {result['weeks']}주. 어긴 약속 {result['violations']}건. "
            f"<small>{result['seconds']} s, load {result['load']}</small></p>"),
            "<h2>메시지 1000건이 더 오게 한 방문 <small>Visits added a 1000 messages</small></h2>", bars(of("added a 1000 messages"), 1),
            "<h2>더 온 방문 <small>Visits added in all</small></h2>", bars(of("visits added"), 0),
            "<h2>메시지 1000건에 그만 받겠다는 손님 <small>Refusals a 1000 messages</small></h2>", bars(of("refusals a 1000 messages"), 1),
            "<h2>가게의 만족 <small>Gini of shops’ satisfaction (0: all alike)</small></h2>", bars(of("gini"), 3),
            "<h2>주마다 더 온 방문 <small>Visits added, week by week</small></h2>",
            lines({key: row["by week"]["added"] for key, row in by_plan.items()}, percent=False),
        ],
    )  # fmt: skip


def _page(title: str, parts: list[str]) -> str:
    return (
        f'<!doctype html><html lang="ko"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{title}</title><style>{STYLE}</style><body>{''.join(parts)}</body></html>\n"
    )

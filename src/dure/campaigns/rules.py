"""What a campaign may say, and what may follow what. Pure."""

import re
from calendar import isleap
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from dure.campaigns.values import CampaignState, Forecast, Goal, PlanState
from dure.kit.clock import KST
from dure.kit.language import Text, say

S = CampaignState
TRANSITIONS: Mapping[CampaignState, frozenset[CampaignState]] = {
    S.DRAFT: frozenset({S.REVIEW, S.STOPPED}),
    S.REVIEW: frozenset({S.SCHEDULED, S.DRAFT, S.STOPPED}),
    S.SCHEDULED: frozenset({S.RUNNING, S.DRAFT, S.STOPPED}),
    S.RUNNING: frozenset({S.PAUSED, S.MEASURING, S.DONE, S.STOPPED}),
    S.PAUSED: frozenset({S.RUNNING, S.STOPPED}),
    S.MEASURING: frozenset({S.DONE, S.STOPPED}),
    S.DONE: frozenset(),
    S.STOPPED: frozenset(),
}
PLAN_TRANSITIONS: Mapping[PlanState, frozenset[PlanState]] = {
    PlanState.SCORING: frozenset({PlanState.SOLVING}),
    PlanState.SOLVING: frozenset({PlanState.READY}),
    PlanState.READY: frozenset(),
}
ALIVE = (S.SCHEDULED, S.RUNNING, S.PAUSED, S.MEASURING)
LOTTERY = 0.005
"""How much luck moves a value in a week's plan, as a share of it, from end to end: enough to settle ties fairly, and four times as much
would cost sixteen times the value (docs: allocation)."""
PEOPLE_TO_MEASURE = 60
SMALLEST_STRANGERS = 100
GAP = re.compile(r"#\{([^{}]*)\}")
TITLE_MAX, BODY_MAX = 40, 400
BIRTHDAY_AHEAD_MAX = 30
TILL_MOST = 1_000_000
USUAL: Mapping[Goal, tuple[float, float]] = {
    Goal.WIN_BACK: (0.0, 0.04),
    Goal.SECOND_VISIT: (0.0, 0.05),
    Goal.SPEND_MORE: (0.0, 0.03),
    Goal.QUIET_HOURS: (0.0, 0.03),
    Goal.NEARBY: (0.0, 0.01),
}
"""Extra visits a message before the network has results of its own: a range that is honest about knowing little."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Words that may not be sent, and why."""

    words: str
    why: Text


_GOODS = say("광고할 수 없는 상품이에요.", en="These goods may not be advertised.")
_CLAIM = say("증명할 수 없는 말이에요.", en="This cannot be proved.")
_CURE = say("음식을 약처럼 말할 수 없어요 (식품표시광고법 8조).", en="Food may not be advertised as medicine.")
_PRESSURE = say("사실이 아니면 재촉할 수 없어요.", en="No pressure that is not true.")
FORBIDDEN: tuple[tuple[str, Text], ...] = (
    (r"전자\s*담배|담배|니코틴|tobacco|cigarettes?|\bvapes?\b", _GOODS),
    (r"도박|카지노|베팅|토토|casino|gambling", _GOODS),
    (r"대출|loans?\b", _GOODS),
    (r"마약|대마|비아그라|처방약|viagra|cannabis", _GOODS),
    (r"성인\s*용품|19금|유흥", _GOODS),
    (r"치료|완치|항암|질병\s*예방|다이어트\s*효과|cures?\b|heals?\b", _CURE),
    (r"국내\s*최고|세계\s*최고|업계\s*1위|전국\s*1등|No\.?\s*1\b|best in (?:the )?(?:world|korea)", _CLAIM),
    (r"100\s*%\s*(?:보장|만족)|무조건\s*당첨|guaranteed", _CLAIM),
    (r"부작용\s*(?:없|0)", _CURE),
    (r"마지막\s*기회|오늘\s*안\s*쓰면\s*손해|last chance", _PRESSURE),
)


_PROVE = say("근거가 있어야 하는 말이에요 (표시광고법 5조).", en="This needs proof.")
DOUBTFUL: tuple[tuple[str, Text], ...] = (
    (r"최고|최저가|최초|유일|1등|1위|\bbest\b|\bcheapest\b|\bonly\b", _PROVE),
    (r"무료|공짜|0원|\bfree\b", say("조건이 있으면 함께 적어야 해요.", en="Conditions, if any, must stand beside it.")),
    (
        r"효과|효능|건강|면역|\bhealthy?\b|\bdetox\b",
        say("음식의 효능을 말하는지 보세요.", en="Look whether it claims an effect of food."),
    ),
    (
        r"술|소주|맥주|와인|막걸리|\b(?:beer|wine|soju)\b",
        say("술 광고는 정해진 것을 지켜야 해요.", en="Alcohol has rules of its own."),
    ),
    (
        r"원산지|국내산|한우|유기농|\borganic\b",
        say("원산지와 인증이 맞는지 보세요.", en="Check origin and certificate."),
    ),
    (r"https?://|www\.", say("밖으로 나가는 주소예요.", en="A link that leads elsewhere.")),
)
"""What an operator looks at twice before strangers read it; nothing of it is forbidden by itself."""


def may_move(state: CampaignState, to: CampaignState) -> bool:
    """Whether `to` may follow `state`."""
    return to in TRANSITIONS[state]


def plan_may_be(state: PlanState, to: PlanState) -> bool:
    """Whether a planning in `state` may go on to `to`."""
    return to in PLAN_TRANSITIONS[state]


def faults_of(*texts: str) -> list[Fault]:
    """What the operator's rules forbid in these texts, in their order."""
    found = []
    for text in texts:
        for pattern, why in FORBIDDEN:
            found += [Fault(match[0], why) for match in re.finditer(pattern, text, re.IGNORECASE)]
    return found


def doubts_about(*texts: str) -> list[Fault]:
    """What an operator should look at twice in these texts, in their order, each word once."""
    found: dict[str, Fault] = {}
    for text in texts:
        for pattern, why in DOUBTFUL:
            for match in re.finditer(pattern, text, re.IGNORECASE):
                found.setdefault(match[0], Fault(match[0], why))
    return list(found.values())


def gaps_of(*texts: str) -> list[str]:
    """The names of the gaps `#{name}`, each once, in their order."""
    return list(dict.fromkeys(name.strip() for text in texts for name in GAP.findall(text)))


def filled(text: str, values: Mapping[str, str]) -> str:
    """The text with its gaps filled. Raises KeyError for a gap without a value."""
    return GAP.sub(lambda match: values[match[1].strip()], text)


def result_at(send_at: datetime, window_days: int) -> datetime:
    """The one day on which the result is read: when the window of the planned sending is over. Never before."""
    return send_at + timedelta(days=window_days)


def forecast(
    *,
    goal: Goal,
    people: int,
    most: int | None,
    share: float,
    window_days: int,
    each: int,
    worth: int,
    usual: tuple[float, float] | None = None,
    used: tuple[float, float] = (0.02, 0.15),
) -> Forecast:
    """What to expect: a message costs `each` won at most; `usual` extra visits a message where the network knows, `used` the share that uses a coupon of
    `worth` won."""
    measured = people >= PEOPLE_TO_MEASURE
    share = share if measured else 0.0
    messages = int(people * (1 - share))
    messages = min(messages, most) if most is not None else messages
    low, high = usual or USUAL[goal]
    return Forecast(
        messages=messages,
        held=int(messages * share / (1 - share)) if share else 0,
        visits_low=max(0, int(messages * low)),
        visits_high=-int(-messages * high // 1),
        price=messages * each,
        discounts_low=int(messages * used[0]) * worth,
        discounts_high=int(messages * used[1]) * worth,
        result_days=window_days,
        measured=measured,
    )


SOLVING_STEPS = 10
"""Steps of a plan's progress bar after the pieces are scored."""
USUAL_BILLS = 0.2
"""How often somebody pays somewhere in a week, at least, before a network has seen much."""
BILL = 10_000
"""Won of a bill where a shop has none yet to go by."""


def usual_effect(goal: Goal) -> float:
    """Extra visits that a message with this goal brings on average, before anything was learned: the middle of the range."""
    low, high = USUAL[goal]
    return (low + high) / 2


def week_of(day: date) -> date:
    """The Monday of the day's week."""
    return day - timedelta(days=day.weekday())


def week_ends(at: datetime) -> datetime:
    """The Korean midnight with which the week of this instant is over."""
    monday = week_of(at.astimezone(KST).date()) + timedelta(days=7)
    return datetime(monday.year, monday.month, monday.day, tzinfo=KST)


def days_ahead(begin: date, count: int) -> list[tuple[int, int]]:
    """Month and day of `begin` and the `count` days after it. Where a year has no 29 February, its 28th stands for both."""
    days = [begin + timedelta(days=ahead) for ahead in range(count + 1)]
    found = [(one.month, one.day) for one in days]
    leapless = any(one.month == 2 and one.day == 28 and not isleap(one.year) for one in days)
    return [*found, (2, 29)] if leapless else found

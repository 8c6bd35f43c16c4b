"""What may be said of a campaign, and the one honest sentence that says it. Pure."""

from calendar import month_name
from math import ceil

from dure.kit.language import Text, say
from dure.kit.money import won
from dure.lift.estimators.newcombe import newcombe
from dure.lift.estimators.pooled import PEOPLE_TO_MEASURE, SHOPS_FOR_CLAIMS, SHOPS_FOR_INTERVALS, Pooled
from dure.lift.values import Footing, Judgement, Told, Verdict
from dure.targeting.values import Place

RESULTS_TO_FORECAST = 30
SURE, SURE_ALONE, LIKELY, SHOWN = 0.997, 0.998, 0.8, 0.9
"""How sure one must be. `make calibrate` measures what follows: false "it worked" at most once in a hundred."""
FEW = 5
"""Of fewer visits than these, in both groups together, a campaign alone says nothing: one guest is no "probably"."""


def judge(
    *, came_reached: int, reached: int, came_held: int, held: int, family: Pooled | None = None, place: int = 0
) -> Judgement:
    """The verdict on one campaign whose window is over. `family`: the pooled campaigns of similar shops, this one at
    `place` among them.

    From 100 shops on the range is the family's, from 300 on it alone decides what may be claimed. Without such a family a
    campaign claims only what a 99.8 % interval (Newcombe) leaves no doubt about.
    """
    shops = len(family.means) if family is not None else 0
    sure = newcombe(came_reached, reached, came_held, held, level=SURE_ALONE)
    shown = newcombe(came_reached, reached, came_held, held, level=SHOWN)
    likely = newcombe(came_reached, reached, came_held, held, level=2 * LIKELY - 1)
    worked, hurt, probably = float(sure.low) > 0, float(sure.high) < 0, float(likely.low) > 0
    probably = probably and came_reached + came_held >= FEW
    footing, low, guess, high = Footing.ALONE, float(shown.low), float(shown.guess), float(shown.high)
    if family is not None and shops >= SHOPS_FOR_INTERVALS:
        footing = Footing.FAMILY
        one = family_of_one(family, place)
        low, high = float(one.quantile((1 - SHOWN) / 2)[0]), float(one.quantile((1 + SHOWN) / 2)[0])
        guess, below = float(one.guesses[0]), float(one.below(0.0)[0])
        probably = 1 - below >= LIKELY
        if shops >= SHOPS_FOR_CLAIMS:
            worked, hurt = 1 - below >= SURE, below >= SURE
    verdict = (
        Verdict.HURT
        if hurt
        else Verdict.WORKED
        if worked and low > 0
        else Verdict.PROBABLY
        if probably and guess > 0
        else Verdict.UNKNOWN
    )
    typical = family.mean if family is not None and shops >= 2 else None
    return Judgement(verdict=verdict, footing=footing, low=low, guess=guess, high=high, shops=shops, typical=typical)


def family_of_one(family: Pooled, place: int) -> Pooled:
    """One shop's part of a pooled family."""
    here = slice(place, place + 1)
    return Pooled(family.mean, family.error, family.weights, family.means[here], family.deviations[here])


def may_be_measured(people: int) -> bool:
    """Whether so many people are enough to open a measured campaign: at least 60."""
    return people >= PEOPLE_TO_MEASURE


def needed_for(*, guess: float, rate: float, share: float) -> int | None:
    """How many people written to would tell an effect of `guess` at a base `rate` (80 % power, 5 %), with `share` held out;
    None where there is no effect to look for."""
    if guess <= 0.002:
        return None
    spread = rate * (1 - rate)
    ratio = share / (1 - share) if share else 1.0
    return ceil((1.96 + 0.84) ** 2 * spread * (1 + 1 / ratio) / guess**2 / 10) * 10


def sentence(judged: Judgement, told: Told) -> Text:
    """What the owner reads. People, not per cent; a range, not a promise; what it cost beside what it brought. How many used
    a coupon is no part of it: many of them would have come anyway."""
    n = told.reached
    low, guess, high = (round(n * rate) for rate in (judged.low, judged.guess, judged.high))
    got_ko, got_en = ("쿠폰을", "a coupon") if told.coupon else ("소식을", "a message")
    facts = {
        "n": f"{n:,}",
        "more": f"{max(guess, 1):,}",
        "low": f"{max(low, 0):,}",
        "high": f"{max(high, 1):,}",
        "spent": won(told.spent),
        "earned": won(max(told.earned, 0)),
        "held": f"{told.held:,}",
        "shops": f"{judged.shops:,}",
    }
    if judged.verdict == Verdict.WORKED:
        ko = f"{got_ko} 받은 {{n}}명 중 {{more}}명쯤이 이것 때문에 더 왔어요 (90% 범위 {{low}}~{{high}}명). 쓴 돈 {{spent}}, 더 번 돈 약 {{earned}}."
        en = f"Of {{n}} people who got {got_en}, about {{more}} came who would not have come otherwise (90% range {{low}} to {{high}}). It cost {{spent}} and brought about {{earned}} more."
        return say(ko, en=en, **facts)
    if judged.verdict == Verdict.HURT:
        fewer = {"fewer": f"{max(-guess, 1):,}", "fewest": f"{max(-high, 0):,}", "most": f"{max(-low, 1):,}"}
        ko = f"{got_ko} 받은 {{n}}명 중 {{fewer}}명쯤이 오히려 덜 왔어요 (90% 범위 {{fewest}}~{{most}}명). 이 캠페인은 멈추는 게 좋아요. 쓴 돈 {{spent}}."
        en = f"Of {{n}} people who got {got_en}, about {{fewer}} stayed away who would have come (90% range {{fewest}} to {{most}}). Better stop this campaign. It cost {{spent}}."
        return say(ko, en=en, **facts, **fewer)
    if judged.verdict == Verdict.PROBABLY:
        span = {"from_ko": _span(low, "ko"), "to": f"{max(high, 1):,}", "from_en": _span(low, "en")}
        ko = "아마 몇 명 더 온 것 같아요: {n}명 중 {more}명쯤, 90% 범위는 {from_ko}부터 {to}명 더까지예요. 한 번 더 해 보면 알 수 있어요. 쓴 돈 {spent}."
        en = "Probably a few more came: about {more} of {n}, somewhere between {from_en} and {to} more (90% range). One more round will tell. It cost {spent}."
        return say(ko, en=en, **facts, **span)
    ko = "아직 알 수 없어요: {n}명에게 보내고 {held}명은 남겨 두었는데, 이 정도로는 우연과 구별되지 않아요. 쓴 돈 {spent}."
    en = "We cannot tell yet: {n} people got it and {held} did not, and at this size chance alone could make the difference. It cost {spent}."
    if judged.typical is not None and judged.shops >= SHOPS_FOR_INTERVALS:
        facts["typical"] = f"{100 * judged.typical:.1f}"
        ko += " 비슷한 가게 {shops}곳의 결과를 합치면 100명에 {typical}명꼴로 더 왔어요."
        en += " Over {shops} similar shops together, {typical} more people came of every 100."
    if told.needed and told.needed > n:
        facts["needed"] = f"{told.needed:,}"
        ko += " {needed}명쯤에게 보내면 알 수 있어요."
        en += " About {needed} messages would tell."
    return say(ko, en=en, **facts)


def sentence_of_strangers(judged: Judgement, *, reached: int | None, more: int | None, margin: int, spent: int) -> Text:
    """What the owner reads of people who are no friends of the shop. The numbers were noised, so the range is wider by the
    noise's `margin`; what may be under a hundred is never said as a number."""
    n = (
        say("{n}명쯤", en="About {n} people", n=f"{reached:,}")
        if reached
        else say("100명 미만", en="Fewer than 100 people")
    )
    cost = won(spent)
    if judged.verdict == Verdict.WORKED and reached and more:
        low, high = (round(reached * rate) for rate in (judged.low, judged.high))
        return say(
            "이웃 {n}명쯤에게 보냈고, {more}명쯤이 이것 때문에 더 왔어요 (90% 범위 {low}~{high}명). 개인을 지키려고 수를 조금 흐렸어요. 쓴 돈 {spent}.",
            en="About {n} neighbours got it, and about {more} came who would not have come otherwise (90% range {low} to {high}). Numbers are "
            "blurred a little to protect people. It cost {spent}.",
            n=f"{reached:,}", more=f"{more:,}", low=f"{max(0, low - margin):,}", high=f"{high + margin:,}", spent=cost,
        )  # fmt: skip
    if judged.verdict == Verdict.HURT:
        return say(
            "받은 이웃이 오히려 덜 왔어요. 다시 하지 않는 게 좋아요. 쓴 돈 {spent}.",
            en="Neighbours who got it came less. Better not again. It cost {spent}.", spent=cost,
        )  # fmt: skip
    return say(
        "아직 알 수 없어요: 받은 이웃은 {n}이고, 이 정도로는 우연과 구별되지 않아요. 쓴 돈 {spent}.",
        en="We cannot tell yet: {n_en} got it, and at this size chance alone could make the difference. It cost {spent}.",
        n=n.within("ko"), n_en=n.within("en"), spent=cost,
    )  # fmt: skip


SUGGESTED = {
    Place.BASKET: say("장바구니 추천", en="Basket suggestions"),
    Place.MENU: say("다음 메뉴 추천", en="Next-dish suggestions"),
}


def sentence_of_suggestions(place: Place, judged: Judgement | None, *, reached: int, held: int) -> Text:
    """What the owner reads of the line at the basket, or over the menu: dishes, not per cent, with a range. None where the groups are not
    what the coin made of them, or one is empty."""
    what, what_en = (SUGGESTED[place].within(language) for language in ("ko", "en"))
    if judged is None or judged.verdict == Verdict.UNKNOWN:
        return say(
            "{what}: 지난달 {n}팀에게 보여 주고 {held}팀에게는 안 보여 줬는데, 더 주문했는지 아직 알 수 없어요.",
            en="{what_en}: last month {n} tables saw one and {held} did not; whether it brought more orders can't be told yet.",
            what=what, what_en=what_en, n=f"{reached:,}", held=f"{held:,}",
        )  # fmt: skip
    low, guess, high = (round(reached * rate) for rate in (judged.low, judged.guess, judged.high))
    if judged.verdict == Verdict.HURT:
        return say(
            "{what}: 지난달 {n}팀이 봤는데, 추천한 메뉴를 오히려 {fewer}팀쯤 덜 주문했어요 (90% 범위 {least}~{most}팀).",
            en="{what_en}: of {n} tables that saw one last month, about {fewer} fewer ordered the dish (90% range {least} to {most}).",
            what=what, what_en=what_en, n=f"{reached:,}", fewer=f"{max(-guess, 1):,}", least=f"{max(-high, 0):,}", most=f"{max(-low, 1):,}",
        )  # fmt: skip
    maybe_ko, maybe_en = ("아마 ", "probably ") if judged.verdict == Verdict.PROBABLY else ("", "")
    return say(
        "{what}: 지난달 {n}팀이 봤고, {maybe}{more}팀쯤이 이것 때문에 그 메뉴를 더 주문했어요 (90% 범위 {from_ko}부터 {to}팀 더까지).",
        en="{what_en}: of {n} tables that saw one last month, {maybe_en}about {more} ordered the dish because of it (90% range {from_en} to {to} more).",
        what=what, what_en=what_en, n=f"{reached:,}", maybe=maybe_ko, maybe_en=maybe_en, more=f"{max(guess, 1):,}", to=f"{max(high, 1):,}",
        from_ko=f"{-low:,}팀 덜" if low < 0 else f"{low:,}팀 더", from_en=f"{-low:,} fewer" if low < 0 else f"{low:,}",
    )  # fmt: skip


def suggestions_waited_for(place: Place, month: int) -> Text:
    """Before the first whole month is over."""
    return say(
        "{what:을/를} 시험하고 있어요. 무엇을 더 팔았는지는 {m}월 1일부터 볼 수 있어요.",
        en="{what_en} are being tried. What they brought is told from the 1st of {month} on.",
        what=SUGGESTED[place].within("ko"), what_en=SUGGESTED[place].within("en"), m=month, month=month_name[month],
    )  # fmt: skip


def _span(people: int, language: str) -> str:
    if language == "ko":
        return f"{-people:,}명 덜" if people < 0 else f"{people:,}명 더"
    return f"{-people:,} fewer" if people < 0 else f"{people:,} more"

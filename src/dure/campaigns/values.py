"""Words of the campaigns room: a campaign is one message to many with a goal, and people left without it to compare."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from dure.kit.language import Text, say
from dure.messaging.values import Medium
from dure.people.values import Topic


class CampaignState(StrEnum):
    """DRAFT, then in REVIEW, SCHEDULED, RUNNING while messages go out, PAUSED, MEASURING until the day of the result, DONE
    or STOPPED. An automation stays RUNNING until somebody stops it."""

    DRAFT = "draft"
    REVIEW = "review"
    SCHEDULED = "scheduled"
    RUNNING = "running"
    PAUSED = "paused"
    MEASURING = "measuring"
    DONE = "done"
    STOPPED = "stopped"


class PlanState(StrEnum):
    """SCORING people piece by piece, SOLVING for prices and choices, then READY to be sent."""

    SCORING = "scoring"
    SOLVING = "solving"
    READY = "ready"


class TillFate(StrEnum):
    """GIVEN a coupon, HELD out by the campaign's coin, or NOTHING was chosen."""

    GIVEN = "given"
    HELD = "held"
    NOTHING = "nothing"


class Nothing(StrEnum):
    """Why nobody gave anything at the till, where no ban of the gate says it."""

    NEVER = "never"
    ENOUGH = "enough"
    PRICE = "price"
    NONE_LEFT = "none_left"


class Goal(StrEnum):
    """What an owner wants. It sets whom we suggest, the words we propose and how long we wait for the result."""

    WIN_BACK = "win_back"
    SECOND_VISIT = "second_visit"
    SPEND_MORE = "spend_more"
    QUIET_HOURS = "quiet_hours"
    NEARBY = "nearby"


class Trigger(StrEnum):
    """What makes an automation write to somebody. HAND: nothing, a campaign that is sent once."""

    HAND = "hand"
    WELCOME = "welcome"
    SECOND_VISIT = "second_visit"
    WIN_BACK = "win_back"
    STAMP_NEARLY = "stamp_nearly"
    UNUSED_COUPON = "unused_coupon"
    QUIET_HOURS = "quiet_hours"
    BIRTHDAY = "birthday"
    SOLD_OUT_BACK = "sold_out_back"


@dataclass(frozen=True, slots=True, kw_only=True)
class GoalPlan:
    """A goal in words, whom it suggests, what it proposes to write, and how many days its window has."""

    name: Text
    why: Text
    stages: tuple[str, ...]
    window_days: int
    title: Mapping[str, str]
    body: Mapping[str, str]


_TAIL = {"ko": "‘#{coupon}’ 쿠폰을 넣어 두었어요. #{until}까지 QR을 찍으면 알아서 쓰여요.",
         "en": "Your coupon “#{coupon}” is waiting. Scan the QR by #{until} and it applies by itself."}  # fmt: skip

GOALS: Mapping[Goal, GoalPlan] = {
    Goal.WIN_BACK: GoalPlan(
        name=say("뜸한 단골 다시 부르기", en="Bring back friends who stay away"),
        why=say("한동안 안 오신 친구에게 인사해요.", en="Say hello to friends who have not come for a while."),
        stages=("lapsed",),
        window_days=14,
        title={"ko": "오랜만이에요, #{shop}에서 인사드려요", "en": "It has been a while: #{shop}"},
        body={"ko": f"요즘 어떻게 지내세요? {_TAIL['ko']}", "en": f"How have you been? {_TAIL['en']}"},
    ),
    Goal.SECOND_VISIT: GoalPlan(
        name=say("두 번째 방문", en="A second visit"),
        why=say("한 번 오신 분이 다시 오시게 해요.", en="Let those who came once come again."),
        stages=("new",),
        window_days=14,
        title={"ko": "#{shop}에 또 오세요", "en": "See you again at #{shop}"},
        body={"ko": f"지난번에 와 주셔서 고마웠어요. {_TAIL['ko']}", "en": f"Thank you for coming. {_TAIL['en']}"},
    ),
    Goal.SPEND_MORE: GoalPlan(
        name=say("한 번에 더", en="More per visit"),
        why=say("자주 오시는 분께 곁들일 것을 권해요.", en="Offer something on the side to those who come often."),
        stages=("returning", "regular"),
        window_days=14,
        title={"ko": "#{shop}에서 하나 더 맛보세요", "en": "Try one more dish at #{shop}"},
        body={"ko": f"늘 와 주셔서 고마워요. {_TAIL['ko']}", "en": f"Thank you for coming so often. {_TAIL['en']}"},
    ),
    Goal.QUIET_HOURS: GoalPlan(
        name=say("한가한 시간 채우기", en="Fill quiet hours"),
        why=say("자리가 비는 시간에 오시게 해요.", en="Invite people when tables are free."),
        stages=("new", "returning", "regular"),
        window_days=7,
        title={"ko": "#{shop}, 지금 한가해요", "en": "#{shop} has a table for you"},
        body={"ko": f"기다리지 않고 드실 수 있어요. {_TAIL['ko']}", "en": f"No waiting. {_TAIL['en']}"},
    ),
    Goal.NEARBY: GoalPlan(
        name=say("근처 새 손님", en="New people nearby"),
        why=say("아직 친구가 아닌 이웃에게 알려요.", en="Tell neighbours who are no friends yet."),
        stages=(),
        window_days=21,
        title={"ko": "#{shop}, 바로 가까이에 있어요", "en": "#{shop} is close to you"},
        body={"ko": f"한번 들러 보세요. {_TAIL['ko']}", "en": f"Come and see us. {_TAIL['en']}"},
    ),
}


TOPICS: Mapping[Goal, Topic] = {
    Goal.WIN_BACK: Topic.COMEBACK,
    Goal.SECOND_VISIT: Topic.COMEBACK,
    Goal.SPEND_MORE: Topic.MENU,
    Goal.QUIET_HOURS: Topic.EVENT,
    Goal.NEARBY: Topic.NEIGHBOURHOOD,
}
"""By what word somebody can refuse such messages alone; with a coupon it is a discount."""

WAYS: tuple[Medium, ...] = (Medium.PUSH, Medium.MAIL, Medium.BRAND, Medium.TEXT, Medium.INBOX)
"""The media that may carry a campaign, in the order in which they are tried: first what costs nothing. The inbox is the last
and always there."""

WAY_NAMES: Mapping[Medium, Text] = {
    Medium.INBOX: say("두레 알림함", en="Dure inbox"),
    Medium.PUSH: say("휴대폰 알림", en="Phone notification"),
    Medium.BRAND: say("카카오 브랜드 메시지", en="Kakao brand message"),
    Medium.NOTICE: say("카카오 알림톡", en="Kakao Alimtalk"),
    Medium.TEXT: say("문자", en="Text message"),
    Medium.MAIL: say("이메일", en="E-mail"),
}
FAULTS: Mapping[str, Text] = {
    "too-long": say("이 방법으로 보내기에는 글이 길어요.", en="The text is too long for this way."),
    "title-too-long": say("이 방법으로 보내기에는 제목이 길어요.", en="The title is too long for this way."),
    "no-sender": say(
        "광고에는 보낸 사람의 전화번호가 있어야 해요. 설정에 가게 전화번호를 적어 주세요.",
        en="Advertising must name a phone number. Please write the shop's number in the settings.",
    ),
    "not-euc-kr": say("문자에는 그림 글자(이모지)를 쓸 수 없어요.", en="Text messages cannot carry emoji."),
    "broken-subject": say("제목은 한 줄로 적어 주세요.", en="The title must be one line."),
}
"""What is wrong with a text for one of its media, as its owner reads it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerPlan:
    """An automation in words, its usual number (days, stamps; 0: none) and what it proposes to write."""

    name: Text
    why: Text
    number: int
    unit: Text
    goal: Goal
    title: Mapping[str, str]
    body: Mapping[str, str]


_DAYS = say("일", en="days")
TRIGGERS: Mapping[Trigger, TriggerPlan] = {
    Trigger.WELCOME: TriggerPlan(
        name=say("환영 인사", en="Welcome"), why=say("친구가 된 다음 날", en="The day after somebody becomes a friend"),
        number=1, unit=_DAYS, goal=Goal.SECOND_VISIT,
        title={"ko": "#{shop} 친구가 되셨네요", "en": "Welcome to #{shop}"},
        body={"ko": "다음에 오시면 더 반갑게 맞을게요.", "en": "We look forward to seeing you again."},
    ),
    Trigger.SECOND_VISIT: TriggerPlan(
        name=say("두 번째 방문", en="Second visit"), why=say("한 번만 오고 며칠 지났을 때", en="Some days after a first visit"),
        number=10, unit=_DAYS, goal=Goal.SECOND_VISIT,
        title={"ko": "#{shop}에 또 오세요", "en": "See you again at #{shop}"},
        body={"ko": "지난번에 와 주셔서 고마웠어요. 다음 메뉴도 준비해 두었어요.", "en": "Thank you for coming. There is more to try."},
    ),
    Trigger.WIN_BACK: TriggerPlan(
        name=say("다시 부르기", en="Win-back"), why=say("한동안 안 오셨을 때", en="When somebody has stayed away"),
        number=45, unit=_DAYS, goal=Goal.WIN_BACK,
        title={"ko": "오랜만이에요, #{shop}에서 인사드려요", "en": "It has been a while: #{shop}"},
        body={"ko": "요즘 어떻게 지내세요? 보고 싶어요.", "en": "How have you been? We miss you."},
    ),
    Trigger.STAMP_NEARLY: TriggerPlan(
        name=say("도장이 거의 찼을 때", en="Stamp nearly full"), why=say("도장 한두 개만 남았을 때", en="One or two stamps to go"),
        number=1, unit=say("개", en="stamps"), goal=Goal.SPEND_MORE,
        title={"ko": "도장이 거의 다 찼어요", "en": "Your card is nearly full"},
        body={"ko": "한 번만 더 오시면 쿠폰이 나와요.", "en": "One more visit and you get a coupon."},
    ),
    Trigger.UNUSED_COUPON: TriggerPlan(
        name=say("안 쓴 쿠폰", en="Unused coupon"), why=say("쿠폰이 곧 끝날 때", en="When a coupon is about to end"),
        number=3, unit=_DAYS, goal=Goal.WIN_BACK,
        title={"ko": "쿠폰이 곧 끝나요", "en": "Your coupon ends soon"},
        body={"ko": "#{shop} 쿠폰이 남아 있어요. 끝나기 전에 쓰세요.", "en": "You still have a coupon at #{shop}."},
    ),
    Trigger.QUIET_HOURS: TriggerPlan(
        name=say("한가한 시간", en="Quiet hours"), why=say("한 주에 한 번, 한가한 날 오전에", en="Once a week, on the morning of a quiet day"),
        number=7, unit=_DAYS, goal=Goal.QUIET_HOURS,
        title={"ko": "#{shop}, 오늘 한가해요", "en": "#{shop} has room today"},
        body={"ko": "기다리지 않고 드실 수 있어요.", "en": "No waiting today."},
    ),
    Trigger.BIRTHDAY: TriggerPlan(
        name=say("생일", en="Birthday"), why=say("생일을 알려 준 친구의 생일이 며칠 남았을 때", en="Some days before the birthday of a friend who told it"),
        number=3, unit=_DAYS, goal=Goal.WIN_BACK,
        title={"ko": "생일을 미리 축하드려요", "en": "An early happy birthday"},
        body={"ko": "#{shop}에서 따뜻한 한 끼로 축하하고 싶어요.", "en": "#{shop} would love to celebrate with you."},
    ),
    Trigger.SOLD_OUT_BACK: TriggerPlan(
        name=say("품절이 풀렸을 때", en="Sold-out dish is back"), why=say("요즘 먹은 메뉴가 품절됐다 다시 나왔을 때", en="When a dish they had of late was sold out and is back"),
        number=60, unit=_DAYS, goal=Goal.WIN_BACK,
        title={"ko": "기다리던 메뉴가 다시 나왔어요", "en": "A dish you know is back"},
        body={"ko": "지난번에 드신 메뉴가 #{shop}에 다시 나왔어요.", "en": "A dish you had at #{shop} is on the menu again."},
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What a campaign of this size usually brings and costs, as ranges: extra visits, won for messages, won of discounts."""

    messages: int
    held: int
    visits_low: int
    visits_high: int
    price: int
    discounts_low: int
    discounts_high: int
    result_days: int
    measured: bool


TOP_UPS = (30_000, 50_000, 100_000, 300_000)
TOP_UP_LEAST, TOP_UP_MOST = 10_000, 1_000_000


class Movement(StrEnum):
    """Why a message balance moved."""

    TOP_UP = "top_up"
    BANK = "bank"
    GRANT = "grant"
    HELD = "held"
    FREED = "freed"
    RETURNED = "returned"
    KEPT = "kept"


MOVEMENT_WORDS: Mapping[Movement, Text] = {
    Movement.TOP_UP: say("충전", en="Topped up"),
    Movement.BANK: say("계좌 입금", en="Paid in by bank"),
    Movement.GRANT: say("운영자 지원금", en="Granted by the operator"),
    Movement.HELD: say("캠페인에 잡아 둔 값", en="Set aside for a campaign"),
    Movement.FREED: say("보내지 않아 돌아온 값", en="Back from a campaign"),
    Movement.RETURNED: say("돌려받기", en="Taken back"),
    Movement.KEPT: say("돌려받지 못해 남은 돈", en="Could not be taken back"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """One line of a message balance's statement: `won` with its sign, the balance after it, and the campaign it was for."""

    at: datetime
    movement: Movement
    won: int
    balance: int
    campaign: str = ""
    name: str = ""

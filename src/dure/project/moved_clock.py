"""`dure clock`: a demo's clock jumps ahead, so that what takes two weeks can be seen today. Never in a real installation."""

import re
from datetime import datetime, timedelta

from dure.kit import clock
from dure.kit.language import say
from dure.project.env import Environment
from dure.project.postgres import Trouble
from dure.town import actions as town

LONGEST = timedelta(days=400)
_UNITS = {"d": "days", "h": "hours", "m": "minutes"}


def jump_asked(text: str, at: datetime) -> timedelta:
    """How far `text` asks the clock to jump: `+14d`, `+3h`, `+30m`, or `10:30`, the next such time in Korea.

    Raises Trouble for anything else, for a jump backwards and for one of more than 400 days.
    """
    step = re.fullmatch(r"\+(\d{1,5})([dhm])", text)
    hour = re.fullmatch(r"([01]?\d|2[0-3]):([0-5]\d)", text)
    if step:
        asked = timedelta(**{_UNITS[step[2]]: int(step[1])})
    elif hour:
        local = at.astimezone(clock.KST)
        meant = local.replace(hour=int(hour[1]), minute=int(hour[2]), second=0, microsecond=0)
        asked = (meant if meant > local else meant + timedelta(days=1)) - local
    else:
        asked = timedelta()
    if not timedelta() < asked <= LONGEST:
        raise Trouble(
            say(
                "앞으로만 갈 수 있어요: +14d, +3h, +30m, 10:30 가운데 하나처럼 적어 주세요 (400일까지).",
                en="A clock goes forwards alone: write +14d, +3h, +30m or 10:30 (400 days at most).",
            )
        )
    return asked


def jump(by: timedelta) -> int:
    """Every program of this demo stands `by` further ahead, and what would have been done meanwhile is done now. How many
    jobs that made due. Raises Trouble in a real installation."""
    env = Environment()
    if env.production:
        raise Trouble(
            say("실제로 쓰는 두레의 시계는 옮길 수 없어요.", en="The clock of a real installation is never moved.")
        )
    return town.jump_ahead(by=by)

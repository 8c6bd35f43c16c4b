"""Everything done between one person and one shop."""

from dure.regulars.actions.friends import (
    count_visit,
    cut_off_person,
    join_channel,
    join_relations,
    leave_channel,
    uncount_visit,
    welcome_friend,
)
from dure.regulars.actions.points import (
    expire_points,
    give_points_back,
    keep_points,
    keep_tier,
    remove_tier,
    reward_tier,
    use_points,
)
from dure.regulars.actions.stamps import give_stamps, keep_stamp_card, reward_stamps

__all__ = [
    "count_visit",
    "cut_off_person",
    "expire_points",
    "give_points_back",
    "give_stamps",
    "join_channel",
    "join_relations",
    "keep_points",
    "keep_stamp_card",
    "keep_tier",
    "leave_channel",
    "remove_tier",
    "reward_stamps",
    "reward_tier",
    "uncount_visit",
    "use_points",
    "welcome_friend",
]

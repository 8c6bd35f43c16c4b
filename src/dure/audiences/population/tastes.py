"""What people like: a tree of three branches and 62 leaves, and how likely each is for whom.

The rates are invented, after what surveys of eating out commonly say; the synthetic country needs tastes that hang together
(by age, by sex, and by a way of life that nobody writes down), not true ones.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from dure.audiences.population.regions import BANDS, SEXES

STYLES = ("home", "gourmet", "healthy", "thrifty", "trendy", "family", "outdoors", "night")
"""Ways of life, never part of a person's record: they make tastes go together."""


@dataclass(frozen=True, slots=True)
class Taste:
    """One leaf. `rate` of adults per cent; `peak` age (0: any age alike); `women` times as likely; the styles it goes with."""

    key: str
    ko: str
    en: str
    branch: str
    rate: int
    peak: int
    women: float
    styles: str


BRANCHES = {"food": ("음식", "Food"), "style": ("취향", "Style"), "life": ("생활", "Stage of life")}

_LEAVES = """
coffee        커피          Coffee               food  38 34 1.1 trendy gourmet
dessert       디저트        Dessert              food  24 27 1.6 trendy gourmet
bakery        빵            Bakery               food  26 38 1.4 trendy family
tea           차·전통음료   Tea                  food  11 55 1.4 healthy home
korean        한식          Korean food          food  40 52 1.0 family thrifty
soup          국밥·탕       Soups                food  28 54 0.7 thrifty night
noodles       국수          Noodles              food  22 48 1.1 thrifty home
naengmyeon    냉면          Cold noodles         food  14 50 0.9 gourmet
bunsik        분식          Snacks               food  24 22 1.3 thrifty home
pork          삼겹살·돼지   Pork                 food  30 40 0.8 night family
beef          소고기        Beef                 food  16 50 0.9 gourmet family
chicken       치킨          Fried chicken        food  32 26 0.9 night home
fish          회·해물       Raw fish             food  18 54 0.8 gourmet night
japanese      일식          Japanese food        food  17 34 1.1 gourmet trendy
ramen         라멘          Ramen                food  11 27 0.8 trendy
chinese       중식          Chinese food         food  24 42 0.9 family thrifty
malatang      마라탕        Malatang             food  11 19 1.7 trendy
western       양식·파스타   Western food         food  17 30 1.4 gourmet trendy
pizza         피자          Pizza                food  19 25 1.0 family home
burger        버거          Burgers              food  21 23 0.9 home thrifty
asian         아시아 음식   Southeast Asian food food  10 31 1.4 trendy gourmet
salad         샐러드·포케   Salad                food  10 30 1.9 healthy
vegetarian    채식          Vegetarian           food   4 36 2.0 healthy
beer          맥주          Beer                 food  20 34 0.7 night
soju          소주          Soju                 food  22 44 0.6 night thrifty
wine          와인          Wine                 food   8 38 1.3 gourmet trendy
makgeolli     막걸리        Makgeolli            food   9 58 0.7 night outdoors
brunch        브런치        Brunch               food  11 35 2.1 trendy family
lunchbox      도시락·반찬   Lunch boxes          food  14 44 1.3 home thrifty
icecream      아이스크림    Ice cream            food  18 17 1.2 home family
spicy         매운맛        Spicy                style 23 24 1.2 night trendy
mild          순한맛        Mild                 style 15 62 1.2 family healthy
large         푸짐하게      Big portions         style 17 26 0.5 thrifty night
value         가성비        Good value           style 34 30 1.0 thrifty
premium       프리미엄      Premium              style  9 48 1.0 gourmet
newplaces     새로운 가게   New places           style 16 27 1.3 trendy gourmet
oldplaces     노포          Old houses           style 13 50 0.7 gourmet night
quiet         조용한 곳     Quiet                style 16 46 1.2 home healthy
lively        북적이는 곳   Lively               style 10 25 0.9 night
view          전망·야외     A view               style 12 38 1.3 outdoors trendy
photo         사진 맛집     Pretty pictures      style 12 23 2.0 trendy
alone         혼밥          Eating alone         style 18 28 0.8 home thrifty
groups        모임·회식     Groups               style 15 45 0.9 night family
takeout       포장          Takeaway             style 26 36 1.0 home family
healthy       건강식        Healthy food         style 17 55 1.4 healthy
organic       친환경        Organic              style  8 45 1.6 healthy family
local         동네 가게     Local shops          style 22 52 1.1 thrifty family
character     캐릭터        Characters           style  9 20 1.5 trendy home
parking       주차 되는 곳  Parking              style 19 46 0.8 family outdoors
student       학생          Student              life  10 18 1.0 thrifty trendy
newlyjob      사회 초년생   New at work          life   8 27 1.0 trendy
office        직장인        Office worker        life  34 40 0.8 night
selfemployed  자영업        Self-employed        life  12 52 0.7 thrifty
homemaker     주부          Homemaker            life  12 52 9.0 family home
newlywed      신혼          Newly wed            life   5 33 1.0 trendy home
baby          영유아 부모   Parent of a baby     life   6 35 1.2 family
child         초등생 부모   Parent of a child    life  10 42 1.2 family outdoors
teen          중고생 부모   Parent of a teen     life   9 48 1.1 family
retired       은퇴          Retired              life  12 70 0.9 outdoors healthy
pet           반려동물      Pets                 life  18 32 1.2 home outdoors
camping       캠핑          Camping              life   9 40 0.8 outdoors family
fitness       운동          Fitness              life  17 30 0.9 healthy outdoors
"""


def _read(text: str) -> tuple[Taste, ...]:
    leaves = []
    for line in text.strip().splitlines():
        words = line.split()
        at = max(place for place, word in enumerate(words) if word in BRANCHES)
        branch, rate, peak, women, *styles = words[at:]
        head = " ".join(words[1:at])
        last = max(place for place, letter in enumerate(head) if "가" <= letter <= "힣") + 1
        leaves.append(
            Taste(
                words[0], head[:last], head[last:].strip(), branch, int(rate), int(peak), float(women), " ".join(styles)
            )
        )
    return tuple(leaves)


TASTES = _read(_LEAVES)
KEYS = tuple(taste.key for taste in TASTES)


@cache
def style_shares() -> NDArray[np.float64]:
    """How people of one sex and age divide into styles: [sex, band, style], each a share of one."""
    ages = np.arange(BANDS) * 5 + 2.5
    middle = np.array([35, 45, 48, 50, 25, 40, 55, 33])
    spread = np.array([30, 22, 25, 35, 12, 11, 16, 14])
    pull = np.exp(-(((ages[:, None] - middle) / spread) ** 2) / 2) + 0.15
    by_sex = np.array([[1.0, 1.0, 1.4, 1.0, 1.3, 1.1, 0.8, 0.6], [1.0, 0.9, 0.7, 1.0, 0.8, 0.9, 1.2, 1.5]])
    shares = by_sex[:, None, :] * pull
    return np.asarray(shares / shares.sum(axis=2, keepdims=True))


@cache
def chances() -> NDArray[np.float64]:
    """How likely each taste is: [sex, band, style, taste], 0..1. Of small children little is known."""
    ages = np.arange(BANDS) * 5 + 2.5
    table = np.empty((len(SEXES), BANDS, len(STYLES), len(TASTES)))
    for place, taste in enumerate(TASTES):
        width = 9.0 if taste.branch == "life" and taste.key not in ("office", "pet", "camping", "fitness") else 24.0
        by_age = 0.25 + 1.25 * np.exp(-(((ages - taste.peak) / width) ** 2) / 2)
        if width < 24:
            by_age = 2.6 * np.exp(-(((ages - taste.peak) / width) ** 2) / 2)
        known = np.clip((ages - 5) / 14, 0.0, 1.0)
        women = np.array([2 * taste.women / (1 + taste.women), 2 / (1 + taste.women)])
        style = np.array([3.4 if name in taste.styles.split() else 0.55 for name in STYLES])
        table[..., place] = (
            taste.rate / 100 * women[:, None, None] * (by_age * known)[None, :, None] * style[None, None, :]
        )
    return np.asarray(np.clip(table, 0.0, 0.92))

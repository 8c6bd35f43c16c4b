"""The shops of the demo neighbourhood: what they sell, who works there, how they treat their friends.

Three streets away from each other in 서울 마포구 망원동, all of them invented.
"""

from dataclasses import dataclass, field

from dure.menu.values import Allergen, GroupDraft, ItemDraft, OptionDraft
from dure.shops.values import Category, PayTiming, Role
from dure.town.cast import CHEOLSU, DONGBAEK, OKJA, SOONI, YOUNGHEE, Character

A = Allergen


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A shop as the demo opens it."""

    name: str
    name_en: str
    category: Category
    pay_timing: PayTiming
    address: str
    phone: str
    tables: int
    skin: str
    character: str
    owner: Character
    staff: tuple[tuple[Character, Role], ...] = ()
    hours: dict[str, list[str]]
    cooking_minutes: int
    welcome: int = 1_000
    minimum_spend: int = 8_000
    stamp_goal: int = 10
    stamp_reward: int = 5_000
    menu: tuple[ItemDraft, ...] = field(repr=False)


def _words(ko: str, en: str) -> dict[str, str]:
    return {"ko": ko, "en": en}


def _group(ko: str, en: str, *options: tuple[str, str, int], least: int = 0, most: int = 1) -> GroupDraft:
    return GroupDraft(
        name=_words(ko, en),
        least=least,
        most=most,
        options=tuple(OptionDraft(name=_words(korean, english), price=price) for korean, english, price in options),
    )


ALWAYS = {day: ["00:00", "24:00"] for day in "0123456"}
NO_MONDAYS = {day: ["11:30", "15:00", "17:00", "21:30"] for day in "123456"}
MORNING_TO_NIGHT = {day: ["08:00", "22:00"] for day in "0123456"}

_NOODLES = _words("국수", "Noodles")
_SIDES = _words("곁들임", "Sides")
_SIPS = _words("음료·술", "Drinks")
_SPICE = _group("맵기", "Spiciness", ("순하게", "Mild", 0), ("보통", "Medium", 0), ("맵게", "Hot", 0), least=1)
_EXTRAS = _group("더하기", "Extras", ("면 곱빼기", "Double noodles", 2_000), ("삶은 달걀", "Boiled egg", 1_000), most=2)

DURE_NOODLES = Place(
    name="두레국수",
    name_en="Dure Noodles",
    category=Category.NOODLES,
    pay_timing=PayTiming.FIRST,
    address="서울 마포구 망원동 두레길 7",
    phone="02-000-0107",
    tables=8,
    skin="dure",
    character="banga",
    owner=SOONI,
    staff=((CHEOLSU, Role.KITCHEN), (DONGBAEK, Role.CASHIER)),
    hours=ALWAYS,  # whoever tries Dure at midnight must be able to order
    cooking_minutes=10,
    menu=(
        ItemDraft(
            section=_NOODLES,
            name=_words("잔치국수", "Warm noodle soup"),
            description=_words("멸치와 다시마로 두 시간 끓인 국물에 소면", "Thin noodles in anchovy and kelp broth"),
            price=8_000,
            popular=True,
            allergens=(A.EGG, A.WHEAT, A.SOY),
            origin=_words("멸치: 국내산(남해) · 달걀: 국내산", "Anchovy: Korea (Namhae) · Egg: Korea"),
            station="면",
            groups=(_EXTRAS,),
        ),
        ItemDraft(
            section=_NOODLES,
            name=_words("비빔국수", "Spicy mixed noodles"),
            description=_words(
                "사과와 배를 갈아 넣은 양념장, 아삭한 열무김치", "Apple and pear chilli sauce, young radish kimchi"
            ),
            price=9_000,
            popular=True,
            allergens=(A.EGG, A.WHEAT, A.SOY),
            origin=_words("열무김치: 국내산(무·고춧가루 국내산)", "Radish kimchi: Korea"),
            station="면",
            groups=(_SPICE, _EXTRAS),
        ),
        ItemDraft(
            section=_NOODLES,
            name=_words("들기름막국수", "Buckwheat noodles in perilla oil"),
            description=_words("갓 짠 들기름, 김가루, 깨", "Fresh perilla oil, seaweed, sesame"),
            price=11_000,
            allergens=(A.BUCKWHEAT, A.WHEAT, A.SOY),
            origin=_words("메밀: 국내산(봉평) · 들깨: 국내산", "Buckwheat: Korea (Bongpyeong) · Perilla: Korea"),
            station="면",
            groups=(_EXTRAS,),
        ),
        ItemDraft(
            section=_NOODLES,
            name=_words("바지락칼국수", "Clam knife-cut noodles"),
            description=_words("손으로 썬 칼국수와 바지락 한 그릇 가득", "Hand-cut noodles with plenty of clams"),
            price=10_500,
            allergens=(A.WHEAT, A.SHELLFISH, A.SOY),
            origin=_words("바지락: 국내산(고창)", "Clams: Korea (Gochang)"),
            station="면",
            groups=(_EXTRAS,),
        ),
        ItemDraft(
            section=_NOODLES,
            name=_words("서리태콩국수", "Cold black bean noodles"),
            description=_words("여름에 다시 만나요", "Back in summer"),
            price=11_000,
            sold_out=True,
            allergens=(A.WHEAT, A.SOY),
            origin=_words("서리태: 국내산(괴산)", "Black beans: Korea (Goesan)"),
            station="면",
        ),
        ItemDraft(
            section=_SIDES,
            name=_words("손만두", "Handmade dumplings"),
            description=_words("두부와 부추로 빚은 여섯 개", "Six, filled with tofu, pork and chives"),
            price=6_500,
            popular=True,
            allergens=(A.WHEAT, A.SOY, A.PORK),
            origin=_words("돼지고기: 국내산 · 두부(콩): 국내산", "Pork: Korea · Tofu: Korea"),
            station="전",
            groups=(_group("조리", "Cooked", ("찐만두", "Steamed", 0), ("군만두", "Pan-fried", 500), least=1),),
        ),
        ItemDraft(
            section=_SIDES,
            name=_words("해물파전", "Seafood scallion pancake"),
            description=_words("쪽파 한 단, 오징어와 새우", "A bundle of scallions, squid and shrimp"),
            price=15_000,
            allergens=(A.EGG, A.WHEAT, A.SQUID, A.SHRIMP, A.SHELLFISH),
            origin=_words("오징어: 국내산 · 새우: 베트남산", "Squid: Korea · Shrimp: Vietnam"),
            station="전",
        ),
        ItemDraft(
            section=_SIDES,
            name=_words("감자전", "Potato pancake"),
            description=_words("강판에 간 강원도 감자", "Grated potatoes from Gangwon"),
            price=12_000,
            allergens=(A.WHEAT,),
            origin=_words("감자: 국내산(평창)", "Potatoes: Korea (Pyeongchang)"),
            station="전",
        ),
        ItemDraft(
            section=_SIDES,
            name=_words("주먹밥", "Rice balls"),
            description=_words("김가루와 참기름, 세 개", "Three, with seaweed and sesame oil"),
            price=3_000,
            allergens=(A.SOY,),
            origin=_words("쌀: 국내산", "Rice: Korea"),
            station="전",
        ),
        ItemDraft(
            section=_SIPS,
            name=_words("식혜", "Sweet rice drink"),
            description=_words("엿기름으로 직접 삭힌 식혜", "Fermented here with malt"),
            price=3_500,
            station="음료",
        ),
        ItemDraft(section=_SIPS, name=_words("사이다", "Lemon-lime soda"), price=2_500, station="음료"),
        ItemDraft(
            section=_SIPS,
            name=_words("동네 생막걸리", "Neighbourhood makgeolli"),
            description=_words("750ml, 6도", "750 ml, 6%"),
            price=6_000,
            alcohol=True,
            allergens=(A.WHEAT,),
            origin=_words("쌀: 국내산", "Rice: Korea"),
            station="음료",
        ),
        ItemDraft(section=_SIPS, name=_words("병맥주", "Bottled beer"), price=5_000, alcohol=True, station="음료"),
    ),
)

_COFFEE = _words("커피", "Coffee")
_TEA = _words("차·에이드", "Tea & ades")
_BAKED = _words("구움과자", "Baked here")
_WARMTH = _group("온도", "Hot or iced", ("따뜻하게", "Hot", 0), ("차갑게", "Iced", 0), least=1)
_SHOT = _group("더하기", "Extras", ("샷 추가", "Extra shot", 500), ("연하게", "Lighter", 0), most=2)
_MILK = _group("우유", "Milk", ("우유", "Milk", 0), ("귀리 음료", "Oat", 700), ("두유", "Soy", 500), least=1)

ZELKOVA_COFFEE = Place(
    name="느티나무 커피",
    name_en="Zelkova Coffee",
    category=Category.CAFE,
    pay_timing=PayTiming.FIRST,
    address="서울 마포구 망원동 느티나무길 12",
    phone="02-000-0212",
    tables=6,
    skin="dure",
    character="dubi",
    owner=YOUNGHEE,
    hours=MORNING_TO_NIGHT,
    cooking_minutes=5,
    stamp_reward=4_000,
    menu=(
        ItemDraft(
            section=_COFFEE,
            name=_words("아메리카노", "Americano"),
            description=_words("고소한 맛과 산뜻한 맛이 반반", "Half nutty, half bright"),
            price=4_000,
            popular=True,
            groups=(_WARMTH, _SHOT),
        ),
        ItemDraft(
            section=_COFFEE,
            name=_words("카페라떼", "Caffè latte"),
            price=4_800,
            allergens=(A.MILK,),
            groups=(_WARMTH, _MILK, _SHOT),
        ),
        ItemDraft(
            section=_COFFEE,
            name=_words("흑임자라떼", "Black sesame latte"),
            description=_words("직접 볶아 간 흑임자 크림", "Cream of sesame roasted and ground here"),
            price=5_800,
            popular=True,
            allergens=(A.MILK, A.SOY),
            origin=_words("흑임자: 국내산(예천)", "Black sesame: Korea (Yecheon)"),
            groups=(_MILK,),
        ),
        ItemDraft(
            section=_COFFEE,
            name=_words("오늘의 손내림", "Hand drip of the day"),
            description=_words("원두는 계산대에 적어 두었어요", "See the counter for today's beans"),
            price=6_500,
        ),
        ItemDraft(section=_COFFEE, name=_words("콜드브루", "Cold brew"), price=5_000, sold_out=True),
        ItemDraft(
            section=_TEA,
            name=_words("쑥라떼", "Mugwort latte"),
            price=5_500,
            allergens=(A.MILK,),
            origin=_words("쑥: 국내산(거문도)", "Mugwort: Korea (Geomundo)"),
            groups=(_WARMTH, _MILK),
        ),
        ItemDraft(
            section=_TEA,
            name=_words("유자차", "Yuja tea"),
            price=5_000,
            origin=_words("유자: 국내산(고흥)", "Yuja: Korea (Goheung)"),
            groups=(_WARMTH,),
        ),
        ItemDraft(
            section=_TEA,
            name=_words("청매실에이드", "Green plum ade"),
            price=5_800,
            origin=_words("매실: 국내산(광양)", "Plums: Korea (Gwangyang)"),
        ),
        ItemDraft(
            section=_BAKED,
            name=_words("인절미 토스트", "Injeolmi toast"),
            description=_words("콩가루와 조청, 둘이 나눠 먹기 좋아요", "Soybean powder and rice syrup, nice for two"),
            price=7_500,
            popular=True,
            allergens=(A.EGG, A.MILK, A.SOY, A.WHEAT),
            origin=_words("콩가루(콩): 국내산 · 찹쌀: 국내산", "Soybean powder: Korea · Sweet rice: Korea"),
        ),
        ItemDraft(
            section=_BAKED,
            name=_words("소금빵", "Salt bread"),
            price=3_300,
            allergens=(A.EGG, A.MILK, A.WHEAT),
        ),
        ItemDraft(
            section=_BAKED,
            name=_words("당근케이크", "Carrot cake"),
            price=6_800,
            allergens=(A.EGG, A.MILK, A.WALNUT, A.WHEAT),
            origin=_words("당근: 국내산(제주)", "Carrots: Korea (Jeju)"),
        ),
    ),
)

_POTS = _words("솥밥", "Pot rice")
_STEWS = _words("찌개", "Stews")
_SHARED = _words("같이 먹기", "To share")
_NURUNGJI = _group(
    "마무리", "To finish", ("누룽지 물", "Hot water for nurungji", 0), ("녹차 물", "Green tea", 500), least=1
)

MANGWON_SOTBAP = Place(
    name="망원솥밥",
    name_en="Mangwon Sotbap",
    category=Category.KOREAN,
    pay_timing=PayTiming.TAB,
    address="서울 마포구 망원동 솥골목 3",
    phone="02-000-0303",
    tables=10,
    skin="market",
    character="danji",
    owner=OKJA,
    hours=NO_MONDAYS,
    cooking_minutes=20,
    minimum_spend=15_000,
    stamp_reward=7_000,
    menu=(
        ItemDraft(
            section=_POTS,
            name=_words("버섯솥밥", "Mushroom pot rice"),
            description=_words("표고와 새송이, 달래장", "Shiitake and king oyster, wild chive sauce"),
            price=14_000,
            popular=True,
            allergens=(A.SOY, A.WHEAT),
            origin=_words(
                "쌀: 국내산(철원) · 표고버섯: 국내산(장흥)", "Rice: Korea (Cheorwon) · Shiitake: Korea (Jangheung)"
            ),
            station="솥",
            groups=(_NURUNGJI,),
        ),
        ItemDraft(
            section=_POTS,
            name=_words("연어솥밥", "Salmon pot rice"),
            price=18_000,
            allergens=(A.SOY, A.WHEAT),
            origin=_words("쌀: 국내산 · 연어: 노르웨이산", "Rice: Korea · Salmon: Norway"),
            station="솥",
            groups=(_NURUNGJI,),
        ),
        ItemDraft(
            section=_POTS,
            name=_words("전복솥밥", "Abalone pot rice"),
            description=_words("완도 전복 세 마리와 내장소스", "Three abalones from Wando"),
            price=21_000,
            popular=True,
            allergens=(A.SHELLFISH, A.SOY, A.WHEAT),
            origin=_words("쌀: 국내산 · 전복: 국내산(완도)", "Rice: Korea · Abalone: Korea (Wando)"),
            station="솥",
            groups=(_NURUNGJI,),
        ),
        ItemDraft(
            section=_POTS,
            name=_words("갈비솥밥", "Beef rib pot rice"),
            price=22_000,
            sold_out=True,
            allergens=(A.BEEF, A.SOY, A.WHEAT),
            origin=_words("쌀: 국내산 · 쇠고기: 미국산", "Rice: Korea · Beef: USA"),
            station="솥",
            groups=(_NURUNGJI,),
        ),
        ItemDraft(
            section=_STEWS,
            name=_words("강된장찌개", "Thick soybean paste stew"),
            price=9_500,
            popular=True,
            allergens=(A.SOY, A.WHEAT, A.SHELLFISH),
            origin=_words("된장(콩): 국내산 · 두부(콩): 국내산", "Soybean paste: Korea · Tofu: Korea"),
            station="불",
        ),
        ItemDraft(
            section=_STEWS,
            name=_words("묵은지김치찌개", "Aged kimchi stew"),
            price=10_000,
            allergens=(A.PORK, A.SOY),
            origin=_words("배추김치: 국내산 · 돼지고기: 국내산", "Kimchi: Korea · Pork: Korea"),
            station="불",
        ),
        ItemDraft(
            section=_SHARED,
            name=_words("육전", "Beef pancakes"),
            description=_words("주문하면 바로 부쳐요", "Fried when you order"),
            price=19_000,
            allergens=(A.BEEF, A.EGG, A.WHEAT),
            origin=_words("쇠고기(한우): 국내산", "Beef (Hanwoo): Korea"),
            station="불",
        ),
        ItemDraft(
            section=_SHARED,
            name=_words("도토리묵무침", "Acorn jelly salad"),
            price=13_000,
            allergens=(A.SOY,),
            origin=_words("도토리: 국내산", "Acorns: Korea"),
            station="찬",
        ),
        ItemDraft(
            section=_SHARED,
            name=_words("뚝배기달걀찜", "Steamed egg in a pot"),
            price=6_000,
            allergens=(A.EGG, A.SHRIMP),
            origin=_words("달걀: 국내산", "Eggs: Korea"),
            station="불",
        ),
        ItemDraft(section=_SIPS, name=_words("소주", "Soju"), price=5_000, alcohol=True, station="찬"),
        ItemDraft(
            section=_SIPS,
            name=_words("담백한 막걸리", "Dry makgeolli"),
            price=8_000,
            alcohol=True,
            allergens=(A.WHEAT,),
            station="찬",
        ),
        ItemDraft(section=_SIPS, name=_words("매실차", "Plum tea"), price=4_000, station="찬"),
    ),
)

PLACES = (DURE_NOODLES, ZELKOVA_COFFEE, MANGWON_SOTBAP)

TOGETHER = {
    "잔치국수": "주먹밥", "비빔국수": "손만두", "바지락칼국수": "주먹밥", "아메리카노": "소금빵", "카페라떼": "당근케이크",
    "버섯솥밥": "뚝배기달걀찜", "갈비솥밥": "도토리묵무침",
}  # fmt: skip
"""What the neighbourhood likes beside a dish."""

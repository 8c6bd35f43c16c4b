"""A campaign is written, changed, read over and given free."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from dure.campaigns import errors, queries, rules
from dure.campaigns.actions import outbox
from dure.campaigns.models import Campaign, CampaignStep, CampaignVersion
from dure.campaigns.values import FAULTS, GOALS, TRIGGERS, WAY_NAMES, WAYS, CampaignState, Goal, Trigger
from dure.kit import events, ids
from dure.kit.language import Text, say
from dure.messaging import actions as messaging
from dure.messaging.values import Medium
from dure.offers.models import Offer
from dure.offers.values import OfferState
from dure.shops.models import Shop

CONTENT = (
    "name", "goal", "number", "audience", "title", "body", "other_title", "other_body", "media", "most", "budget",
    "window_days", "by_plan", "at_till",
)  # fmt: skip
KNOWN_GAPS = ("shop", "coupon", "until")


def draft_campaign(
    *,
    shop: Shop,
    goal: Goal,
    name: str,
    audience: Mapping[str, Any],
    title: str,
    body: str,
    offer: Offer | None = None,
    other_title: str = "",
    other_body: str = "",
    media: tuple[str, ...] = ("inbox",),
    most: int | None = None,
    budget: int | None = None,
    window_days: int | None = None,
    by_plan: bool = False,
    at_till: int = 0,
    send_at: datetime | None = None,
    by: str,
    at: datetime,
) -> Campaign:
    """Write a campaign down. Nothing is sent. Refuses CampaignInvalid, MissingValue, ForbiddenWords."""
    campaign = would_be(
        shop=shop,
        goal=goal,
        name=name,
        audience=audience,
        offer=offer,
        title=title,
        body=body,
        other_title=other_title,
        other_body=other_body,
        media=media,
        most=most,
        budget=budget,
        window_days=window_days,
        by_plan=by_plan,
        at_till=at_till,
    )
    campaign.send_at, campaign.created_at = send_at, at
    check_campaign(campaign=campaign, at=at)
    return _write(campaign, by=by, at=at)


def would_be(
    *,
    shop: Shop,
    goal: Goal,
    name: str,
    audience: Mapping[str, Any],
    title: str,
    body: str,
    offer: Offer | None = None,
    other_title: str = "",
    other_body: str = "",
    media: tuple[str, ...] = ("inbox",),
    most: int | None = None,
    budget: int | None = None,
    window_days: int | None = None,
    by_plan: bool = False,
    at_till: int = 0,
) -> Campaign:
    """The campaign that these words would make, not written down: for previews."""
    return Campaign(
        shop=shop,
        public_id=ids.new_public_id("cmp"),
        name=name,
        goal=goal,
        audience=dict(audience),
        offer=offer,
        title=title,
        body=body,
        other_title=other_title,
        other_body=other_body,
        media=list(media),
        most=most,
        budget=budget,
        window_days=window_days or GOALS[goal].window_days,
        by_plan=by_plan,
        at_till=at_till,
    )


def start_automation(
    *,
    shop: Shop,
    trigger: Trigger,
    number: int,
    title: str,
    body: str,
    offer: Offer | None = None,
    media: tuple[str, ...] = ("inbox",),
    by: str,
    at: datetime,
) -> Campaign:
    """Begin an automation: a campaign that never ends and holds a fifth out. One of a kind; asked for again it is changed,
    as `change_automation` does.

    Refuses CampaignInvalid, MissingValue, ForbiddenWords.
    """
    if trigger == Trigger.HAND or not 1 <= number <= 365:
        raise errors.CampaignInvalid
    with transaction.atomic():
        Shop.objects.select_for_update(no_key=True).get(pk=shop.pk)
        known = queries.automations_of(shop).filter(trigger=trigger).first()
        if known:
            return change_automation(
                campaign=known, number=number, title=title, body=body, offer=offer, media=media, by=by, at=at
            )
        plan = TRIGGERS[trigger]
        campaign = Campaign(
            shop=shop,
            public_id=ids.new_public_id("cmp"),
            name=plan.name.within("ko"),
            goal=plan.goal,
            trigger=trigger,
            number=number,
            offer=offer,
            title=title,
            body=body,
            media=list(media),
            window_days=GOALS[plan.goal].window_days,
            measured=True,
            created_at=at,
        )
        check_campaign(campaign=campaign, at=at)
        _write(campaign, by=by, at=at)
        for state in (CampaignState.REVIEW, CampaignState.SCHEDULED, CampaignState.RUNNING):
            step(campaign, state, by=by, at=at)
        return campaign


def change_automation(
    *,
    campaign: Campaign,
    number: int,
    title: str,
    body: str,
    offer: Offer | None,
    media: tuple[str, ...],
    by: str,
    at: datetime,
) -> Campaign:
    """Change what an automation says: a new version, with a coin of its own, so that two texts are never measured as one.
    Changing nothing changes nothing. Refuses CampaignInvalid, MissingValue, ForbiddenWords, CampaignStateWrong, SetBack."""
    if not 1 <= number <= 365:
        raise errors.CampaignInvalid
    with transaction.atomic():
        locked = lock(campaign)
        if locked.trigger == Trigger.HAND or locked.state not in (CampaignState.RUNNING, CampaignState.PAUSED):
            raise errors.CampaignStateWrong
        not_before(locked, at)
        before = (locked.number, locked.title, locked.body, locked.offer_id, tuple(locked.media))
        locked.number, locked.title, locked.body, locked.offer = number, title, body, offer
        locked.media = list(media)
        if before == (number, title, body, offer.pk if offer else None, media):
            return locked
        check_campaign(campaign=locked, at=at)
        locked.version += 1
        locked.save()
        _version(locked, by=by, at=at)
        return locked


def change_draft(*, campaign: Campaign, changes: Mapping[str, Any], by: str, at: datetime) -> Campaign:
    """Change a draft: any of the content's fields, `offer` or `send_at`. Refuses CampaignStateWrong and what
    `draft_campaign` refuses."""
    with transaction.atomic():
        locked = lock(campaign)
        if locked.state != CampaignState.DRAFT:
            raise errors.CampaignStateWrong
        not_before(locked, at)
        for name, value in changes.items():
            if name not in (*CONTENT, "offer", "send_at"):
                raise errors.CampaignInvalid
            setattr(locked, name, value)
        check_campaign(campaign=locked, at=at)
        locked.version += 1
        locked.save()
        _version(locked, by=by, at=at)
        return locked


def copy_campaign(*, campaign: Campaign, by: str, at: datetime) -> Campaign:
    """A new draft with the same words, audience and offer."""
    return draft_campaign(
        shop=campaign.shop,
        goal=Goal(campaign.goal),
        name=campaign.name,
        audience=campaign.audience,
        offer=campaign.offer,
        title=campaign.title,
        body=campaign.body,
        other_title=campaign.other_title,
        other_body=campaign.other_body,
        media=tuple(campaign.media),
        most=campaign.most,
        budget=campaign.budget,
        window_days=campaign.window_days,
        by_plan=campaign.by_plan,
        at_till=campaign.at_till,
        by=by,
        at=at,
    )


def check_campaign(*, campaign: Campaign, at: datetime) -> None:
    """Refuse what could not be sent: CampaignInvalid, MissingValue (a gap nobody can fill), ForbiddenWords (the operator's
    rules), each naming the field."""
    texts = {"title": campaign.title, "body": campaign.body}
    if campaign.other_title or campaign.other_body:
        texts |= {"other_title": campaign.other_title, "other_body": campaign.other_body}
    for field, text in texts.items():
        longest = rules.TITLE_MAX if field.endswith("title") else rules.BODY_MAX
        if not text.strip() or len(text) > longest:
            raise errors.CampaignInvalid(
                say("1자부터 {n}자까지 적어 주세요.", en="Write 1 to {n} characters.", n=longest), field=field
            )
        known = KNOWN_GAPS if campaign.offer else KNOWN_GAPS[:1]
        missing = [gap for gap in rules.gaps_of(text) if gap not in known]
        if missing:
            names = ", ".join(missing)
            raise errors.MissingValue(
                say(
                    "채울 수 없는 자리가 있어요: {names}. 지우거나 쿠폰을 골라 주세요.",
                    en="These gaps have no value: {names}. Remove them or choose a coupon.",
                    names=names,
                ),
                field=field,
            )
        for fault in rules.faults_of(text):
            raise errors.ForbiddenWords(
                say(
                    "‘{words}’: {why}",
                    en="“{words}”: {reason}",
                    words=fault.words,
                    why=fault.why.within("ko"),
                    reason=fault.why.within("en"),
                ),
                field=field,
            )
    wrong = (
        not campaign.name.strip()
        or not campaign.media
        or any(medium not in set(WAYS) for medium in campaign.media)
        or (campaign.most is not None and not 1 <= campaign.most <= 50_000_000)
        or not 1 <= campaign.window_days <= 90
    )
    if wrong:
        raise errors.CampaignInvalid
    if campaign.at_till:
        _check_till(campaign)
    if campaign.send_at and campaign.state == CampaignState.DRAFT and campaign.send_at < at:
        raise errors.CampaignInvalid(
            say("지난 시각에는 보낼 수 없어요.", en="That moment has passed."), field="send_at"
        )
    if campaign.offer:
        check_offer(campaign, campaign.send_at or at)
    for medium, faults in faults_of(campaign, at=at).items():
        raise errors.CampaignInvalid(
            say("{way}: {why}", en="{en_way}: {en_why}", way=medium.within("ko"), why=faults[0].within("ko"),
                en_way=medium.within("en"), en_why=faults[0].within("en")),
            field="body",
        )  # fmt: skip


def _check_till(campaign: Campaign) -> None:
    offer = campaign.offer
    limits = [limit for limit in (campaign.most, offer.stock if offer else None) if limit is not None]
    if offer is None or not campaign.by_plan:
        raise errors.TillWithoutPlan(field="at_till")
    if campaign.at_till > rules.TILL_MOST or any(campaign.at_till >= limit for limit in limits):
        raise errors.TillTooMuch(field="at_till")


def faults_of(campaign: Campaign, *, at: datetime) -> dict[Text, list[Text]]:
    """What is wrong with the texts for each way they would go, in words; empty where everything may be sent."""
    found: dict[Text, list[Text]] = {}
    for said in outbox.sendings_of(campaign=campaign, at=campaign.send_at or at):
        names = ("kind", "media", "sender_name", "contact", "title", "body", "link", "details")
        for medium, faults in messaging.check_text(**{name: said[name] for name in names}).items():
            found[WAY_NAMES[Medium(medium)]] = [FAULTS.get(fault, FAULTS["too-long"]) for fault in faults]
    return found


def check_offer(campaign: Campaign, send_at: datetime) -> None:
    """The coupon is there when the message goes. Refuses CouponEndsFirst, CampaignInvalid."""
    offer = campaign.offer
    if offer is None:
        return
    if offer.shop_id != campaign.shop_id or offer.stock_per_day is not None:
        raise errors.CampaignInvalid(field="offer")
    if offer.state == OfferState.ENDED or (offer.ends_at and offer.ends_at <= send_at):
        raise errors.CouponEndsFirst(field="offer")


def not_before(campaign: Campaign, at: datetime) -> None:
    """Refuse SetBack when the clock shows a time before something that already happened to the campaign."""
    last = queries.steps_of(campaign).last()
    if last and at < last.at:
        raise errors.SetBack


def lock(campaign: Campaign) -> Campaign:
    """The campaign's row, alone until the transaction ends."""
    return (
        Campaign.objects.select_for_update(no_key=True, of=("self",))
        .select_related("shop", "offer")
        .get(pk=campaign.pk)
    )


def step(campaign: Campaign, state: CampaignState, *, by: str, at: datetime, reason: str = "") -> None:
    """Move a locked campaign on. Refuses CampaignStateWrong, SetBack."""
    if not rules.may_move(CampaignState(campaign.state), state):
        raise errors.CampaignStateWrong
    not_before(campaign, at)
    campaign.state, campaign.reason = state, reason
    campaign.save()
    CampaignStep.objects.create(shop_id=campaign.shop_id, campaign=campaign, state=state, by=by, reason=reason, at=at)
    events.ring(f"shop:{campaign.shop_id}")


def _write(campaign: Campaign, *, by: str, at: datetime) -> Campaign:
    with transaction.atomic():
        campaign.save()
        CampaignStep.objects.create(
            shop_id=campaign.shop_id, campaign=campaign, state=CampaignState.DRAFT, by=by, at=at
        )
        _version(campaign, by=by, at=at)
    return campaign


def _version(campaign: Campaign, *, by: str, at: datetime) -> None:
    content = {name: getattr(campaign, name) for name in CONTENT}
    content["offer"] = campaign.offer.public_id if campaign.offer else ""
    CampaignVersion.objects.create(
        shop_id=campaign.shop_id, campaign=campaign, number=campaign.version, content=content, by=by, at=at
    )

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from dure.campaigns.values import CampaignState, Goal, PlanState, TillFate, Trigger
from dure.offers.models import Coupon, Offer
from dure.people.models import Person
from dure.shops.models import Shop


class Campaign(models.Model):
    """One message to many with a goal. `audience` says whom: `{"stages": […]}` of the shop's own friends, or `{"definition":
    …}` over the network. `number` is an automation's days or stamps. `version` counts edits; each keeps its own holdout.
    `by_plan`: the week's plan chooses who of its audience hears of it; `at_till` coupons of it may be given between plans, when somebody
    has paid anywhere, of which `given_at_till` were. `said` is what the owner of a campaign to strangers was told: numbers noised once; None is "under 100"."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="+")
    public_id = models.TextField(unique=True)
    name = models.TextField()
    goal = models.TextField(choices=[(g, g) for g in Goal])
    trigger = models.TextField(choices=[(t, t) for t in Trigger], default=Trigger.HAND)
    number = models.PositiveSmallIntegerField(default=0)
    state = models.TextField(choices=[(s, s) for s in CampaignState], default=CampaignState.DRAFT)
    version = models.PositiveIntegerField(default=1)
    audience = models.JSONField(default=dict)
    offer = models.ForeignKey(Offer, null=True, on_delete=models.PROTECT, related_name="+")
    title = models.TextField()
    body = models.TextField()
    other_title = models.TextField(default="")
    other_body = models.TextField(default="")
    media = ArrayField(models.TextField(), default=list)
    most = models.PositiveIntegerField(null=True)
    budget = models.PositiveBigIntegerField(null=True)
    window_days = models.PositiveSmallIntegerField(default=14)
    send_at = models.DateTimeField(null=True)
    result_at = models.DateTimeField(null=True)
    measured = models.BooleanField(default=False)
    reason = models.TextField(default="")
    said = models.JSONField(default=dict)
    by_plan = models.BooleanField(default=False, db_default=False)
    at_till = models.PositiveIntegerField(default=0, db_default=0)
    given_at_till = models.PositiveIntegerField(default=0, db_default=0)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(given_at_till__lte=F("at_till")), name="campaign_within_its_till"),
            models.CheckConstraint(condition=Q(window_days__range=(1, 90)), name="campaign_window"),
            models.UniqueConstraint(
                fields=["shop", "trigger"],
                condition=~Q(trigger="hand") & ~Q(state="stopped"),
                name="campaign_one_automation_of_a_kind",
            ),
        ]
        indexes = [
            models.Index(
                fields=["state", "send_at"],
                condition=Q(state__in=["scheduled", "running", "measuring"]),
                name="campaign_to_do",
            )
        ]


class CampaignStep(models.Model):
    """One change of a campaign's state: who, when, why. Append-only."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="+")
    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="steps")
    state = models.TextField()
    by = models.TextField()
    reason = models.TextField(default="")
    at = models.DateTimeField()


class CampaignVersion(models.Model):
    """What a campaign said and to whom in one of its versions. Append-only."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="+")
    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    content = models.JSONField()
    by = models.TextField()
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["campaign", "number"], name="campaign_version_once")]


class Assignment(models.Model):
    """Who was to be written to and who was held out, fixed before anything was sent: two Roaring bitmaps of persons that
    only the sending and the measuring read. No page, query or export tells whose fate was which. Append-only.

    `unit` names the coin, so that anybody with the key can repeat it; `digest` is the fingerprint of both bitmaps.
    """

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="+")
    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="assignments")
    version = models.PositiveIntegerField()
    wave = models.PositiveIntegerField(default=1)
    unit = models.TextField()
    share = models.FloatField()
    reached_people = models.PositiveIntegerField()
    held_people = models.PositiveIntegerField()
    never_people = models.PositiveIntegerField()
    reached_bits = models.BinaryField()
    held_bits = models.BinaryField()
    digest = models.TextField()
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["campaign", "version", "wave"], name="assignment_once"),
            models.CheckConstraint(condition=Q(share__gte=0, share__lt=1), name="assignment_share"),
        ]


class WeekPlan(models.Model):
    """Who hears from whom in one week, over all shops: how far the planning is, and what it came to. Money is whole won:
    `value` of the plan, `bound` that no plan exceeds, `most_value` of the plan that is not fair. `first` is the plan whose
    frozen people and scores this one uses again; `done` of `total` steps are over. `at_till`: coupons that its campaigns may
    give between plans."""

    public_id = models.TextField(unique=True)
    week_on = models.DateField()
    state = models.TextField(choices=[(s, s) for s in PlanState], default=PlanState.SCORING)
    first = models.ForeignKey("self", null=True, on_delete=models.CASCADE, related_name="+")
    cap = models.PositiveSmallIntegerField()
    alpha = models.FloatField()
    jitter = models.FloatField()
    salt = models.PositiveBigIntegerField()
    done = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField()
    people = models.PositiveIntegerField(default=0)
    edges = models.PositiveBigIntegerField(default=0)
    value = models.BigIntegerField(default=0)
    bound = models.BigIntegerField(default=0)
    most_value = models.BigIntegerField(default=0)
    fairness = models.JSONField(default=dict)
    at_till = models.PositiveIntegerField(default=0, db_default=0)
    by = models.TextField()
    at = models.DateTimeField()
    ready_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["week_on", "-id"], name="plan_of_a_week")]
        constraints = [models.CheckConstraint(condition=Q(value__lte=F("bound")), name="plan_within_its_bound")]


class WeekPart(models.Model):
    """One campaign in one plan: what it may spend, frozen when the planning began, and what the plan gave it. `place` is its
    number in the plan; `messages` it may use, of which `share` are then held out by the coin; `each` won a message; `effect`
    extra visits a message on average, each `worth` won. `price` is what a message of it costs in the week's market,
    `alone` its value had it no rivals; `till_price` what a coupon of it costs at the till now, which begins there and follows what
    is given, and `till_due` how many more times somebody whom it means is expected there. Both bitmaps are of persons, for the sending alone."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="+")
    plan = models.ForeignKey(WeekPlan, on_delete=models.CASCADE, related_name="parts")
    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="+")
    place = models.PositiveSmallIntegerField()
    messages = models.PositiveIntegerField()
    share = models.FloatField()
    each = models.PositiveIntegerField()
    shop_money = models.PositiveBigIntegerField(null=True)
    effect = models.FloatField()
    worth = models.PositiveIntegerField()
    price = models.FloatField(default=0)
    money_price = models.FloatField(default=0)
    weight = models.FloatField(default=1)
    used = models.PositiveIntegerField(default=0)
    spent = models.PositiveBigIntegerField(default=0)
    value = models.BigIntegerField(default=0)
    alone = models.BigIntegerField(default=0)
    till_price = models.FloatField(default=0, db_default=0)
    till_due = models.FloatField(default=0, db_default=0)
    meant_bits = models.BinaryField()
    chosen_bits = models.BinaryField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["plan", "place"], name="plan_place_once"),
            models.UniqueConstraint(fields=["plan", "campaign"], name="plan_campaign_once"),
            models.CheckConstraint(condition=Q(used__lte=F("messages")), name="plan_within_messages"),
        ]


class WeekPiece(models.Model):
    """The scored edges of some of a plan's people, kept for its week: `persons` (n,) uint32, `room` (n,) uint8 messages they
    may still get, `campaign` (n, 20) uint16 places and `value` (n, 20) float32 won, as little-endian bytes. The numbers of its people lie from `low_person` to `high_person`."""

    plan = models.ForeignKey(WeekPlan, on_delete=models.CASCADE, related_name="pieces")
    number = models.PositiveIntegerField()
    low_person = models.PositiveBigIntegerField()
    high_person = models.PositiveBigIntegerField()
    persons = models.BinaryField()
    room = models.BinaryField()
    campaign = models.BinaryField()
    value = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["plan", "number"], name="plan_piece_once")]


class TillChoice(models.Model):
    """What one guest was given when they had paid the bill `reference`, between two plans, and why: `value` won that the campaign
    was worth to the week's market for this person, `price` won that it cost there, `propensity` the chance with which exactly this
    came out. `shop` is the campaign's; where none was chosen, the one that was paid. `wave`: the campaign's assignment that counts it."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="+")
    plan = models.ForeignKey(WeekPlan, on_delete=models.CASCADE, related_name="+")
    week_on = models.DateField()
    reference = models.TextField()
    person = models.ForeignKey(Person, null=True, on_delete=models.SET_NULL, related_name="+")
    campaign = models.ForeignKey(Campaign, null=True, on_delete=models.CASCADE, related_name="+")
    coupon = models.ForeignKey(Coupon, null=True, on_delete=models.SET_NULL, related_name="+")
    fate = models.TextField(choices=[(f, f) for f in TillFate])
    reason = models.TextField(default="")
    value = models.FloatField(default=0)
    price = models.FloatField(default=0)
    propensity = models.FloatField(default=1)
    wave = models.PositiveIntegerField(null=True)
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["reference", "person"], name="till_choice_once_a_bill"),
            models.UniqueConstraint(
                fields=["week_on", "person"], condition=~Q(fate="nothing"), name="till_choice_once_a_week"
            ),
            models.CheckConstraint(condition=Q(propensity__gte=0, propensity__lte=1), name="till_choice_propensity"),
            models.CheckConstraint(condition=Q(fate="nothing") | Q(campaign__isnull=False), name="till_choice_of_what"),
        ]
        indexes = [models.Index(fields=["campaign"], condition=Q(wave__isnull=True), name="till_choice_uncounted")]

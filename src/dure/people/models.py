from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, PermissionsMixin
from django.contrib.postgres.fields import ArrayField
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models
from django.db.models import Q
from django.utils.module_loading import import_string

from dure.people.managers import PersonManager
from dure.people.values import NoticeKind, Purpose


class Person(AbstractBaseUser, PermissionsMixin):
    """A human being: a customer, a member of staff, an operator, or all three. A guest has neither e-mail nor phone.

    The row of an erased person stays as an empty stone, so that nothing else has to know who it was.
    """

    public_id = models.TextField(unique=True)
    ordinal = models.PositiveBigIntegerField(unique=True, null=True, blank=True)
    name = models.TextField(default="", blank=True)
    email = models.EmailField(unique=True, null=True, blank=True)
    phone = models.TextField(unique=True, null=True, blank=True)
    phone_verified = models.BooleanField(default=False)
    language = models.TextField(default="ko")
    is_staff = models.BooleanField("operator", default=False)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField()
    erased_at = models.DateTimeField(null=True, blank=True)

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects: ClassVar[PersonManager] = PersonManager()

    @property
    def is_guest(self) -> bool:
        """Never logged in and left no contact: known by a device alone."""
        return self.last_login is None and self.email is None and self.phone is None

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(email="") & ~Q(phone=""), name="person_contact_not_blank"),
            models.CheckConstraint(
                condition=Q(erased_at__isnull=True)
                | Q(
                    name="",
                    email__isnull=True,
                    phone__isnull=True,
                    ordinal__isnull=True,
                    is_active=False,
                    is_staff=False,
                ),
                name="person_erased_is_empty",
            ),
        ]


class Device(models.Model):
    """A phone's browser, known by a random secret in a cookie of which only the hash is kept. It may belong to a person."""

    secret_hash = models.BinaryField(unique=True)
    person = models.ForeignKey(Person, null=True, on_delete=models.CASCADE, related_name="devices")
    created_at = models.DateTimeField()


class Session(AbstractBaseSession):
    """A login. It names its person, so that erasing somebody can find every trace of them."""

    person = models.ForeignKey(Person, null=True, on_delete=models.CASCADE, related_name="+")

    @classmethod
    def get_session_store_class(cls) -> Any:
        return import_string(f"{settings.SESSION_ENGINE}.SessionStore")


class Consent(models.Model):
    """Append-only: one yes or no of one person to one sender for one purpose; the newest row of a kind is what holds.

    The database refuses to change a row, and to delete one unless its person was erased.
    """

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="consents")
    sender = models.TextField()
    purpose = models.TextField(choices=[(p, p) for p in Purpose])
    granted = models.BooleanField()
    text_version = models.TextField()
    source = models.TextField()
    proof = models.JSONField(default=dict)
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["person", "sender", "purpose", "-at", "-id"], name="consent_newest")]


class Standing(models.Model):
    """What holds today: the newest word of one person to one sender for one purpose, kept by the database itself whenever a
    consent is written, so that a million can be looked up at once. `told_at` is when the person last heard of it."""

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="+", db_index=False)
    sender = models.TextField()
    purpose = models.TextField()
    granted = models.BooleanField()
    consent = models.BigIntegerField()
    at = models.DateTimeField()
    told_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["sender", "purpose", "person"], name="standing_once")]
        indexes = [
            models.Index(fields=["person"], name="standing_of_person"),
            models.Index(fields=["told_at"], condition=Q(granted=True), name="standing_to_tell"),
        ]


class Notice(models.Model):
    """What the law makes us tell about a consent was told: the proof. (정보통신망법 §50⑦, ⑧)"""

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="+")
    # No constraint in the database: the table of consents refuses TRUNCATE by itself, whoever refers to it.
    consent = models.ForeignKey(Consent, on_delete=models.CASCADE, related_name="+", db_constraint=False)
    kind = models.TextField(choices=[(k, k) for k in NoticeKind])
    message = models.TextField()
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["consent"], condition=Q(kind="result"), name="notice_of_result_once")
        ]


class SaleContact(models.Model):
    """A contact that a seller took down in a sale: for six months after it ended they may advertise the same kind of goods
    there without a consent, unless the person says no (정보통신망법 §50① 1호, 시행령 §61①)."""

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="+", db_index=False)
    sender = models.TextField()
    medium = models.TextField()
    goods = models.TextField()
    ended_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["sender", "person", "medium", "goods"], name="sale_contact_once")
        ]
        indexes = [models.Index(fields=["person"], name="sale_contact_of_person")]


class Attention(models.Model):
    """How much of a person's attention advertising may have: how many a day and a week over all shops, no matter who asks, and
    the hours of quiet where they are."""

    person = models.OneToOneField(Person, on_delete=models.CASCADE, related_name="+")
    per_day = models.PositiveSmallIntegerField(null=True)
    per_week = models.PositiveSmallIntegerField(null=True)
    quiet_from = models.TimeField(null=True)
    quiet_until = models.TimeField(null=True)
    zone = models.TextField(default="Asia/Seoul")
    changed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(quiet_from__isnull=True, quiet_until__isnull=True)
                | Q(quiet_from__isnull=False, quiet_until__isnull=False),
                name="attention_quiet_has_both_ends",
            )
        ]


class Birthday(models.Model):
    """The month and day on which somebody likes to be congratulated, as they said themselves; never the year. It is there as
    long as their consent (`Purpose.BIRTHDAY`) holds."""

    person = models.OneToOneField(Person, on_delete=models.CASCADE, related_name="+")
    month = models.PositiveSmallIntegerField()
    day = models.PositiveSmallIntegerField()
    given_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(month__range=(1, 12), day__range=(1, 31)), name="birthday_is_a_day")
        ]
        indexes = [models.Index(fields=["month", "day"], name="birthday_on")]


class Retained(models.Model):
    """What the law makes us keep of an erased person, apart from everything else, until `keep_until`.

    `subjects` are keyed hashes of the contacts they had: they answer "do you keep something about this number?" and
    nothing else.
    """

    public_id = models.TextField(unique=True)
    subjects = ArrayField(models.TextField())
    kind = models.TextField()
    legal_basis = models.TextField()
    content = models.JSONField()
    kept_at = models.DateTimeField()
    keep_until = models.DateField(db_index=True)

from django.db import models
from django.db.models import Q

from dure.channels.values import Side
from dure.menu.models import Item, Photo
from dure.people.models import Person
from dure.shops.models import Shop


class Profile(models.Model):
    """How a shop introduces itself, greets new friends and answers while it is closed. Texts are `{"ko": …, "en": …}`."""

    shop = models.OneToOneField(Shop, on_delete=models.CASCADE, related_name="+")
    about = models.JSONField(default=dict)
    welcome = models.JSONField(default=dict)
    away = models.JSONField(default=dict)
    takes_chats = models.BooleanField(default=True)
    changed_at = models.DateTimeField()


class Post(models.Model):
    """Something a shop tells whoever opens its page, from `shown_at` on. It is looked at, never sent."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="+")
    public_id = models.TextField(unique=True)
    title = models.JSONField()
    body = models.JSONField(default=dict)
    photo = models.ForeignKey(Photo, null=True, on_delete=models.SET_NULL, related_name="+")
    shown_at = models.DateTimeField()
    pinned_at = models.DateTimeField(null=True)
    by = models.TextField()
    written_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["shop", "-shown_at"], name="post_of_shop")]


class CannedAnswer(models.Model):
    """A text that staff answer with often."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="+")
    public_id = models.TextField(unique=True)
    text = models.TextField()
    position = models.PositiveIntegerField(default=0)


class Chat(models.Model):
    """What one person and one shop say to each other. The shop sees `nickname` and nothing else of the person. `asked_at` is
    their last line, `waits` that nobody answered it yet; `seen_at` and `shop_seen_at` when either side last looked."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="+")
    public_id = models.TextField(unique=True)
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="+")
    nickname = models.TextField()
    opened_at = models.DateTimeField()
    last_at = models.DateTimeField()
    asked_at = models.DateTimeField(null=True)
    waits = models.BooleanField(default=False)
    seen_at = models.DateTimeField(null=True)
    shop_seen_at = models.DateTimeField(null=True)
    blocked_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["shop", "person"], name="chat_once")]
        indexes = [
            models.Index(fields=["shop", "-last_at"], name="chat_of_shop"),
            models.Index(fields=["shop"], condition=Q(waits=True), name="chat_waits"),
        ]


class ChatLine(models.Model):
    """One thing that was said, or one picture that was shown (`picture` names its files, "" where there is none). `key` is the
    writer's, so that sending it twice says it once."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="+")
    chat = models.ForeignKey(Chat, on_delete=models.CASCADE, related_name="lines")
    key = models.TextField()
    side = models.TextField(choices=[(s, s) for s in Side])
    said = models.TextField()
    picture = models.TextField(default="", db_default="")
    width = models.PositiveIntegerField(null=True)
    height = models.PositiveIntegerField(null=True)
    by = models.TextField()
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["chat", "key"], name="chat_line_once")]
        indexes = [
            models.Index(fields=["chat", "at"], name="chat_line_in_order"),
            models.Index(fields=["at"], name="chat_line_age"),
            models.Index(fields=["picture"], condition=~Q(picture=""), name="chat_line_picture"),
        ]


class Wish(models.Model):
    """Somebody asked to be told, once, when a sold-out item is back; `told_at` when they were. Forgotten after a month."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="+")
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="+")
    item = models.ForeignKey(Item, on_delete=models.CASCADE, related_name="+")
    asked_at = models.DateTimeField()
    told_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["person", "item"], condition=Q(told_at=None), name="wish_waits_once")
        ]
        indexes = [
            models.Index(fields=["item"], condition=Q(told_at=None), name="wish_waits"),
            models.Index(fields=["asked_at"], name="wish_age"),
        ]

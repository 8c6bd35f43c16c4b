from typing import TYPE_CHECKING, Any

from django.contrib.auth.models import BaseUserManager

from dure.kit import clock, ids

if TYPE_CHECKING:
    from dure.people.models import Person


class PersonManager(BaseUserManager["Person"]):
    """What Django's login, admin and allauth ask of a user model's manager."""

    def create_user(self, email: str | None = None, password: str | None = None, **fields: Any) -> "Person":
        fields.setdefault("public_id", ids.new_public_id("per"))
        fields.setdefault("created_at", clock.now())
        person = self.model(email=self.normalize_email(email) or None, **fields)
        person.set_password(password)
        person.save(using=self._db)
        return person

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "Person":
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

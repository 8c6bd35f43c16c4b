"""Django's sessions in the database, each naming the person who logged in (SESSION_ENGINE), and who that is
(AUTHENTICATION_BACKENDS): both are asked at every request of somebody who logged in."""

from contextvars import ContextVar
from typing import Any

from allauth.account.auth_backends import AuthenticationBackend
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.backends import ModelBackend
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore

from dure.kit import clock

_came_along: ContextVar[Any] = ContextVar("dure_person_of_session", default=None)
"""The person whom the session just read named, for whoever asks next: a login is one question to the database, not two."""


class SessionStore(DatabaseStore):
    """The database store over our own table."""

    @classmethod
    def get_model_class(cls) -> Any:
        from dure.people.models import Session

        return Session

    def _get_session_from_db(self) -> Any:
        from dure.people import queries

        _came_along.set(None)
        for session in queries.sessions_alive(self.session_key, clock.wall()) if self.session_key else ():
            _came_along.set(session.person)
            return session
        self._session_key = None
        return None

    def create_model_instance(self, data: dict[str, Any]) -> Any:
        session: Any = super().create_model_instance(data)
        session.person_id = int(data[SESSION_KEY]) if data.get(SESSION_KEY) else None
        return session


class Known:
    """Finds a person by their number: the one who came with the session, once, or by a question that is written once."""

    def get_user(self, user_id: int) -> Any:
        from dure.people import queries

        known = _came_along.get()
        _came_along.set(None)
        for person in [known] if known is not None and known.pk == user_id else queries.persons_numbered(user_id):
            return person if self.user_can_authenticate(person) else None  # type: ignore[attr-defined]
        return None


class ByPassword(Known, ModelBackend):
    """Django's own."""


class ByContact(Known, AuthenticationBackend):  # type: ignore[misc]
    """allauth's: a phone number or an e-mail, with a code or a password."""

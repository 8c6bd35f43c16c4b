"""Logging in: who somebody is (django-allauth) meets what they did on this phone (people).

One field, an e-mail address or a phone number; a code goes there, and whoever enters it is in. Somebody new gets an
account by the same steps, so the page tells nobody who has one. A password or a passkey may be used instead of the code.
"""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.forms import ConfirmLoginCodeForm, LoginForm, RequestLoginCodeForm
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialApp
from django import forms
from django.conf import settings
from django.http import HttpRequest, HttpResponse

from dure.kit import clock
from dure.kit.errors import DureError, NotFound
from dure.kit.language import say
from dure.people import actions as people
from dure.people import queries as people_queries
from dure.people import values as people_values
from dure.shops import fence
from dure.shops import queries as shops
from dure.web.ui import sending
from dure.web.ui.access import device_of
from dure.web.ui.limits import TooOften
from dure.web.ui.middleware import refuse


class PhoneField(forms.CharField):
    """A phone number in any way of writing it."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("label", say("휴대폰 번호", en="Phone number"))
        widget = forms.TextInput(attrs={"type": "tel", "autocomplete": "tel", "inputmode": "tel"})
        super().__init__(**{"widget": widget, "max_length": 40, **options})

    def clean(self, value: Any) -> str:
        written = super().clean(value)
        if not written:
            return ""
        number = people_values.e164(written)
        if number is None:
            raise forms.ValidationError(say("휴대폰 번호를 다시 확인해 주세요.", en="Please check the phone number."))
        return number


def _account_for(*, email: str = "", phone: str = "") -> Any:
    """Whoever has this contact; somebody new, until the code proves that it is theirs."""
    known = people_queries.person_by_email(email) if email else people_queries.person_by_phone(phone)
    if known is None:
        return people.open_account(email=email or None, phone=phone or None, proven=False, at=clock.now())
    return known if known.is_active else None


_NO_CONTACT = say("이메일이나 휴대폰 번호를 다시 확인해 주세요.", en="Please check the e-mail address or phone number.")


class CodeForm(RequestLoginCodeForm):  # type: ignore[misc]
    """Asks where to send a code."""

    def clean(self) -> dict[str, Any]:
        said: dict[str, Any] = super().clean()
        # The view goes on with the person that was found, so a form that names nobody must not pass.
        if not self.errors and not said.get("email") and not said.get("phone"):
            raise forms.ValidationError(_NO_CONTACT)
        return said

    def clean_email(self) -> str:
        email: str = super().clean_email()
        if email:
            self._user = _account_for(email=email)
        return email

    def clean_phone(self) -> str:
        if self.cleaned_data["phone"] and not sending.can_send_texts():
            raise forms.ValidationError(sending.NoTextMessages.sentence)
        phone: str = super().clean_phone()
        if phone:
            self._user = _account_for(phone=phone)
        return phone


class ContactForm(LoginForm):  # type: ignore[misc]
    """E-mail address or phone number, and a password for those who have one."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["login"] = forms.CharField(
            label=say("이메일 또는 휴대폰 번호", en="E-mail address or phone number"),
            max_length=254,
            widget=forms.TextInput(attrs={"autocomplete": "username", "autocapitalize": "none", "autofocus": True}),
        )
        self.fields["password"] = forms.CharField(
            label=say("비밀번호 (없으면 비워 두세요)", en="Password (leave empty if you have none)"),
            required=False,
            strip=False,
            max_length=128,
            widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
        )
        self.order_fields(["login", "password"])

    def clean_login(self) -> str:
        written: str = super().clean_login()
        return (not written.count("@") and people_values.e164(written)) or written.lower()

    def _clean_without_password(self, email: str | None, phone: str | None) -> Any:
        if not email and not phone:
            self.add_error("login", _NO_CONTACT)
            return self.cleaned_data
        asked = CodeForm({"email": email or "", "phone": phone or ""})
        if asked.is_valid():
            self.user = asked._user  # noqa: SLF001 - where allauth keeps it
        else:
            for problems in asked.errors.values():
                self.add_error("login", problems)
        return self.cleaned_data


class EnterCodeForm(ConfirmLoginCodeForm):  # type: ignore[misc]
    """The six digits that were sent."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["code"] = forms.CharField(
            label=say("코드 여섯 자리", en="Six-digit code"),
            max_length=20,
            widget=forms.TextInput(
                attrs={"autocomplete": "one-time-code", "inputmode": "numeric", "autofocus": True, "class": "code"}
            ),
            help_text=""
            if settings.PRODUCTION
            else say(
                "데모에서는 코드가 Dure를 켠 창에 나와요.", en="In the demo the code appears where Dure was started."
            ),
        )


class Accounts(DefaultAccountAdapter):  # type: ignore[misc]
    """What django-allauth asks of us: phones, texts, where to go next."""

    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "incorrect_code": say("코드가 달라요. 다시 확인해 주세요.", en="That is not the code. Please check it."),
        "too_many_login_attempts": TooOften.sentence,
        "rate_limited": TooOften.sentence,
        **dict.fromkeys(
            ("email_password_mismatch", "phone_password_mismatch", "username_password_mismatch", "invalid_login"),
            say(
                "연락처나 비밀번호가 맞지 않아요. 비밀번호를 비우면 코드를 보내 드려요.",
                en="The contact or the password is not right. Leave the password empty and we send you a code.",
            ),
        ),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """There is no form for it: logging in with a new contact makes the account."""
        return False

    def new_user(self, request: HttpRequest) -> Any:
        return people.blank_person(at=clock.now())

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        person: Any = request.user
        if shops.shops_of(person):
            return "/console/"
        return "/office/" if person.is_staff else "/my"

    def post_login(self, request: HttpRequest, user: Any, **options: Any) -> HttpResponse:
        device = device_of(request)
        if device is not None:
            # A guest's rows may lie in many shops.
            with fence.across_shops():
                people.claim_device(device=device, person=user, at=clock.now())
        response: HttpResponse = super().post_login(request, user, **options)
        return response

    def add_message(self, *args: Any, **options: Any) -> None:
        """Our pages say what happened; a message that waits for some later page would say it too late."""

    def format_email_subject(self, subject: str) -> str:
        return subject

    def get_from_email(self) -> str:
        return str(settings.DEFAULT_FROM_EMAIL)

    def phone_form_field(self, **options: Any) -> PhoneField:
        return PhoneField(**options)

    def set_phone(self, user: Any, phone: str, verified: bool) -> None:
        people.set_phone(person=user, phone=phone, verified=verified)

    def get_phone(self, user: Any) -> tuple[str, bool] | None:
        return (user.phone, user.phone_verified) if user.phone else None

    def set_phone_verified(self, user: Any, phone: str) -> None:
        people.set_phone(person=user, phone=phone, verified=True)

    def get_user_by_phone(self, phone: str) -> Any:
        return people_queries.person_by_phone(phone)

    def send_verification_code_sms(self, user: Any, phone: str, code: str, **options: Any) -> None:
        text = say(
            "[두레] 로그인 코드 {code} (다른 사람에게 알려 주지 마세요)",
            en="[Dure] Login code {code} (tell nobody)",
            code=code,
        )
        sending.send_text(phone=phone, text=str(text))


class SocialAccounts(DefaultSocialAccountAdapter):  # type: ignore[misc]
    """Logging in through Kakao."""

    def get_app(self, request: HttpRequest, provider: str, client_id: str | None = None) -> Any:
        """The keys for this login; where there are none, it is not found."""
        try:
            return super().get_app(request, provider, client_id)
        except SocialApp.DoesNotExist as error:
            raise NotFound from error

    def is_open_for_signup(self, request: HttpRequest, sociallogin: Any) -> bool:
        return True

    def populate_user(self, request: HttpRequest, sociallogin: Any, data: dict[str, Any]) -> Any:
        user = super().populate_user(request, sociallogin, data)
        user.email, user.name = user.email or None, data.get("name") or data.get("username") or ""
        return user


def too_often(request: HttpRequest) -> HttpResponse:
    """The page of somebody who tried too often (handler429)."""
    error: DureError = TooOften()
    return refuse(request, error)

"""The operator's office: Django's admin over all rooms, to look at everything and change almost nothing.

Rooms are changed through their actions, and most of what is here is money or somebody's word. So every table is
read-only: nothing can be added, edited or deleted, whatever is posted. What an operator may do is an admin action that
calls one action of a room.
"""

import json
from collections.abc import Callable
from functools import cached_property, wraps
from typing import Any, cast

from csp.constants import UNSAFE_EVAL, UNSAFE_INLINE
from csp.decorators import csp_update
from django.apps import apps
from django.contrib import admin
from django.contrib.auth import logout
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.timezone import localtime
from unfold.admin import ModelAdmin
from unfold.sites import UnfoldAdminSite

from dure.audiences import queries as audiences
from dure.kit import clock
from dure.kit.language import Text, later, pick, say
from dure.kit.money import won
from dure.partners import actions as partners
from dure.people import actions as people
from dure.shops import fence
from dure.wallet import actions as wallets
from dure.wallet.values import Why
from dure.web.office import balances, exact_counts, inspection, jobs, market, reviews, safeguarding, town
from dure.web.office.reconciliation import pages
from dure.web.office.words import COLUMNS, HIDDEN, MONEY, ROOMS, TABLES

View = Callable[..., HttpResponse]
COUNTED_TO = 10_000
NOTHING = "–"

# Unfold is built on Alpine, which evaluates expressions, and on inline scripts and styles: docs/decisions/0011.
RELAXED = csp_update({"script-src": [UNSAFE_INLINE, UNSAFE_EVAL], "style-src": [UNSAFE_INLINE]})


class Office(UnfoldAdminSite):  # type: ignore[misc]
    """One door: the same login as everywhere, and only operators come in."""

    site_title = site_header = index_title = later(say("두레 운영실", en="Dure office"))

    def __init__(self, name: str = "admin") -> None:
        super().__init__(name)
        self._lists: dict[tuple[bool, bool, str | None], list[Any]] = {}

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """Rooms and tables in the order of the story, not of the alphabet. Every page shows them, and they differ only by
        what a `Sheet` asks of who looks, so each is made once."""
        person: Any = request.user
        who = bool(person.is_active and person.is_staff), bool(person.is_superuser), app_label
        if who not in self._lists:
            rooms, tables = list(ROOMS), list(TABLES)
            found: list[Any] = super().get_app_list(request, app_label)
            for room in found:
                room["models"].sort(key=lambda entry: tables.index(entry["model"]._meta.label))
            self._lists[who] = sorted(found, key=lambda room: rooms.index(room["app_label"]))
        return self._lists[who]

    def admin_view(self, view: View, cacheable: bool = False) -> View:
        inner: View = super().admin_view(view, cacheable)

        @wraps(inner)
        def page(request: HttpRequest, *args: Any, **options: Any) -> HttpResponse:
            # An operator looks across shops. Pages render late, so it is done before the fence closes again.
            with fence.across_shops():
                response = inner(request, *args, **options)
                render = getattr(response, "render", None)
                return render() if render else response

        return cast(View, RELAXED(page))

    def get_urls(self) -> list[Any]:
        """The rooms' tables, and the pages that are more than a table."""
        reconciliation, explanation = pages(self.each_context)
        ours = [
            path("reconciliation/", self.admin_view(reconciliation), name="reconciliation"),
            path("reconciliation/<int:object_id>/explanation", self.admin_view(explanation), name="explanation"),
        ]
        ours.append(path("safeguarding/", self.admin_view(safeguarding.page(self.each_context)), name="safeguarding"))
        ours.append(path("exact-counts/", self.admin_view(exact_counts.page(self.each_context)), name="exact_counts"))
        ours.append(path("balances/", self.admin_view(balances.page(self.each_context)), name="balances"))
        ours.append(path("inspection/", self.admin_view(inspection.page(self.each_context)), name="inspection"))
        ours.append(path("reviews/", self.admin_view(reviews.page(self.each_context)), name="reviews"))
        ours.append(path("town/", self.admin_view(town.page(self.each_context)), name="town"))
        ours.append(path("market/", self.admin_view(market.page(self.each_context)), name="market"))
        given_up, job_step = jobs.pages(self.each_context)
        ours += [
            path("jobs/", self.admin_view(given_up), name="jobs"),
            path("jobs/<int:object_id>/step", self.admin_view(job_step), name="job_step"),
        ]
        return [*ours, *super().get_urls()]

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The house's login; somebody who is in and no operator learns that this is not for them."""
        if request.user.is_authenticated and not self.has_permission(request):
            raise PermissionDenied
        return redirect_to_login(request.GET.get("next") or reverse("admin:index"))

    def logout(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        if request.method == "POST":
            logout(request)
        return redirect("/")

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return redirect("account_change_password")

    def search(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Unfold's search over everything is not offered: each list has its own."""
        return HttpResponse()


class CappedPaginator(Paginator):  # type: ignore[type-arg]
    """Counts to ten thousand and no further: a table with a million rows opens as fast as one with a hundred."""

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return int(rows.order_by()[:COUNTED_TO].count())


def column(field: "models.Field[Any, Any]") -> Callable[..., Any]:
    """A read-only column: money in won, texts in the reader's language, a link to the row it points at."""

    def shown(self: Any, row: models.Model) -> Any:
        value = getattr(row, field.name)
        if value is None or value == "":
            return NOTHING
        if field.is_relation:
            return _link(value)
        if isinstance(value, bool):
            return say("예", en="yes") if value else NOTHING
        if field.name in MONEY and isinstance(value, int):
            return won(value)
        if isinstance(field, models.DateTimeField):
            return localtime(value, clock.KST).strftime("%Y-%m-%d %H:%M:%S")
        if field.name == "district":
            return audiences.district_name(value)
        if isinstance(value, dict) and set(value) <= {"ko", "en"}:
            return pick(value) or NOTHING
        if isinstance(value, dict | list):
            return json.dumps(value, ensure_ascii=False) if value else NOTHING
        return value

    described: Any = shown
    described.short_description = later(COLUMNS.get(field.name, field.name))
    described.admin_order_field = field.name if field.unique or field.primary_key else None
    described.__name__ = f"{field.name}_shown"
    return shown


def _link(row: models.Model) -> str:
    label = f"{row._meta.app_label}_{row._meta.model_name}"
    return format_html('<a href="{}">{}</a>', reverse(f"admin:{label}_change", args=[row.pk]), title_of(row))


def title_of(row: models.Model) -> str:
    """What a row is called: its name where it has one, its public id or number otherwise."""
    for attribute in ("name", "code", "nickname", "public_id"):
        value = getattr(row, attribute, None)
        if value:
            return pick(value) if isinstance(value, dict) else str(value)
    return f"#{row.pk}"


class Sheet(ModelAdmin):  # type: ignore[misc]
    """A table to look at. The safest default: nothing can be added, changed or deleted."""

    paginator = CappedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    list_per_page = 50
    ordering = ("-pk",)
    actions = None
    only_chief = False

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        person: Any = request.user
        return bool(person.is_active and person.is_staff and (person.is_superuser or not self.only_chief))

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def _block(self: Sheet, request: HttpRequest, chosen: Any) -> None:
    _let(request, chosen, active=False)


def _admit(self: Sheet, request: HttpRequest, chosen: Any) -> None:
    _let(request, chosen, active=True)


def _forget_keys(self: Sheet, request: HttpRequest, chosen: Any) -> None:
    """Only the chief gives an operator back a login without keys."""
    operator: Any = request.user
    for person in chosen if operator.is_superuser else chosen.filter(is_staff=False):
        people.forget_keys(person=person, by=f"operator:{operator.public_id}", at=clock.now())
        self.log_change(request, person, "keys forgotten")


def _let(request: HttpRequest, chosen: Any, *, active: bool) -> None:
    operator: Any = request.user
    for person in chosen:
        people.admit_person(person=person, active=active, by=f"operator:{operator.public_id}", at=clock.now())


def _revoke(self: Sheet, request: HttpRequest, chosen: Any) -> None:
    operator: Any = request.user
    for key in chosen:
        partners.revoke_key(key=key, by=f"operator:{operator.public_id}", at=clock.now())


def _freeze(self: Sheet, request: HttpRequest, chosen: Any) -> None:
    for wallet in chosen:
        wallets.freeze_wallet(wallet=wallet, by=_who(request), reason="office", at=clock.now())


def _thaw(self: Sheet, request: HttpRequest, chosen: Any) -> None:
    for wallet in chosen:
        wallets.thaw_wallet(wallet=wallet, by=_who(request), at=clock.now())


def _pay_back(self: Sheet, request: HttpRequest, chosen: Any) -> None:
    for wallet in chosen:
        wallets.return_balance(wallet=wallet, why=Why.DEFECT, by=_who(request), at=clock.now())


def _who(request: HttpRequest) -> str:
    operator: Any = request.user
    return f"operator:{operator.public_id}"


# Columns of a list, exact search, filters. Detail pages show every column that is not hidden.
SHEETS: dict[str, dict[str, Any]] = {
    "people.Person": {
        "list": "public_id name email phone is_staff is_active created_at erased_at",
        "search": "public_id email phone",
    },
    "people.Device": {"list": "id person created_at"},
    "people.Consent": {"list": "id person sender purpose granted text_version source at", "search": "sender"},
    "people.Standing": {"list": "id person sender purpose granted at told_at", "search": "sender"},
    "people.Attention": {"list": "id person per_day per_week quiet_from quiet_until zone changed_at"},
    "people.Birthday": {"list": "id person given_at"},
    "people.Notice": {"list": "id person kind at"},
    "people.SaleContact": {"list": "id person sender medium goods ended_at", "search": "sender"},
    "people.Retained": {
        "list": "public_id kind legal_basis kept_at keep_until",
        "search": "public_id",
        "only_chief": True,
    },
    "shops.Shop": {
        "list": "public_id name category district pay_timing created_at closed_at",
        "search": "public_id name",
    },
    "shops.Membership": {"list": "id shop person role since_at"},
    "shops.RetiredCode": {"list": "id shop code retired_at", "search": "code"},
    "shops.Table": {"list": "public_id shop name retired_at", "search": "public_id code"},
    "wallet.Wallet": {
        "list": "public_id person state frozen_by opened_at closed_at",
        "search": "public_id",
        "filter": "state",
    },
    "wallet.TopUp": {
        "list": "public_id wallet provider amount automatic state opened_at ended_at",
        "search": "public_id key",
        "filter": "state",
    },
    "wallet.PayBack": {"list": "public_id wallet top_up refund amount why by asked_at", "search": "public_id"},
    "wallet.AutoTopUp": {"list": "id wallet agreement below amount most_a_day agreed_at"},
    "wallet.WalletStep": {"list": "id wallet state by reason at", "search": "by"},
    "menu.Station": {"list": "public_id shop name", "search": "public_id"},
    "menu.Section": {"list": "public_id shop name", "search": "public_id"},
    "menu.Photo": {"list": "public_id shop width height uploaded_at", "search": "public_id"},
    "menu.Item": {"list": "public_id shop name price sold_out retired_at", "search": "public_id"},
    "menu.OptionGroup": {"list": "public_id shop item name least most", "search": "public_id"},
    "menu.Option": {"list": "public_id shop group name price sold_out", "search": "public_id"},
    "offers.Offer": {"list": "public_id shop name kind value occasion state issued stock", "search": "public_id"},
    "offers.Coupon": {"list": "public_id shop offer person issued_at expires_at used_at", "search": "public_id key"},
    "offers.Redemption": {
        "list": "id shop coupon reference amount state reserved_at",
        "search": "reference",
        "filter": "state",
    },
    "offers.OfferDay": {"list": "id shop offer day issued most"},
    "offers.OfferStep": {"list": "id shop offer state by at", "search": "by"},
    "ordering.Visit": {"list": "public_id shop table opened_at closed_at", "search": "public_id"},
    "ordering.BasketLine": {"list": "public_id shop visit item quantity added_at", "search": "public_id"},
    "ordering.Bill": {
        "list": "public_id shop state subtotal discount total refunded settled_with opened_at",
        "search": "public_id",
        "filter": "state",
    },
    "ordering.Order": {
        "list": "public_id shop number state total by_staff placed_at",
        "search": "public_id key",
        "filter": "state",
    },
    "ordering.OrderLine": {"list": "id shop order name unit_price quantity total"},
    "ordering.OrderStep": {"list": "id shop order state by reason at"},
    "ordering.StaffCall": {"list": "public_id shop table why called_at answered_at", "search": "public_id"},
    "ordering.BillPart": {
        "list": "public_id shop bill state amount refunded taken_at settled_at",
        "search": "public_id",
    },
    "ordering.PartUnit": {"list": "id shop part line unit freed_at"},
    "ordering.KitchenScreen": {"list": "id shop seen_at paused_until"},
    "ordering.Concession": {
        "list": "public_id shop kind state won paid_with by decided_by reason asked_at",
        "search": "public_id about by",
        "filter": "state kind",
    },
    "ordering.DayNumber": {"list": "id shop business_day last"},
    "checkouts.Checkout": {
        "list": "public_id shop kind state bill item opened_at paid_at",
        "search": "public_id reference key",
        "filter": "state",
    },
    "checkouts.Sticker": {"list": "public_id shop name made_at retired_at", "search": "public_id"},
    "checkouts.PayCode": {"list": "id device made_at expires_at used_at checkout"},
    "regulars.Relation": {"list": "public_id shop person visits spend last_visit_at left_at", "search": "public_id"},
    "regulars.CountedVisit": {"list": "id shop relation reference spent at", "search": "reference"},
    "regulars.StampCard": {"list": "id shop goal running"},
    "regulars.HandStamp": {"list": "id shop relation count by reason at", "search": "by"},
    "regulars.PointTerms": {"list": "id shop running earn_bps valid_days least"},
    "regulars.Tier": {"list": "public_id shop name spend earn_bps"},
    "regulars.PointLot": {"list": "id shop relation reference earned remaining expires_at", "search": "reference"},
    "regulars.PointUse": {"list": "id shop relation lot coupon amount returned"},
    "channels.Profile": {"list": "id shop takes_chats changed_at"},
    "channels.Post": {"list": "public_id shop title shown_at pinned_at by", "search": "public_id"},
    "channels.Chat": {"list": "public_id shop nickname waits last_at blocked_at", "search": "public_id"},
    "channels.ChatLine": {"list": "id shop chat side by at"},
    "channels.Wish": {"list": "id shop item asked_at told_at"},
    "channels.CannedAnswer": {"list": "public_id shop position", "search": "public_id"},
    "partners.ApiKey": {
        "list": "public_id shop name prefix scopes made_at last_used_at expires_at revoked_at",
        "search": "public_id prefix",
    },
    "partners.Endpoint": {
        "list": "public_id shop url failing_since disabled_at disabled_because",
        "search": "public_id",
    },
    "partners.Event": {"list": "public_id shop kind object_id at", "search": "public_id object_id", "filter": "kind"},
    "partners.Dispatch": {
        "list": "id shop event endpoint state tries status fault due_at sent_at",
        "search": "object_id",
        "filter": "state",
    },
    "partners.Reply": {"list": "id shop api_key key status at", "search": "key"},
    "targeting.ScoreModel": {
        "list": "public_id name version from_on until_on rows code_version fault at",
        "search": "public_id",
        "filter": "name",
    },
    "targeting.ModelStep": {"list": "id name model back by reason at"},
    "targeting.Pairing": {"list": "id shop item addition extra orders"},
    "targeting.Sequel": {"list": "id shop item dish chance people"},
    "targeting.Suggestion": {"list": "id shop visit place item shown at", "filter": "place shown"},
    "campaigns.Campaign": {
        "list": "public_id shop name goal trigger state version send_at result_at measured",
        "search": "public_id",
        "filter": "state",
    },
    "campaigns.CampaignStep": {"list": "id shop campaign state by reason at"},
    "campaigns.CampaignVersion": {"list": "id shop campaign number by at"},
    "campaigns.Assignment": {"list": "id shop campaign version wave share reached_people held_people never_people at"},
    "campaigns.WeekPlan": {
        "list": "public_id week_on state done total people edges value bound most_value ready_at",
        "search": "public_id",
        "filter": "state",
    },
    "campaigns.WeekPart": {"list": "id shop plan campaign place messages share price used spent value alone"},
    "campaigns.TillChoice": {
        "list": "id plan week_on at",
        "filter": "week_on",
        # Each of these tells whom a coin held out.
        "hidden": "shop person campaign coupon fate reason value price propensity wave",
    },
    "campaigns.WeekPiece": {"list": "id plan number"},
    "lift.Result": {"list": "id shop campaign verdict footing reached held came_reached came_held shops at"},
    "lift.Forecast": {"list": "id shop campaign version messages low high behind at"},
    "lift.Look": {"list": "id shop campaign what evidence alarm at"},
    "settlement.Payout": {
        "list": "public_id shop period_on due_on state amount fees kept net paid_at",
        "search": "public_id bank_key",
        "filter": "state",
    },
    "settlement.PayoutLine": {
        "list": "id shop payout kind reference at amount card_fee provider_fee fee_vat kept",
        "search": "reference",
        "filter": "kind",
    },
    "settlement.PayoutStep": {"list": "id shop payout state by reason at"},
    "settlement.PayoutTerms": {"list": "id shop sales_tier payout_days valid_from by at"},
    "settlement.Adjustment": {
        "list": "public_id shop kind amount reason by at",
        "search": "public_id key",
        "filter": "kind",
    },
    "settlement.Export": {
        "list": "public_id shop state rows_done rows_total size by asked_at done_at",
        "search": "public_id",
    },
    "settlement.ProviderFile": {
        "list": "public_id provider name rows first_on last_on by read_at",
        "search": "public_id",
    },
    "settlement.Difference": {
        "list": "id file kind payment trade ours_won theirs_won ours_on theirs_on found_at",
        "search": "payment",
        "filter": "kind",
    },
    "settlement.Explanation": {"list": "id difference text by at"},
    "messaging.Sending": {
        "list": "public_id reference sender_name kind state not_before expires_at held settled created_at",
        "search": "public_id reference",
    },
    "messaging.Outgoing": {"list": "id sending fate reason medium tries won due_at handed_at"},
    "messaging.HandOver": {"list": "id medium provider count begun_at ended_at", "search": "key"},
    "messaging.Endpoint": {"list": "id address created_at"},
    "messaging.Latch": {"list": "id instance epoch turned_at"},
    "messaging.Mute": {"list": "id address sender since_at"},
    "messaging.Message": {
        "list": "public_id sender_name kind title basis sent_at read_at",
        "search": "public_id key address",
    },
    "payments.Payment": {
        "list": "public_id provider reference amount refunded state created_at settled_at",
        "search": "public_id reference provider_key",
        "filter": "state",
    },
    "payments.Agreement": {
        "list": "public_id provider payer state agreed_at ending_at ended_at",
        "search": "public_id key",
        "filter": "state",
    },
    "payments.Refund": {
        "list": "public_id payment amount state reason asked_at done_at",
        "search": "public_id",
        "filter": "state",
    },
    "payments.Call": {"list": "id payment kind outcome started_at ended_at"},
    "ledger.Account": {"list": "id code asset balance", "search": "code"},
    "ledger.Entry": {"list": "id kind reference at reverses", "search": "key reference"},
    "ledger.Posting": {"list": "id entry source destination amount"},
    "ledger.Seal": {"list": "number last_entry entries hash sealed_at"},
}

MAY_DO: dict[str, dict[str, tuple[Callable[..., None], Text]]] = {
    "people.Person": {
        "block": (_block, say("못 들어오게 하기", en="Keep out")),
        "admit": (_admit, say("다시 들어오게 하기", en="Let in again")),
        "forget_keys": (
            _forget_keys,
            say("잃어버린 패스키 지우기 (본인 확인 뒤)", en="Forget lost passkeys (once proven)"),
        ),
    },
    "wallet.Wallet": {
        "freeze": (_freeze, say("지갑 멈추기", en="Freeze")),
        "thaw": (_thaw, say("다시 쓰게 하기", en="Unfreeze")),
        "pay_back": (_pay_back, say("잔액 모두 돌려주기 (지갑의 결함)", en="Return the whole balance (a defect)")),
    },
    "partners.ApiKey": {"revoke": (_revoke, say("키 끊기", en="Revoke the keys"))},
}


def _sheet(label: str, terms: dict[str, Any]) -> type[Sheet]:
    model = apps.get_model(label)
    hidden = HIDDEN.union(terms.get("hidden", "").split())
    fields = {f.name: f for f in model._meta.get_fields() if isinstance(f, models.Field) and f.name not in hidden}
    columns = {f"{name}_shown": column(field) for name, field in fields.items()}
    listed = tuple(f"{name}_shown" for name in terms["list"].split())
    relations = tuple(n for n in terms["list"].split() if fields[n].is_relation)
    actions = {name: admin.action(description=later(words))(do) for name, (do, words) in MAY_DO.get(label, {}).items()}
    body: dict[str, Any] = {
        **columns,
        **actions,
        "fields": tuple(columns),
        "readonly_fields": tuple(columns),
        "list_display": listed,
        "list_display_links": listed[:1],
        "list_select_related": relations or False,
        "search_fields": tuple(f"={name}" for name in terms.get("search", "").split()),
        "search_help_text": later(say("정확히 같은 것만 찾아요", en="Finds exact matches only")),
        "list_filter": tuple(terms.get("filter", "").split()),
        "actions": tuple(actions) or None,
        "only_chief": terms.get("only_chief", False),
    }
    return type(f"{model.__name__}Sheet", (Sheet,), body)


office = Office(name="office")
for _label in TABLES:
    office.register(apps.get_model(_label), _sheet(_label, SHEETS[_label]))

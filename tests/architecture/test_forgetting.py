"""Whoever asks to be forgotten is: every model that leads to a person has somebody who lets go of it."""

import ast
import inspect
from collections.abc import Iterable

from django.apps import apps
from django.db.models import Field, Model

from dure.kit.events import listeners
from dure.people.events import PersonErased
from tests.architecture.source import STORY, Module, modules

CONTACTS = {"email", "phone", "name", "nickname", "payer", "birthday", "address", "contact", "recipient", "ip"}
NOT_A_PERSON = {
    "Shop.name", "Shop.phone", "Shop.address", "Table.name", "Station.name", "Section.name", "Item.name",
    "OptionGroup.name", "Option.name", "Offer.name", "OrderLine.name", "ProviderFile.name", "Tier.name",
    "Sending.contact", "Sending.payer",
    "Sticker.name", "ApiKey.name",
    "Campaign.name",
    "ScoreModel.name", "ModelStep.name",
    "Audience.name",
}  # fmt: skip
"""Names and contacts of things and of businesses."""
KEPT = {
    "Retained": "what the law makes us keep: keyed hashes of contacts, apart from everything else, until its day",
    "Payment.payer": "a public id that leads to an empty stone; the provider's record and ours must agree for five years",
    "Agreement.payer": "as a payment's: a wallet's public id, which leads to nobody once its person is erased",
}


def personal(models: Iterable[type[Model]]) -> dict[str, list[str]]:
    """Each model with the fields by which it leads to a person."""
    found: dict[str, list[str]] = {}
    for model in models:
        for field in model._meta.local_fields:
            name = f"{model.__name__}.{field.name}"
            if _leads_to_somebody(field) and name not in NOT_A_PERSON and name not in KEPT:
                found.setdefault(model.__name__, []).append(field.name)
    return {name: fields for name, fields in found.items() if name not in KEPT}


def _leads_to_somebody(field: Field) -> bool:  # type: ignore[type-arg]
    target = getattr(field.related_model, "__name__", "")
    return target in ("Person", "Device") or field.name in CONTACTS


def lets_go() -> set[str]:
    """Names of everything mentioned by the actions that hear PersonErased, and by erase_person and what it calls."""
    heard = [(h.__module__, h.__name__) for h in listeners()[PersonErased][0]]
    begin = [
        *heard,
        ("dure.people.actions.persons", "erase_person"),
        ("dure.messaging.actions.inbox", "forget_address"),
    ]
    return {name for module, function in begin for name in _mentioned(module, function, set())}


def _mentioned(module: str, function: str, seen: set[str]) -> set[str]:
    tree = ast.parse(inspect.getsource(inspect.importlib.import_module(module)))  # type: ignore[attr-defined]
    bodies = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    if function not in bodies or function in seen:
        return set()
    names = {node.id for node in ast.walk(bodies[function]) if isinstance(node, ast.Name)}
    return names.union(*(_mentioned(module, name, {*seen, function}) for name in names if name in bodies))


def test_every_model_that_leads_to_a_person_is_let_go() -> None:
    found = personal(m for room in STORY for m in apps.get_app_config(room).get_models())
    assert {
        "Person",
        "Device",
        "Consent",
        "Session",
        "Message",
        "Membership",
        "Coupon",
        "Bill",
        "Order",
        "Relation",
    } <= set(found)
    assert {name: fields for name, fields in found.items() if name not in lets_go()} == {}


def test_a_model_that_nobody_lets_go_is_noticed() -> None:
    from dure.ledger.models import Account
    from dure.people.models import Person

    # An account that named a person would have to be let go by somebody; nobody hears for the ledger.
    field = Person._meta.get_field("email")
    fields = Account._meta.local_fields
    try:
        Account._meta.local_fields = [*fields, field]  # type: ignore[misc]
        found = personal([Account])
    finally:
        Account._meta.local_fields = fields  # type: ignore[misc]
    assert found == {"Account": ["email"]}
    assert "Account" not in lets_go()


def test_whoever_acted_is_written_down_by_a_public_id() -> None:
    """A `by` outlives its person, so it may hold a public id, never a name, an address or a number."""
    bad = [
        f"{module.path}:{node.lineno}"
        for module in modules("web")
        for node in ast.walk(module.tree)
        if isinstance(node, ast.keyword) and node.arg == "by" and names_somebody(node.value)
    ]
    assert bad == []


def names_somebody(value: ast.expr) -> bool:
    return any(isinstance(n, ast.Attribute) and n.attr in ("email", "phone", "name") for n in ast.walk(value))


def test_a_by_that_names_somebody_is_noticed() -> None:
    planted = Module("web/x.py", "act(by=f'staff:{person.email}')")
    call = planted.tree.body[0]
    assert isinstance(call, ast.Expr)
    assert isinstance(call.value, ast.Call)
    assert names_somebody(call.value.keywords[0].value)

"""The floor plan: who may look into whom, what a file is called, how an action is asked."""

import ast
import fnmatch
import re
from collections.abc import Iterable, Iterator

from django.apps import apps
from django.db.models import Field, ForeignKey, ManyToManyField, Model

from tests.architecture.source import STORY, Module, functions, imports, modules

DOORS = {"actions", "queries", "events", "errors", "values", "models"}
OTHER_DOORS = {
    "dure.audiences.population": "people who do not exist, made without a database",
    "dure.audiences.storage": "the index on disk, built and looked after without a database",
    "dure.campaigns.engine": "the town weighs the product's own randomisation and plans, without a database",
    "dure.menu.engine.sheet": "what no spreadsheet program takes for a formula; it knows no menu",
    "dure.settlement.engine.archive": "the zip that holds a shop, which the import reads too",
    "dure.settlement.engine.takeout": "how rows and people are called in it",
    "dure.shops.fence": "whoever works across shops says so, and why",
    "dure.shops.skin_packs": "the house's art, drawn for pages and paper alike",
    "dure.shops.stands": "paper with a table's code on it",
    "dure.targeting.storage.scores": "scores from files, made without a database",
    "dure.targeting.engine": "the town weighs the product's own learners, without a database",
}
HAS_ALL_KEYS = {"project/verify.py": "the auditor asks the provider itself, past the room that it checks"}

FLOOR_PLAN = (
    "__init__.py", "apps.py", "values.py", "errors.py", "events.py", "rules.py", "models.py", "queries.py", "actions.py",
    "actions/*.py", "jobs.py", "providers/*", "channels/*", "engine/*", "estimators/*",
    "population/*", "storage/*",
)  # fmt: skip
OFF_THE_PLAN = {
    "audiences/words.py": "the traits in two languages, read from the population and the regions",
    "people/managers.py": "Django's login asks for a manager of its user model",
    "people/sessions.py": "Django's login asks for a session store; ours names the person, so that erasing finds it",
    "shops/fence.py": "the second fence around every shop's rows",
    "shops/skin_packs.py": "reads the data packs of characters",
    "shops/stands.py": "sets stands for print",
}

IMPURE = (
    "django", "psycopg", "procrastinate", "httpx", "time", "random", "secrets", "os",
    "dure.kit.clock.now", "dure.kit.events", "dure.kit.jobs",
)  # fmt: skip
READS = {"now", "today", "utcnow"}


def forbidden_doors(module: Module) -> list[str]:
    """What `module` takes from another room past its doors."""
    found = []
    for name in imports(module.tree):
        parts = name.split(".")
        if parts[0] != "dure" or len(parts) < 3 or parts[1] not in STORY or parts[1] == module.room:
            continue
        if parts[2] not in DOORS and not any(name == door or name.startswith(f"{door}.") for door in OTHER_DOORS):
            found.append(name)
    return found


def test_a_room_is_entered_only_through_its_doors() -> None:
    assert {m.path: found for m in modules() if (found := forbidden_doors(m)) and m.path not in HAS_ALL_KEYS} == {}


def test_a_back_door_is_noticed() -> None:
    planted = Module("ordering/actions/orders.py", "def f():\n    from dure.shops.rules import may\n")
    assert forbidden_doors(planted) == ["dure.shops.rules.may"]


def pointing_up(fields: Iterable[Field]) -> list[str]:  # type: ignore[type-arg]
    """Foreign keys that lead to a room above their own, or that let the lower room look back up."""
    found = []
    for field in fields:
        target = field.related_model
        if not isinstance(target, type) or not issubclass(target, Model):
            continue
        here, there = field.model._meta.app_label, target._meta.app_label
        if here == there or there not in STORY:
            continue
        name = f"{field.model.__name__}.{field.name}"
        if STORY.index(there) > STORY.index(here):
            found.append(f"{name} points up to {there}")
        elif not field.remote_field.hidden:
            found.append(f"{name} shows itself to {there} (related_name is not '+')")
    return found


def foreign_keys() -> Iterator[Field]:  # type: ignore[type-arg]
    for room in STORY:
        for model in apps.get_app_config(room).get_models():
            yield from (f for f in model._meta.local_fields if isinstance(f, ForeignKey))
            yield from (f for f in model._meta.local_many_to_many if isinstance(f, ManyToManyField))


def test_foreign_keys_point_down_and_cannot_be_seen_from_below() -> None:
    assert pointing_up(foreign_keys()) == []


def test_a_foreign_key_that_points_up_is_noticed() -> None:
    from dure.offers.models import Coupon
    from dure.people.models import Device, Person

    up = ForeignKey(Coupon, on_delete=lambda *_: None, related_name="+")
    up.set_attributes_from_name("coupon")
    up.model = Device
    seen = ForeignKey(Person, on_delete=lambda *_: None, related_name="coupons")
    seen.set_attributes_from_name("person")
    seen.model = Coupon
    assert pointing_up([up, seen]) == [
        "Device.coupon points up to offers",
        "Coupon.person shows itself to people (related_name is not '+')",
    ]


def off_the_plan(paths: Iterable[str]) -> list[str]:
    """Files of rooms whose name the floor plan does not know."""
    return [
        path
        for path in paths
        if path not in OFF_THE_PLAN
        and not any(fnmatch.fnmatch(path.partition("/")[2], pattern) for pattern in FLOOR_PLAN)
    ]


def test_every_file_of_a_room_has_a_name_of_the_floor_plan() -> None:
    paths = [module.path for module in modules(*STORY)]
    assert off_the_plan(paths) == []
    assert sorted(set(OFF_THE_PLAN) - set(paths)) == [], "an exception that nobody needs any more"


def test_a_drawer_is_noticed() -> None:
    assert off_the_plan(["menu/utils.py", "menu/rules.py", "menu/engine/photo.py"]) == ["menu/utils.py"]


def askable_otherwise(module: Module) -> list[str]:
    """Actions that can be asked by position. What hears a fact takes that one fact."""
    return [
        f"{function.name}({', '.join(a.arg for a in function.args.args)})"
        for function in functions(module.tree)
        if (function.args.args or function.args.posonlyargs or function.args.vararg)
        and [a.arg for a in function.args.args] != ["fact"]
    ]


def promised(room: str) -> Iterator[Module]:
    """The modules that hold a room's actions; of a package only what it gives to others counts."""
    found = {m.path: m for m in modules(room)}
    if f"{room}/actions.py" in found:
        yield found[f"{room}/actions.py"]
    index = found.get(f"{room}/actions/__init__.py")
    if index:
        given = {alias.name for n in ast.walk(index.tree) if isinstance(n, ast.ImportFrom) for alias in n.names}
        for path, module in found.items():
            if path.startswith(f"{room}/actions/") and module is not index:
                kept = [n for n in module.tree.body if isinstance(n, ast.FunctionDef) and n.name in given]
                yield Module(path, "\n\n".join(ast.unparse(n) for n in kept))


def test_every_action_is_asked_by_name() -> None:
    found = {m.path: bad for room in STORY for m in promised(room) if (bad := askable_otherwise(m))}
    assert found == {}
    assert sum(1 for room in STORY for m in promised(room) for _ in functions(m.tree)) > 80


def test_an_action_asked_by_position_is_noticed() -> None:
    planted = Module("menu/actions.py", "def add(shop, *, by): ...\ndef hear(fact): ...\ndef ok(*, by, at): ...\n")
    assert askable_otherwise(planted) == ["add(shop)"]


def hidden_work(module: Module) -> list[str]:
    """Work that happens where nobody looks for it: signals, a save of one's own, an order that every query pays for."""
    found = [
        name for name in imports(module.tree) if "signals" in name.split(".") or name == "django.dispatch.receiver"
    ]
    for node in ast.walk(module.tree):
        if not isinstance(node, ast.ClassDef):
            continue
        for line in node.body:
            is_model = any(isinstance(n, ast.Attribute) and n.attr == "Model" for n in node.bases)
            if is_model and isinstance(line, ast.FunctionDef) and line.name in ("save", "delete"):
                found.append(f"{node.name}.{line.name}()")
            if node.name == "Meta" and isinstance(line, ast.Assign):
                found += ["Meta.ordering" for t in line.targets if isinstance(t, ast.Name) and t.id == "ordering"]
    return found


def test_nothing_happens_behind_anybodys_back() -> None:
    # allauth and Django's login say who logged in by signals of theirs, and in no other way.
    theirs = {"allauth.account.signals", "django.contrib.auth.signals"}
    found = {
        m.path: bad
        for m in modules()
        if (bad := [b for b in hidden_work(m) if not any(b.startswith(t) for t in theirs)])
    }
    assert found == {}


def test_hidden_work_is_noticed() -> None:
    planted = (
        "from django.db.models.signals import post_save\nfrom django.db import models\n"
        "class A(models.Model):\n    class Meta:\n        ordering = ['id']\n    def save(self): ...\n"
    )
    assert hidden_work(Module("menu/models.py", planted)) == [
        "django.db.models.signals.post_save",
        "A.save()",
        "Meta.ordering",
    ]


def impurities(module: Module) -> list[str]:
    """What a rule must not know: the database, the clock, the network, chance."""
    found = [n for n in imports(module.tree) if any(n == bad or n.startswith(f"{bad}.") for bad in IMPURE)]
    found += [n for n in imports(module.tree) if re.match(r"dure\.\w+\.(models|queries|actions|jobs)\b", n)]
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in READS and not node.args:
                found.append(f"{name}()")
    return found


def test_rules_and_engines_are_pure() -> None:
    pure = [m for m in modules(*STORY) if m.path.endswith("/rules.py") or "/engine/" in m.path]
    assert len(pure) >= 9
    assert {m.path: found for m in pure if (found := impurities(m))} == {}


def test_an_impure_rule_is_noticed() -> None:
    planted = "from django.db import models\nfrom dure.menu.models import Item\nimport time\nx = datetime.now()\n"
    assert impurities(Module("menu/rules.py", planted)) == [
        "django.db.models",
        "time",
        "dure.menu.models.Item",
        "now()",
    ]


MONEY = ("ledger", "payments", "offers", "ordering", "checkouts", "regulars", "settlement")


def is_path(division: ast.BinOp) -> bool:
    """`folder / "name"` divides nothing."""
    right = division.right
    return isinstance(right, ast.JoinedStr) or (isinstance(right, ast.Constant) and isinstance(right.value, str))


def floats(module: Module) -> list[str]:
    """Places where won could become a fraction: float, a literal with a point, true division."""
    found = []
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Name) and node.id in ("float", "Decimal"):
            found.append(f"{node.lineno}: {node.id}")
        elif isinstance(node, ast.Attribute) and node.attr in ("FloatField", "DecimalField"):
            found.append(f"{node.lineno}: {node.attr}")
        elif isinstance(node, ast.Constant) and isinstance(node.value, float):
            found.append(f"{node.lineno}: {node.value}")
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div) and not is_path(node):
            found.append(f"{node.lineno}: {ast.unparse(node)}")
    return found


def test_no_float_comes_near_money() -> None:
    clocks = {  # seconds that a call may take or took
        "payments/actions.py": "float",
        "payments/providers/kakaopay/__init__.py": "(float|5.0)",
        "payments/providers/kakaopay/client.py": "(float|2.0)",
        "payments/providers/toss/__init__.py": "(float|5.0)",
        "payments/providers/toss/client.py": "(float|2.0)",
    }
    paths = [*modules(*MONEY), *(m for m in modules("kit") if m.path == "kit/money.py")]
    found = {}
    for module in paths:
        seconds = clocks.get(module.path, "-")
        left = [f for f in floats(module) if not re.fullmatch(rf"\d+: {seconds}", f)]
        if left:
            found[module.path] = left
    assert found == {}


def test_a_float_is_noticed() -> None:
    assert floats(Module("offers/rules.py", "def f(won: float):\n    return won * 0.9 / 2\n")) == [
        "2: won * 0.9 / 2",
        "1: float",
        "2: 0.9",
    ]


def test_only_the_kit_queues_and_rings() -> None:
    queues = {m.path for m in modules() if any(name.startswith("procrastinate") for name in imports(m.tree))}
    assert queues == {"kit/jobs.py", "project/cli.py"}
    assert {m.path for m in modules() if "pg_notify(" in m.text} == {"kit/events.py"}
    live = next(m for m in modules("web") if m.path == "web/ui/live.py")
    assert [name for name in imports(live.tree) if name.split(".")[1:2] and name.split(".")[1] in STORY] == []

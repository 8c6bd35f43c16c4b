"""Everything done to audiences: saved, frozen, and asked about with the privacy that people were promised."""

from __future__ import annotations

import json
import logging
import secrets
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np
from django.db import IntegrityError, transaction
from numpy.typing import NDArray
from pyroaring import BitMap

from dure.audiences import queries, rules, words
from dure.audiences.engine import noise
from dure.audiences.engine.expression import Everybody, Expression
from dure.audiences.engine.traits import Kind, Trait
from dure.audiences.errors import AskedEnough, BadDefinition, NameTaken, NoIndex, TooFew
from dure.audiences.models import Answer, Asking, Audience, Frozen, Release
from dure.audiences.population import people as population
from dure.audiences.population.regions import country
from dure.audiences.storage.tags import Tag
from dure.audiences.values import NAME_MAX, NETWORK, SMALLEST, Reach
from dure.kit import ids
from dure.kit.clock import KST
from dure.kit.language import say
from dure.people.events import PersonErased, PersonsMerged
from dure.people.models import Person
from dure.shops import fence
from dure.shops.models import Shop

if TYPE_CHECKING:
    from dure.audiences.storage.build import Progress

_log = logging.getLogger(__name__)
TWIN_LIVES = timedelta(days=27)
"""How long owners explore one twin: a month, give or take the day on which the job runs."""


@transaction.atomic
def save_audience(*, shop: Shop, name: str, expression: Expression, by: str, at: datetime) -> Audience:
    """Keep a definition under a name. Refuses: NameTaken."""
    try:
        with transaction.atomic():
            return Audience.objects.create(
                shop=shop,
                public_id=ids.new_public_id("aud"),
                name=name,
                definition=rules.to_document(expression),
                by=by,
                created_at=at,
                changed_at=at,
            )
    except IntegrityError as error:
        raise NameTaken(field="name") from error


@transaction.atomic
def change_audience(
    *, shop: Shop, audience: Audience, name: str, expression: Expression, by: str, at: datetime
) -> Audience:
    """Another definition, or another name, for a saved audience. What was frozen from it stays as it was. Refuses: NameTaken.
    Safe to repeat."""
    try:
        with transaction.atomic():
            Audience.objects.filter(shop=shop, pk=audience.pk).update(
                name=name, definition=rules.to_document(expression), by=by, changed_at=at
            )
    except IntegrityError as error:
        raise NameTaken(field="name") from error
    audience.refresh_from_db()
    return audience


@transaction.atomic
def copy_audience(*, shop: Shop, audience: Audience, by: str, at: datetime) -> Audience:
    """The same definition once more, under the next free name ("이웃 2")."""
    taken = set(queries.audiences_of(shop).values_list("name", flat=True))
    stem = audience.name[: NAME_MAX - 4]
    name = next(f"{stem} {n}" for n in range(2, len(taken) + 3) if f"{stem} {n}" not in taken)
    expression = queries.read_document(audience.definition)
    return save_audience(shop=shop, name=name, expression=expression, by=by, at=at)


@transaction.atomic
def drop_audience(*, shop: Shop, audience: Audience, by: str, at: datetime) -> None:
    """Forget a saved definition. What was frozen from it stays. Safe to repeat."""
    Audience.objects.filter(shop=shop, pk=audience.pk).delete()


@transaction.atomic
def freeze_audience(*, shop: Shop, definition: Expression | dict[str, object], by: str, at: datetime) -> Frozen:
    """Fix who is meant at this instant, for a campaign. Nobody is shown who that is, nor how many exactly.

    Refuses: BadDefinition, NoIndex; TooFew where it may be under 100 people (said on the noised number, which is an answer
    like any other: AskedEnough), unless only the shop's own friends are meant.
    """
    expression = queries.read_document(definition) if isinstance(definition, dict) else definition
    found = queries.resolve(shop, expression, at=at)
    if not rules.is_own(expression):
        said = _answer(shop, queries.question_of(shop, expression), len(found), at)
        if said < SMALLEST:
            raise TooFew
    found.run_optimize()
    return Frozen.objects.create(
        shop=shop,
        public_id=ids.new_public_id("frz"),
        definition=rules.to_document(expression),
        recipients=found.serialize(),
        people=len(found),
        by=by,
        frozen_at=at,
    )


@transaction.atomic
def ask_reach(*, shop: Shop, expression: Expression, by: str, at: datetime) -> Reach:
    """How many real people are meant, noised; the same question gets the same answer all day and costs once.

    Refuses: AskedEnough, BadDefinition, NoIndex.
    """
    question = queries.question_of(shop, expression)
    said = _answer(shop, question, None, at, expression)
    today, lately = queries.questions_left(shop, at=at)
    return Reach(people=said if said >= SMALLEST else None, margin=noise.margin(), left_today=today, left=lately)


@transaction.atomic
def report_count(*, shop: Shop, about: str, people: int, at: datetime) -> Reach:
    """A number of a report about real people (sent, seen, redeemed), noised; `about` names it uniquely. It draws on the
    same budget as a question. Refuses: AskedEnough."""
    said = _answer(shop, queries.digest(f"report\n{shop.pk}\n{about}"), people, at)
    today, lately = queries.questions_left(shop, at=at)
    return Reach(people=said if said >= SMALLEST else None, margin=noise.margin(), left_today=today, left=lately)


def _answer(shop: Shop, question: str, true: int | None, at: datetime, expression: Expression | None = None) -> int:
    """Today's answer to a question, charged to the shop's owners if it is new to them. The budget is locked, so two
    questions at once cannot pass it."""
    day = at.astimezone(KST).date()
    owners = queries.owners_of(shop)
    list(Person.objects.select_for_update(no_key=True).filter(pk__in=owners).order_by("pk").values_list("pk"))
    for owner in owners:
        asked = Asking.objects.filter(owner=owner, day__gt=day - timedelta(days=90))
        if asked.filter(day=day, question=question).exists():
            continue
        if asked.filter(day=day).count() >= noise.A_DAY or asked.count() >= noise.IN_90_DAYS:
            raise AskedEnough
        Asking.objects.create(owner_id=owner, question=question, day=day, at=at)
    known = Answer.objects.filter(question=question, day=day).first()
    if known is not None:
        return known.noised
    if true is None:
        assert expression is not None
        true = len(queries.resolve(shop, expression, at=at))
    Answer.objects.bulk_create([Answer(question=question, day=day, noised=noise.noised(true))], ignore_conflicts=True)
    return Answer.objects.get(question=question, day=day).noised


def count_exactly(*, definition: str, by: str, at: datetime) -> int:
    """How many people of the network are meant, for an operator alone: exact, and logged with who asked what. Refuses:
    BadDefinition, NoIndex."""
    expression = queries.read_definition(definition)
    if any(rules.is_of_a_shop(c, words.catalogue()) for c in rules.conditions_of(expression)):
        raise BadDefinition(
            say("가게마다 다른 조건은 여기에서 셀 수 없어요.", en="Conditions of one shop cannot be counted here."),
            pointer="",
        )
    with queries.answering():
        found = queries.index("network").count(rules.with_consent(expression, words.catalogue()))
    _log.info("exact count by %s at %s: %s = %s", by, at.isoformat(), rules.to_json(expression), found)
    return found


def record_release(*, what: str, parts: dict[str, float], at: datetime) -> Release:
    """Write a publication into the register, before it is made. `parts` are its epsilons, which add up."""
    return Release.objects.create(what=what, epsilon=round(sum(parts.values()), 4), parts=parts, at=at)


def build_network(*, people: int, seed: int, at: datetime, progress: Progress | None = None) -> None:
    """Make the synthetic network and put its index in use, with its twin. Whoever asks meanwhile asks the builds before.
    Safe to repeat; two at once wait for one another."""
    from dure.audiences.storage.build import build
    from dure.audiences.storage.folder import Folder

    folder = queries.index_folder("network")
    with TemporaryDirectory(dir=_made(folder.parent)) as scratch:
        file = population.write(people, seed, Path(scratch), progress)
        build(file, population.SCHEMA, Folder(folder), progress=progress)
        (folder / "made.json").write_text(json.dumps({"people": people, "seed": seed}))
        ask_rules_anew()
        build_twin(file=file, at=at, progress=progress)
    queries.warm_up()  # what is compiled for it here is kept for whoever asks


def renew_twin(*, at: datetime, progress: Progress | None = None) -> Release | None:
    """The month's twin, of the people who are in the network today; None where the last one is not a month old: each costs
    everybody its epsilon. Safe to repeat. Refuses: NoIndex."""
    last = Release.objects.filter(what="twin").order_by("-at").first()
    if last is not None and at - last.at < TWIN_LIVES:
        return None
    folder = queries.index_folder("network")
    try:
        made = json.loads((folder / "made.json").read_text())
    except FileNotFoundError as error:
        raise NoIndex from error
    left = queries.index("network").ids(Everybody())
    with TemporaryDirectory(dir=folder.parent) as scratch:
        file = population.write(made["people"], made["seed"], Path(scratch), progress)
        return build_twin(file=file, at=at, progress=progress, only=left)


def build_twin(
    *, file: Path, at: datetime, progress: Progress | None = None, only: NDArray[np.uint32] | None = None
) -> Release:
    """Draw a new twin from the people in a Parquet file (of these, those in `only`) and put it in use. It costs everybody in
    it the epsilon that goes into the register before a number is drawn."""
    from dure.audiences.engine import twin
    from dure.audiences.storage.build import build
    from dure.audiences.storage.folder import Folder

    dongs = [int(dong.code) for dong in country().dongs]
    tags = words.tags()
    names = tuple(tag.name for tag in tags.all())
    schema = (*population.SCHEMA, Trait("tag", Kind.SET, names)) if names else population.SCHEMA
    release = record_release(what="twin", parts=dict(twin.EPSILONS), at=at)
    blocks = _blocks(file, [tags.ids(name) for name in names], only)
    exact = twin.measure(blocks, schema, dongs, seed=secrets.randbits(32))
    model = twin.fitted(twin.noised(exact))
    with TemporaryDirectory(dir=_made(queries.index_folder("twin").parent)) as scratch:
        drawn = population.save(
            twin.draw(model, seed=secrets.randbits(32)), Path(scratch), also=("tag",) if names else ()
        )
        build(drawn, schema, Folder(queries.index_folder("twin")), progress=progress)
    if names:
        tags.come_alive(names)
    return release


def _blocks(
    file: Path, tagged: list[NDArray[np.uint32]], only: NDArray[np.uint32] | None
) -> Iterator[dict[str, NDArray[np.int64]]]:
    """The people of a file who are in `only`, with a bit for each of `tagged` that they are in."""
    import pyarrow.parquet as pq

    from dure.audiences.engine import twin

    stays = np.zeros(0, bool)
    if only is not None:
        stays = np.zeros(int(only.max(initial=0)) + 1, bool)
        stays[only] = True
    for batch in pq.ParquetFile(file).iter_batches(batch_size=twin.CHUNK):
        block = {name: batch[name].to_numpy(zero_copy_only=False).astype(np.int64) for name in batch.schema.names}
        if only is not None:
            here = (block["person"] < len(stays)) & stays[np.minimum(block["person"], len(stays) - 1)]
            block = {name: column[here] for name, column in block.items()}
        if tagged:
            bits = (np.isin(block["person"], ids).astype(np.int64) << place for place, ids in enumerate(tagged))
            block["tag"] = np.bitwise_or.reduce(list(bits))
        yield block


def add_trait(
    *, name: str, ko: str, en: str, by: str, at: datetime, rule: str = "", persons: NDArray[np.int64] | None = None
) -> int:
    """A trait of the operator's own: `tag:<name>` for the network's people in `persons`, or for whomever `rule` (a definition)
    means, which is asked anew at each build. Owners may ask for it once a twin knows it, from the next build on. Says how many
    have it; logged. Safe to repeat. Refuses: BadDefinition, NoIndex."""
    if persons is None:
        persons = _of_rule(rule).astype(np.int64)
    known = queries.index("network").ordinals(persons)
    try:
        words.tags().put(Tag(name, ko, en, rule), np.asarray(persons, dtype=np.uint32))
    except ValueError as error:
        raise BadDefinition(
            say(
                "이름은 영어 소문자로 시작하는 30자까지의 소문자·숫자·-이고, 63개까지 만들 수 있어요.",
                en="A name is up to 30 of a-z, 0-9 and -, beginning with a letter; there may be 63.",
            ),
            pointer="",
            field="name",
        ) from error
    _log.info("trait %s by %s at %s: %d people, rule %r", name, by, at.isoformat(), len(known), rule)
    return len(known)


def drop_trait(*, name: str, by: str, at: datetime) -> None:
    """Take a trait of the operator's own away; definitions that name it are refused from now on. Safe to repeat."""
    words.tags().drop(name)
    _log.info("trait %s dropped by %s at %s", name, by, at.isoformat())


def ask_rules_anew() -> None:
    """Say of every trait with a rule who has it in the network's newest build. Safe to repeat."""
    for tag in words.tags().all():
        if tag.rule:
            words.tags().put(tag, _of_rule(tag.rule))


def _of_rule(rule: str) -> NDArray[np.uint32]:
    expression = queries.read_definition(rule)
    for condition in rules.conditions_of(expression):
        if condition.trait == "tag" or rules.is_of_a_shop(condition, words.catalogue()):
            raise BadDefinition(
                say(
                    "가게마다 다른 조건과 다른 꼬리표는 규칙에 쓸 수 없어요.",
                    en="A rule has no conditions of one shop, and no other tags.",
                ),
                pointer="",
            )
    with queries.answering():
        return queries.index("network").ids(rules.with_consent(expression, words.catalogue()))


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def cut_off_person(fact: PersonErased) -> None:
    """Hears PersonErased: no frozen audience knows an erased person, and what they asked as an owner is gone."""
    if fact.person_id < NETWORK:
        with fence.across_shops():  # a person may be in frozen audiences of many shops
            for frozen in Frozen.objects.select_for_update().order_by("pk").iterator():
                numbers = queries.ordinals_of(frozen)
                if fact.person_id in numbers:
                    numbers.discard(fact.person_id)
                    Frozen.objects.filter(pk=frozen.pk).update(
                        recipients=BitMap.serialize(numbers), people=len(numbers)
                    )
    Asking.objects.filter(owner_id=fact.person_id).delete()


def join_frozen(fact: PersonsMerged) -> None:
    """Hears PersonsMerged: whoever was meant as a guest is meant as the person they turned out to be, once. Their consents
    came along, and the newest word of either holds: `still_allowed` asks it of the kept one before anything is sent."""
    with fence.across_shops():  # a person may be in frozen audiences of many shops
        for frozen in Frozen.objects.select_for_update().order_by("pk").iterator():
            numbers = queries.ordinals_of(frozen)
            if fact.gone_id in numbers:
                numbers.discard(fact.gone_id)
                numbers.add(fact.kept_id)
                Frozen.objects.filter(pk=frozen.pk).update(recipients=BitMap.serialize(numbers), people=len(numbers))
    # Guests own no shop; should one ever have, a merger must not give a budget back.
    for asking in Asking.objects.filter(owner_id=fact.gone_id):
        if not Asking.objects.filter(owner_id=fact.kept_id, question=asking.question, day=asking.day).exists():
            Asking.objects.filter(pk=asking.pk).update(owner_id=fact.kept_id)


def forget_answers(*, at: datetime) -> int:
    """Drop answers and questions older than the 90 days they are counted in; says how many. Safe to repeat."""
    before = at.astimezone(KST).date() - timedelta(days=91)
    gone, _ = Answer.objects.filter(day__lt=before).delete()
    asked, _ = Asking.objects.filter(day__lt=before).delete()
    return gone + asked

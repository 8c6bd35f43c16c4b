"""From what was asked to what is done: an expression becomes a short program over the rows of the index.

The planner knows how many people each row has. Of conditions that must all hold it begins with the rarest (a region is a row
too, and mostly the rarest), takes negations as differences, and jumps out of a block as soon as nobody is left in it; of
alternatives it begins with the commonest and jumps when everybody is in. Negations of negations and joins within like joins
are folded away, so ten thousand of them cost what one costs.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise

from dure.audiences.engine import kernel
from dure.audiences.engine.expression import All, Any, Between, Everybody, Expression, Is, Not, Unanswerable, walk

STEPS_MAX = 100_000


@dataclass(slots=True)
class Node:
    """A part of the plan: a row, a chain of rows joined one after the other, or a join of nodes; perhaps turned round.

    `share` is the part of everybody that is expected in it, before `negated`. `runs`: its people stand together, in the order
    of the index.
    """

    share: float
    negated: bool = False
    row: int = -1
    chain: tuple["Step", ...] = ()
    join: int = -1
    parts: list["Node"] = field(default_factory=list)
    depth: int = 1
    runs: bool = False

    @property
    def expected(self) -> float:
        """The part of everybody that is expected in it, after all."""
        return 1 - self.share if self.negated else self.share


EVERYBODY = Node(1.0, join=kernel.AND)
NOBODY = Node(0.0, join=kernel.OR)
Rows = Callable[[Is | Between], Node]
"""What a condition is in the index."""


def planned(expression: Expression, rows: Rows) -> Node:
    """The expression as nodes, folded. Without recursion: what people nest does not run us out of anything."""
    done: list[Node] = []
    for part in reversed(list(walk(expression))):  # children before their parents
        match part:
            case Everybody():
                done.append(EVERYBODY)
            case Is() | Between():
                done.append(rows(part))
            case Not():
                done.append(turned(done.pop()))
            case All(parts) | Any(parts):
                nodes = [done.pop() for _ in parts]
                if isinstance(part, All):
                    nodes = _met(parts, nodes, rows)
                done.append(joined(kernel.AND if isinstance(part, All) else kernel.OR, nodes))
    return done.pop()


def _met(parts: tuple[Expression, ...], nodes: list[Node], rows: Rows) -> list[Node]:
    """The nodes of conditions that must all hold, with several ranges of one number as the range where they meet."""
    if sum(isinstance(part, Between) for part in parts) < 2:
        return nodes
    ranges: dict[str, list[Between]] = {}
    for part in parts:
        if isinstance(part, Between):
            ranges.setdefault(part.trait, []).append(part)
    several = {trait: some for trait, some in ranges.items() if len(some) > 1}
    left = [
        n for part, n in zip(parts, nodes, strict=True) if not (isinstance(part, Between) and part.trait in several)
    ]
    for trait, some in several.items():
        low = max((part.low for part in some if part.low is not None), default=None)
        high = min((part.high for part in some if part.high is not None), default=None)
        left.append(NOBODY if low is not None and high is not None and low > high else rows(Between(trait, low, high)))
    return left


def turned(node: Node) -> Node:
    """The negation."""
    if not node.parts and node.row < 0 and not node.chain:
        return NOBODY if node.expected else EVERYBODY
    return Node(node.share, not node.negated, node.row, node.chain, node.join, node.parts, node.depth, node.runs)


def joined(join: int, parts: list[Node]) -> Node:
    """All (AND) or any (OR) of the parts, the most telling first."""
    flat: list[Node] = []
    for part in parts:
        if part.join == join and not part.negated:
            flat.extend(part.parts)  # of everybody in AND, and nobody in OR, nothing is left
        elif part.join >= 0 and not part.parts:
            return part
        else:
            flat.append(part)
    if len(flat) > 1:
        alike = {(part.row, part.negated): part for part in flat if part.row >= 0}
        flat = [*alike.values(), *(part for part in flat if part.row < 0)]
    if len(flat) <= 1:
        return flat[0] if flat else EVERYBODY if join == kernel.AND else NOBODY
    # What stands together comes first: it says which lines of a block need not be read at all. A plain row costs a glance, a
    # join more: of equals the plain one comes before it.
    if join == kernel.AND:
        flat.sort(key=lambda part: (not part.runs, part.expected * (1 if part.row >= 0 else 2), part.negated))
        first = next((at for at, part in enumerate(flat) if not part.negated), 0)
        flat.insert(0, flat.pop(first))
        share = math.prod(part.expected for part in flat)
    else:
        flat.sort(key=lambda part: -part.expected)
        share = 1 - math.prod(1 - part.expected for part in flat)
    depth = 1 + max(part.depth for part in flat)
    if depth > kernel.DEPTH_MAX:
        raise Unanswerable("too-deep")
    return Node(share, join=join, parts=flat, depth=depth)


Step = tuple[int, int]
"""What is done, and the row that it is done with or the step that it leads to."""


def program(node: Node, everybody: int) -> list[Step]:
    """The steps that leave the people of `node` on top, within the row of everybody."""
    steps: list[Step] = []
    _write(node, steps, narrow=node.join == kernel.AND and not node.negated)
    steps.append((kernel.AND, everybody))
    if len(steps) > STEPS_MAX:
        raise Unanswerable("too-large")
    return steps


def _write(node: Node, steps: list[Step], *, narrow: bool = False) -> None:
    """Steps that push one node. As deep as the tree is, and `joined` sees to it that this is not deep. `narrow`: it is the
    root, and what is not in it so far never will be."""
    if node.row >= 0:
        steps.append((kernel.PUSH, node.row))
    elif node.chain:
        steps.extend(node.chain)
    elif not node.parts:
        # Whatever a row is, it and its opposite are everybody.
        steps.append((kernel.PUSH, 0))
        steps.append((kernel.WITHOUT, 0))
        if node.join == kernel.AND:
            steps.append((kernel.FLIP, 0))
    else:
        _write(node.parts[0], steps)
        leave = kernel.IF_NOBODY if node.join == kernel.AND else kernel.IF_EVERYBODY
        jumps = []
        for before, part in pairwise(node.parts):
            if narrow and not (before.runs and part.runs):
                steps.append((kernel.NARROW, 0))
            jumps.append(len(steps))
            steps.append((leave, 0))
            if part.row >= 0 and not part.negated:
                steps.append((node.join, part.row))
            elif part.row >= 0 and node.join == kernel.AND:
                steps.append((kernel.WITHOUT, part.row))
            elif part.negated and node.join == kernel.AND:
                _write(turned(part), steps)
                steps.append((kernel.WITHOUT_TOP, 0))
            else:
                _write(part, steps)
                steps.append((kernel.AND_TOP if node.join == kernel.AND else kernel.OR_TOP, 0))
        for jump in jumps:
            steps[jump] = (leave, len(steps))
    if node.negated:
        steps.append((kernel.FLIP, 0))

"""Small changes of a module's source, each on its own: a condition less, a bound moved, a number one more.

What is changed follows the usual operators of mutation testing (DeMillo, Lipton, Sayward 1978), chosen for
rules written as Polars expressions. What a rule says of itself is left alone, for nothing is decided by it:
evidence, and the settings that stand in it (calls of `_SAID`, functions whose names end in `facts`). That
amounts can be recomputed from evidence is held by tests of its own.
"""

import ast
import copy
import importlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

_BOUNDS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
}
_OTHER = {
    "min": "max",
    "max": "min",
    "min_horizontal": "max_horizontal",
    "max_horizontal": "min_horizontal",
    "sum": "max",
    "first": "last",
    "last": "first",
    "any": "all",
    "all": "any",
    "is_null": "is_not_null",
    "is_not_null": "is_null",
}
"""Methods, and what they become."""

_KEYED = {"join": "on", "join_asof": "by", "group_by": "by", "over": "partition_by", "unique": "subset"}
"""Methods that ask for keys, and the argument of that name; each key is left out where it is asked for."""

_SAID = ("evidence", "settings_text")
"""Functions of which no argument is changed."""

_AMOUNTS = "per_currency"
"""What reads caps and minimums; each is tried one minor unit higher and lower."""

_DROPPED = ("filter", "unique", "clip", "head", "fill_null", "drop_nulls", "sort")
"""Methods without which their receiver is left."""


@dataclass(frozen=True)
class Mutant:
    """A module with one change.

    Attributes:
        module: its dotted name.
        where: the function in it, empty outside of all.
        nth: of the same changes in there, from 1.
        line: of the change.
        before: the source that was changed.
        after: what it became.
        tree: the whole module.
    """

    module: str
    where: str
    nth: int
    line: int
    before: str
    after: str
    tree: ast.Module

    @property
    def name(self) -> str:
        """What tells it apart as long as the code around it stays."""
        again = "" if self.nth == 1 else f" ({self.nth})"
        return f"{self.module} {self.where}: {self.before} -> {self.after}{again}"


def mutants(module: str, source: str) -> Iterator[Mutant]:
    """All mutants of a module, in the order of its source."""
    tree = ast.parse(source)
    keys = _lists(module)
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    seen: Counter[tuple[str, str, str]] = Counter()
    said = {id(node) for top in ast.walk(tree) if _says(top) for node in ast.walk(top)}
    places = [
        (node.lineno, node.col_offset, place, node)
        for place, node in enumerate(ast.walk(tree))
        if isinstance(node, ast.expr) and id(node) not in said
    ]
    for _, _, place, node in sorted(places, key=lambda found: found[:3]):
        for changed in (*_changes(node), *_fewer_keys(node, keys)):
            whole = copy.deepcopy(tree)
            target = next(found for at, found in enumerate(ast.walk(whole)) if at == place)
            _Swap(target, changed).visit(whole)
            ast.fix_missing_locations(whole)
            around = [f.name for f in functions if f.lineno <= node.lineno <= (f.end_lineno or 0)]
            change = around[-1] if around else "", ast.unparse(node), ast.unparse(changed)
            seen[change] += 1
            where, before, after = change
            yield Mutant(module, where, seen[change], node.lineno, before, after, whole)


def _says(node: ast.AST) -> bool:
    """Whether this only says what a rule rests on."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        return node.func.id in _SAID
    return isinstance(node, ast.FunctionDef) and node.name.endswith("facts")


class _Swap(ast.NodeTransformer):
    def __init__(self, target: ast.AST, other: ast.expr) -> None:
        self._target, self._other = target, other

    def visit(self, node: ast.AST) -> ast.AST:
        """The other node in the place of the target."""
        return self._other if node is self._target else super().generic_visit(node)


def _changes(node: ast.expr) -> Iterator[ast.expr]:
    if isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in _BOUNDS:
        other = copy.deepcopy(node)
        other.ops = [_BOUNDS[type(node.ops[0])]()]
        yield other
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitAnd | ast.BitOr):
        yield from (copy.deepcopy(side) for side in (node.left, node.right))
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Invert):
        yield copy.deepcopy(node.operand)
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        yield from _calls(node, node.func)
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == _AMOUNTS:
        yield from (ast.BinOp(copy.deepcopy(node), ast.Add(), ast.Constant(step)) for step in (1, -1))
    elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "settings":
        yield from _settings(node)
    elif isinstance(node, ast.Constant) and type(node.value) is int:
        yield ast.Constant(node.value + 1)
    elif isinstance(node, ast.List) and len(node.elts) > 1:
        yield from (_without(node, place) for place in range(len(node.elts)))


def _calls(node: ast.Call, method: ast.Attribute) -> Iterator[ast.expr]:
    if method.attr in _DROPPED:
        if method.attr == "filter" and len(node.args) > 1:
            for place in range(len(node.args)):
                other = copy.deepcopy(node)
                del other.args[place]
                yield other
        else:
            yield copy.deepcopy(method.value)
    elif method.attr in _OTHER:
        other = copy.deepcopy(node)
        other.func = ast.Attribute(copy.deepcopy(method.value), _OTHER[method.attr], method.ctx)
        yield other
    elif method.attr == "join" and any(
        isinstance(word.value, ast.Constant) and word.value.value in ("semi", "anti")
        for word in node.keywords
    ):
        yield copy.deepcopy(method.value)


def _lists(module: str) -> dict[str, list[str]]:
    """The lists of several names that a module knows by a name of its own."""
    known = vars(importlib.import_module(module))
    return {name: value for name, value in known.items() if isinstance(value, list) and len(value) > 1}


def _fewer_keys(node: ast.expr, lists: dict[str, list[str]]) -> Iterator[ast.expr]:
    """The call of a method that asks for keys, with one key less; literal lists are changed by themselves."""
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _KEYED):
        return
    joins = node.func.attr.startswith("join")
    for place, word in enumerate(node.keywords):
        if word.arg == _KEYED[node.func.attr] and isinstance(word.value, ast.Name) and word.value.id in lists:
            for fewer in _shorter(lists[word.value.id]):
                other = copy.deepcopy(node)
                other.keywords[place].value = fewer
                yield other
    for place, given in enumerate([] if joins else node.args):
        named = given.value if isinstance(given, ast.Starred) else given
        if isinstance(named, ast.Name) and named.id in lists:
            for fewer in _shorter(lists[named.id]):
                other = copy.deepcopy(node)
                other.args[place] = ast.Starred(fewer) if isinstance(given, ast.Starred) else fewer
                yield other
        elif len(node.args) > 1 and isinstance(given, ast.Constant):
            other = copy.deepcopy(node)
            del other.args[place]
            yield other


def _shorter(names: list[str]) -> Iterator[ast.expr]:
    for left_out in names:
        yield ast.List([ast.Constant(name) for name in names if name != left_out], ast.Load())


def _settings(node: ast.Attribute) -> Iterator[ast.expr]:
    """A setting one step further; tables of amounts per currency are changed where they are read."""
    if node.attr.endswith("_minor"):
        return
    if node.attr.endswith(("_share", "_most")):
        yield ast.BinOp(copy.deepcopy(node), ast.Mult(), ast.Constant(0.9))
        return
    for step in (1, -1):
        yield ast.BinOp(copy.deepcopy(node), ast.Add(), ast.Constant(step))


def _without(node: ast.List, place: int) -> ast.expr:
    other = copy.deepcopy(node)
    del other.elts[place]
    return other

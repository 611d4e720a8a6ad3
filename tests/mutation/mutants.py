"""Small faults for a module: each mutant is its syntax tree with one node replaced.

Operators: comparison (its boundary and its opposite), arithmetic, boolean, constant (±1, True ↔ False),
`return None`, a statement deleted. Left alone: docstrings, annotations, imports, decorators, the keywords of
class definitions, and text. Constants of a module and defaults are mutated too: half of the order protocol is
tables and limits.
"""

import ast
from dataclasses import dataclass

BOUNDARY_AND_OPPOSITE = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
ARITHMETIC = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult, ast.Pow: ast.Mult, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd,
}  # fmt: skip
DELETABLE = (
    ast.Expr,
    ast.Assign,
    ast.AugAssign,
    ast.Raise,
    ast.If,
    ast.For,
    ast.Delete,
    ast.Continue,
    ast.Break,
)
HEALTHY = -1  # the number of no mutant: the module as it is
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


@dataclass(frozen=True)
class Mutant:
    """One fault. `key` names it without line numbers, so that what is said of it outlives edits elsewhere.

    number  place among the mutants of the module, for `mutated`
    lines   of the statement that holds it, or of the head of a compound one
    inside  whether it is in a function's body; what is not is executed by the import alone
    """

    module: str
    key: str
    number: int
    operator: str
    lines: range
    inside: bool


@dataclass(frozen=True)
class _Place:
    """A node, where it hangs, and what is said of it."""

    owner: ast.AST
    field: str
    index: int | None
    node: ast.AST
    scope: str
    lines: range
    inside: bool


def mutants_of(module, source):
    """Every mutant of a module, in the order of its text."""
    found, names = [], {}
    for number, (place, operator, after) in enumerate(_edits(ast.parse(source))):
        said = f"{place.scope}: {_text(place.node)} → {_text(after)}"
        names[said] = names.get(said, 0) + 1
        key = said if names[said] == 1 else f"{said} #{names[said]}"
        found.append(Mutant(module, key, number, operator, place.lines, place.inside))
    return found


def mutated(source, number):
    """The tree of a module with one fault in it; with none for `HEALTHY`."""
    tree = ast.parse(source)
    if number == HEALTHY:
        return tree
    for at, (place, _, after) in enumerate(_edits(tree)):
        if at == number:
            ast.copy_location(after, place.node)
            if place.index is None:
                setattr(place.owner, place.field, after)
            else:
                getattr(place.owner, place.field)[place.index] = after
            return ast.fix_missing_locations(tree)
    raise LookupError(f"There is no mutant number {number}; ask `mutants_of` how many there are.")


def _edits(tree):
    for place in _places(tree, "module", range(0), inside=False):
        for operator, after in _replacements(place):
            yield place, operator, after


def _places(owner, scope, lines, *, inside):
    for field, value in ast.iter_fields(owner):
        if field in {"annotation", "returns", "decorator_list", "keywords"} and not isinstance(
            owner, ast.Call
        ):
            continue
        body = inside or (isinstance(owner, FUNCTIONS) and field == "body")
        for index, node in enumerate(value) if isinstance(value, list) else ((None, value),):
            if not isinstance(node, ast.AST) or _is_docstring(owner, field, index, node):
                continue
            here = _span(node) if isinstance(node, ast.stmt) else lines
            yield _Place(owner, field, index, node, scope, here, body)
            name = getattr(node, "name", "") if isinstance(node, (ast.ClassDef, *FUNCTIONS)) else ""
            within = name if scope == "module" else f"{scope}.{name}"
            yield from _places(node, within if name else scope, here, inside=body)


def _span(statement):
    """Lines of a simple statement, or of the head of a compound one."""
    body = getattr(statement, "body", None)
    end = max(statement.lineno, body[0].lineno - 1) if body else statement.end_lineno
    return range(statement.lineno, end + 1)


def _is_docstring(owner, field, index, node):
    return (
        field == "body" and index == 0 and isinstance(owner, (ast.Module, ast.ClassDef, *FUNCTIONS))
        and isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    )  # fmt: skip


def _replacements(place):
    node = place.node
    match node:
        case ast.Compare():
            yield from _comparisons(node)
        case ast.BinOp() if type(node.op) in ARITHMETIC:
            yield "arithmetic", ast.BinOp(node.left, ARITHMETIC[type(node.op)](), node.right)
        case ast.AugAssign() if type(node.op) in ARITHMETIC:
            yield "arithmetic", ast.AugAssign(node.target, ARITHMETIC[type(node.op)](), node.value)
        case ast.UnaryOp(op=ast.USub()):
            yield "arithmetic", node.operand
        case ast.UnaryOp(op=ast.Not()):
            yield "boolean", node.operand
        case ast.BoolOp():
            other = ast.Or if isinstance(node.op, ast.And) else ast.And
            yield "boolean", ast.BoolOp(other(), node.values)
        case ast.Constant(value=bool()):
            yield "boolean", ast.Constant(not node.value)
        case ast.Constant(value=int() | float()):
            yield "constant", ast.Constant(node.value + 1)
            yield "constant", ast.Constant(node.value - 1)
        case ast.Return(value=ast.expr()) if not _is_none(node.value):
            yield "return", ast.Return(ast.Constant(None))
    if place.inside and isinstance(node, DELETABLE):
        yield "delete", ast.Pass()


def _comparisons(node):
    for at, op in enumerate(node.ops):
        for other in BOUNDARY_AND_OPPOSITE[type(op)]:
            ops = [*node.ops[:at], other(), *node.ops[at + 1 :]]
            yield "comparison", ast.Compare(node.left, ops, node.comparators)


def _is_none(node):
    return isinstance(node, ast.Constant) and node.value is None


def _text(node):
    """One line of source; of a compound statement its head."""
    text = ast.unparse(ast.fix_missing_locations(node))
    return text.split("\n", 1)[0]

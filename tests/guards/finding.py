"""Finds the guards in the code, by its syntax: whoever adds a guard has it tried with the others.

What counts as one is said by `Finder`: the decorators `for_event`, `before_request` and those of rate limits, every
`may(...)` and `organizer_may(...)`, every condition on which something is not found, forbidden or refused, every
condition of a query that keeps to one event, the predicates named below, and every `unmasked`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

PERMISSIVE = {
    "_is_from_here": True, "_is_over": False, "_may_read": True, "_opens": True,
    "_recovery_left": True, "fits": True, "is_fresh": True, "is_own_path": True,
    "lacks_factor": False, "password_fits": True, "tells_apart": False, "tells_of_category": False,
}  # fmt: skip
"""Functions that say whether somebody may, and what they say to everybody once they are taken away."""
REFUSING_FILES = ("exports.py", "accounts.py")
"""Where a Refusal is about who asks; elsewhere it is about what was typed."""
UNGUARDED_FILES = ("development.py",)
"""Bound on a development machine alone."""
REFUSERS = (
    "refuse_too_many", "_refuse_too_many", "_refuse_unless_allowed", "_refuse_unnamed", "refuse_bad",
    "refuse_blind_change", "_refuse_hidden", "_refuse_lost", "take_try", "take_strange_try", "count_sign_up",
)  # fmt: skip
LOOKUPS = ("visible_event", "registration_of", "called")
"""A call of these for nothing but its NotFound is a guard."""
LIMITS = ("asks_for_password", "erases", "sends_trial", "limiter.limit")
SCOPES = ("event_id", "registration_id")
SCOPED = ("_registrations", "_session_id", "page", "newest")
"""Queries that have to keep to one event, besides those that find one thing or raise NotFound."""
MAY_IN_TEMPLATE = re.compile(rb"organizer_may\([^)]*\)")
TRUE_SQL = '__import__("sqlalchemy").true()'
AWAY = '__import__("tests.guards.switch", fromlist=["away"]).away'
OPENED = '__import__("tests.guards.opened", fromlist=["opened"]).opened'


@dataclass(frozen=True)
class Mutant:
    """One guard taken away: the octets from `start` to `end` of a file become `new`. `view`: the endpoint whose own
    guard it was, so that its row of the access matrix tells alone. `alone`: it cannot be switched at run time."""

    path: str
    line: int
    start: int
    end: int
    new: str
    what: str
    view: str = ""
    alone: bool = False

    @property
    def name(self) -> str:
        """Where it is and what was done there."""
        return f"{self.path}:{self.line} {self.what}"

    def write(self, root: Path) -> None:
        """Take the guard away in the tree at `root`."""
        file = root / self.path
        octets = file.read_bytes()
        file.write_bytes(octets[: self.start] + self.new.encode() + octets[self.end :])


def write_switches(root: Path, found: Sequence[Mutant]) -> None:
    """Write all of these into the tree at `root`, each by its number behind a switch (`switch.away`)."""
    for path in {one.path for one in found}:
        asked = "guard_is_away" if path.endswith(".html") else AWAY
        pieces: list[tuple[tuple[int, int, int], str]] = []
        for number, one in enumerate(found):
            if one.path == path:
                length = one.end - one.start
                pieces.append(((one.start, 1, -length), f"({one.new} if {asked}({number}) else "))
                pieces.append(((one.end, 0, length), ")"))
        octets = (root / path).read_bytes()
        for (place, _order, _length), piece in sorted(pieces, reverse=True):
            octets = octets[:place] + piece.encode() + octets[place:]
        (root / path).write_bytes(octets)


def mutants(root: Path) -> list[Mutant]:
    """Return all, in the order of files and lines."""
    code = sorted(path for path in (root / "registration").rglob("*.py") if path.name not in UNGUARDED_FILES)
    found = [one for path in code for one in Finder(root, path).all()]
    for path in sorted((root / "templates").rglob("*.html")):
        octets = path.read_bytes()
        for call in MAY_IN_TEMPLATE.finditer(octets):
            line = octets[: call.start()].count(b"\n") + 1
            what = f"{call.group().decode()} -> true"
            found.append(Mutant(str(path.relative_to(root)), line, call.start(), call.end(), "true", what))
    return found


class Finder(ast.NodeVisitor):
    """Finds the guards of one file."""

    def __init__(self, root: Path, path: Path) -> None:
        self._path = path.relative_to(root)
        self._octets = path.read_bytes()
        lengths = [len(line) for line in self._octets.splitlines(keepends=True)]
        self._starts = [sum(lengths[:number]) for number in range(len(lengths) + 1)]
        self._function: ast.FunctionDef | None = None
        self._found: list[Mutant] = []

    def all(self) -> list[Mutant]:
        """Return them."""
        self.visit(ast.parse(self._octets))
        return sorted({(one.start, one.end, one.new): one for one in self._found}.values(), key=lambda one: one.start)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        for decorator in node.decorator_list:
            self._decorator(node, decorator)
        outer, self._function = self._function, node
        if node.name in PERMISSIVE and outer is None:
            self._predicate(node)
        self.generic_visit(node)
        self._function = outer

    def visit_Call(self, node: ast.Call) -> None:
        name = _name(node.func)
        if name == "may":
            self._add(node, "True", f"{ast.unparse(node)} -> True")
        if name == "where" and self._is_scoped():
            for one in node.args:
                if isinstance(one, ast.Compare) and _name(one.left) in SCOPES:
                    self._add(one, TRUE_SQL, f"without {ast.unparse(one)}")
        for keyword in node.keywords:
            if keyword.arg == "unmasked" and not isinstance(keyword.value, ast.Constant):
                self._add(keyword.value, "True", f"{name}(unmasked=True)")
        self.generic_visit(node)

    def visit_If(self, node: ast.If) -> None:
        if len(node.body) == 1 and self._refuses(node.body[0]):
            self._condition(node.test)
        self.generic_visit(node)

    def visit_Expr(self, node: ast.Expr) -> None:
        if isinstance(node.value, ast.Call) and _name(node.value.func) in (*REFUSERS, *LOOKUPS):
            self._add(node, "None", f"without {ast.unparse(node)}")
        if ast.unparse(node) == "csrf.exempt(unsubscribe.blueprint)":
            for name in self._guarded_blueprints():
                self._add(
                    node, f"{ast.unparse(node)}; csrf.exempt({name}.blueprint)", f"exempts {name} from CSRF", alone=True
                )
        self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> None:
        if node.id == "unmasked" and isinstance(node.ctx, ast.Load) and not self._is_passed_on(node):
            self._add(node, "True", "unmasked -> True")

    def _decorator(self, node: ast.FunctionDef, decorator: ast.expr) -> None:
        called = decorator.func if isinstance(decorator, ast.Call) else decorator
        name = ast.unparse(called)
        if name == "for_event" and isinstance(decorator, ast.Call):
            view, action = f"organizer.{node.name}", ast.unparse(decorator.args[0])
            self._add(decorator, OPENED, f"{node.name} without for_event({action})", view)
            if action != "Action.SEE_NUMBERS":
                self._add(decorator.args[0], "Action.SEE_NUMBERS", f"{node.name} for_event(SEE_NUMBERS)", view)
        elif name in LIMITS or name.endswith(".before_request"):
            self._add(decorator, "(lambda same: same)", f"{node.name} without {name}", alone=True)

    def _predicate(self, node: ast.FunctionDef) -> None:
        value = PERMISSIVE[node.name]
        last = node.body[-1]
        if isinstance(last, ast.Return) and isinstance(last.value, ast.BoolOp):
            for one in last.value.values:
                self._add(one, str(value), f"{ast.unparse(one)} -> {value}")
        elif isinstance(last, ast.Return) and last.value is not None:
            self._add(last.value, str(value), f"-> {value}")

    def _condition(self, test: ast.expr) -> None:
        """A condition on which somebody is refused never holds; each of several by itself."""
        parts = test.values if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.Or) else [test]
        for one in parts:
            if isinstance(one, ast.UnaryOp) and isinstance(one.operand, ast.Call) and _name(one.operand.func) == "may":
                continue  # `may` itself is tried.
            self._add(one, "False", f"if {ast.unparse(one)} -> False")

    def _refuses(self, node: ast.stmt) -> bool:
        code, name = ast.unparse(node), self._function.name if self._function else ""
        if code.startswith("raise NotFound(") or code in ("abort(403)", "abort(404)", "return to_sign_in()"):
            return True
        if code.startswith("raise _not_there("):
            return True
        if code.startswith("raise Refusal("):
            return self._path.name in REFUSING_FILES and "reason" not in code and name != "refuse_bad"
        return (code == "return False" and name in PERMISSIVE) or (code == "return None" and name == "with_token")

    def _is_scoped(self) -> bool:
        if self._function is None or self._path.parts[1] != "domain":
            return False
        code = ast.unparse(self._function)
        return self._function.name in SCOPED or "NotFound(" in code or "_not_there(" in code

    def _is_passed_on(self, node: ast.Name) -> bool:
        """Whether it only goes on as a keyword, which `visit_Call` has."""
        before = self._octets[: self._at(node.lineno, node.col_offset)]
        return before.endswith(b"unmasked=")

    def _guarded_blueprints(self) -> list[str]:
        """The modules whose forms need their token."""
        folder = Path(__file__).parents[2] / "registration" / "web"
        code = self._octets.decode()
        names = re.findall(r"\w+", re.search(r"for module in \(([^)]*)\)", code)[1])  # type: ignore[index]
        posting = {path.stem for path in folder.glob("*.py") if "blueprint.post(" in path.read_text()} | {"organizer"}
        return [name for name in names if name in posting and f"csrf.exempt({name}.blueprint)" not in code]

    def _add(self, node: ast.expr | ast.stmt, new: str, what: str, view: str = "", *, alone: bool = False) -> None:
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        if self._function and not view:
            what = f"{self._function.name}: {what}"
        start, end = self._at(node.lineno, node.col_offset), self._at(node.end_lineno, node.end_col_offset)
        self._found.append(Mutant(str(self._path), node.lineno, start, end, new, what, view, alone))

    def _at(self, line: int, column: int) -> int:
        return self._starts[line - 1] + column


def _name(node: ast.expr) -> str:
    """The last part of a dotted name."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""

"""What a call does to an attribute that it is given."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from kimera_leakguard_native.analysis.callgraph import Target
from kimera_leakguard_native.analysis.obligations.uses import Fate
from kimera_leakguard_native.analysis.obligations.words import first_word, releases
from kimera_leakguard_native.analysis.ownership import Effect
from kimera_leakguard_native.analysis.summaries import Summary

if TYPE_CHECKING:
    from kimera_leakguard_native.analysis.obligations.families import Family, Member
    from kimera_leakguard_native.analysis.project import Project

_BORROWING = ("os.", "fcntl.", "termios.", "tty.", "select.", "signal.", "logging.")
_PASSING = frozenset({"list", "tuple", "set", "sorted", "reversed", "iter", "next", "zip",
                      "enumerate", "filter", "map", "chain", "frozenset"})  # fmt: skip
_KEEPING = frozenset(
    {"closing", "aclosing", "enter_context", "enter_async_context", "push", "callback",
     "push_async_callback", "addCleanup", "addClassCleanup", "addAsyncCleanup", "addfinalizer",
     "register_cleanup"}
)  # fmt: skip
_RUNNING = frozenset({"Thread", "Process", "Timer", "isinstance", "hasattr", "dict", "debug",
                      "info", "warning", "error", "exception", "log", "poll", "register", "modify",
                      "unregister", "add_reader", "add_writer"})  # fmt: skip


class CalleeView:
    """Answers for the calls in the methods of one class, `member` of a family."""

    def __init__(self, project: Project, family: Family, member: Member) -> None:
        self._project = project
        self._family = family
        self._member = member
        self._releasing = frozenset(
            name for item in project.catalog.resources.values() for name in item.functions
        )

    def on_argument(self, call: ast.Call, argument: ast.AST, owner: str) -> Fate | None:
        """Say what happens to an argument; None where the result still stands for it."""
        func = call.func
        last = func.attr if isinstance(func, ast.Attribute) else getattr(func, "id", "")
        module = self._member.module
        qualified = module.qualify(module.body, func)
        if argument is func:
            return Fate.USED
        callees = self._project.catalog.callees
        if last in _KEEPING or last.lower() == "finalize" or qualified == "atexit.register":
            return Fate.ARRANGED
        if qualified in self._releasing or releases(last):
            return Fate.RELEASED
        if last in _PASSING or last == "getattr" or last == "cast":
            return None
        if (
            last in _RUNNING
            or qualified in callees.borrow
            or qualified in callees.keeping
            or (qualified or "").startswith(_BORROWING)
        ):
            return Fate.USED
        known = self._summary(call, argument, owner, qualified)
        if known is not None:
            return {
                Effect.RELEASE: Fate.RELEASED,
                Effect.BORROW: Fate.USED,
                Effect.READ: Fate.USED,
                Effect.WRAP: Fate.ESCAPED,
                Effect.DERIVE: Fate.ESCAPED,
                Effect.TAKE: Fate.ESCAPED,
            }[known]
        if last[:1].islower() and first_word(last) in callees.borrow_verbs:
            return Fate.USED
        return Fate.ESCAPED

    def _summary(
        self, call: ast.Call, argument: ast.AST, owner: str, qualified: str | None
    ) -> Effect | None:
        key: int | str
        if isinstance(argument, ast.keyword):
            if argument.arg is None:
                return None
            key = argument.arg
        elif argument in call.args:
            key = call.args.index(argument)
        else:
            return None
        func = call.func
        if (
            isinstance(func, ast.Attribute)
            and isinstance(func.value, ast.Name)
            and func.value.id == owner
        ):
            found = self._family.method(func.attr)
            if found is None:
                return None
            member, scope = found
            target = Target(self._project.function(member.module, scope), bound=True)
            return Summary(target).effect(key)
        place = None if qualified is None else self._project.find(qualified)
        if place is None or place[1] not in place[0].functions:
            return None
        module, name = place
        function = self._project.function(module, module.functions[name])
        return Summary(Target(function, bound=False)).effect(key)

"""Which rules there are."""

from __future__ import annotations

import functools
import importlib
from dataclasses import dataclass

_MODULES = (
    "klg101_unreleased_file",
    "klg102_unreleased_descriptor",
    "klg103_unreleased_socket",
    "klg104_unreleased_connection",
    "klg105_unreleased_http",
    "klg106_unreleased_process",
    "klg107_unreleased_pool",
    "klg108_temporary_directory",
    "klg109_unreleased_handle",
    "klg110_unreleased_stream",
    "klg201_cached_method",
    "klg202_unbounded_object_cache",
    "klg203_growing_global",
    "klg204_growing_attribute",
    "klg205_unremoved_registration",
    "klg206_growing_default",
    "klg207_reading_default",
    "klg208_view_keeps_base",
    "klg209_weak_map_holds_key",
    "klg301_device_memory",
    "klg310_summed_graph",
    "klg311_collected_graph",
    "klg312_hook_not_removed",
    "klg313_retained_graph",
    "klg401_dangling_task",
    "klg402_pending_task",
    "klg410_stored_exception",
    "klg411_exception_cycle",
    "klg412_self_capturing_callback",
    "klg413_finalizer_holds_object",
    "klg414_bound_method_cycle",
    "klg415_recursive_closure",
    "klg416_kept_by_own_part",
    "klg417_loop_variable",
    "klg901_unused_suppression",
)


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule as the catalog's resources name it.

    Attributes
    ----------
    code, name : str
        For example ``KLG101`` and ``unreleased-file``.
    summary : str
        One line.
    help : str
        What to do about a finding.
    page : str
        The whole documentation, in Markdown.
    """

    code: str
    name: str
    summary: str
    help: str
    page: str


@functools.cache
def rules() -> dict[str, Rule]:
    """Give all rules by code."""
    found = {}
    for stem in _MODULES:
        module = importlib.import_module(f"kimera_leakguard_native.analysis.rules.{stem}")
        page = module.__doc__ or ""
        found[module.CODE] = Rule(
            module.CODE, module.NAME, page.strip().partition("\n")[0], module.HELP, page
        )
    return found


def selected(codes: tuple[str, ...]) -> frozenset[str]:
    """Give the codes that start with one of the given ones; all, if none are given."""
    known = rules()
    if not codes:
        return frozenset(known)
    return frozenset(code for code in known if code.startswith(tuple(codes)))

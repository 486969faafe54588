"""Starts the sampler in the interpreter that `klg run` launches, and leaves no other trace.

The folder of this file comes first on PYTHONPATH, so that `site` imports it before the program. It
puts the environment back, lets the user's own sitecustomize run, and imports nothing but the
extension module: the program must find the interpreter as it would without us.
"""

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any


def _put_back(pythonpath: str, preload: str) -> None:
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [path for path in sys.path if path != here]
    sys.path_importer_cache.pop(here, None)
    for name, value in (("PYTHONPATH", pythonpath), ("LD_PRELOAD", preload)):
        if value.startswith("="):
            os.environ[name] = value[1:]
        else:
            os.environ.pop(name, None)


def _load_core(path: str) -> "Any":
    import _frozen_importlib as bootstrap
    import _frozen_importlib_external as external

    name = "kimera_leakguard_native._core"
    loader = external.ExtensionFileLoader(name, path)
    core: ModuleType = bootstrap.module_from_spec(bootstrap.ModuleSpec(name, loader, origin=path))
    sys.modules[name] = core
    loader.exec_module(core)
    return core


def _begin(order: str) -> None:
    *numbers, native, child_folder, pythonpath, preload, core_path = order.split("\n", 9)
    descriptor, mean_bytes, budget, credit_s, parent = numbers
    _put_back(pythonpath, preload)
    try:
        core = _load_core(core_path)
        core.sampler.die_with_parent(int(parent))
        if reason := core.sampler.native_unavailable_reason(native):
            sys.stderr.write(f"klg: C allocations are not seen: {reason}\n")
            native = "off"
        core.sampler.start(
            mean_bytes=float(mean_bytes),
            budget=float(budget),
            credit_s=float(credit_s),
            descriptor=int(descriptor),
            native=native,
            child_folder=child_folder,
        )
    except Exception as error:  # noqa: BLE001 - the program must run, with or without us
        sys.stderr.write(f"klg: the program runs unobserved: {error}\n")
    os.close(int(descriptor))


def _run_users() -> None:
    """Import the sitecustomize that this one hides; raise as `import` would where there is none."""
    import _frozen_importlib as bootstrap
    import _frozen_importlib_external as external

    spec = external.PathFinder.find_spec("sitecustomize")
    if spec is None or spec.loader is None:
        # What `site` expects where there is none; the import system then forgets this module.
        raise ModuleNotFoundError("No module named 'sitecustomize'", name="sitecustomize")
    module = bootstrap.module_from_spec(spec)
    sys.modules["sitecustomize"] = module
    spec.loader.exec_module(module)


_order = os.environ.pop("KLG_LAUNCH", None)
if _order is not None:
    _begin(_order)
    _run_users()

"""What importing the package costs, and what it must not bring in."""

import json
import subprocess
import sys

import kimera_leakguard_native as klg

FORBIDDEN = ["click", "cupy", "dask", "libcst", "msgspec", "numpy", "plotly", "rich", "starlette",
             "torch", "z3"]  # fmt: skip


def modules_after(code):
    script = f"import sys\n{code}\nimport json\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return set(json.loads(done.stdout))


def test_importing_the_root_is_light():
    loaded = modules_after("import kimera_leakguard_native")
    assert "kimera_leakguard_native" in loaded
    assert loaded.isdisjoint(FORBIDDEN)


def test_the_check_notices_a_heavy_import():
    assert not modules_after("import numpy").isdisjoint(FORBIDDEN)


def test_every_public_name_resolves():
    assert klg.__all__ == sorted(klg.__all__)
    for name in klg.__all__:
        assert getattr(klg, name) is not None


def test_an_unknown_name_is_an_attribute_error():
    assert not hasattr(klg, "no_such_name")

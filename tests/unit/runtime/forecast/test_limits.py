"""The tightest limit that holds: of a control group, of one above it, of the machine."""

import pytest

from kimera_leakguard_native.runtime.forecast import limits
from kimera_leakguard_native.runtime.process import MachineMemory

GIB = 2**30


@pytest.fixture
def groups(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "_CGROUP_2", str(tmp_path / "two"))
    monkeypatch.setattr(limits, "_CGROUP_1", str(tmp_path / "one"))
    monkeypatch.setattr(limits.process, "machine_memory", lambda: MachineMemory(16 * GIB, 10 * GIB))

    def write(lines, **files):
        (tmp_path / "cgroup").write_text(lines)
        for path, text in files.items():
            file = tmp_path / path.replace("__", "/")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.with_name(file.name.replace("-", ".")).write_text(text)
        return limits.memory_limit(str(tmp_path / "cgroup"))

    return write


def test_version_2(groups):
    found = groups(
        "0::/app\n", **{"two__app__memory-max": f"{2 * GIB}\n", "two__app__memory-current": "100\n"}
    )
    assert found == limits.MemoryLimit(2 * GIB, 100, "cgroup")


def test_a_group_above_may_be_tighter(groups):
    found = groups(
        "0::/app/web\n",
        **{
            "two__app__web__memory-max": "max\n",
            "two__app__web__memory-current": "5\n",
            "two__app__memory-max": f"{GIB}\n",
            "two__app__memory-current": "7\n",
        },
    )
    assert found == limits.MemoryLimit(GIB, 7, "cgroup")


def test_version_1_and_its_way_to_say_unlimited(groups):
    lines = "9:cpu,cpuacct:/x\n4:memory:/x\n"
    files = {"one__x__memory-usage_in_bytes": "9\n"}
    limited = groups(lines, **files, **{"one__x__memory-limit_in_bytes": f"{GIB}\n"})
    assert limited == limits.MemoryLimit(GIB, 9, "cgroup")
    unlimited = groups(lines, **files, **{"one__x__memory-limit_in_bytes": f"{2**63 - 4096}\n"})
    assert unlimited == limits.MemoryLimit(16 * GIB, 6 * GIB, "machine")


def test_without_groups_it_is_the_machine(groups, monkeypatch):
    assert groups("garbage\n").source == "machine"
    monkeypatch.setattr(limits.process, "machine_memory", lambda: MachineMemory(0, 0))
    assert groups("") == limits.MemoryLimit(0, 0, "unknown")


def test_here():
    found = limits.memory_limit()
    assert found.source in {"cgroup", "machine"}
    assert 0 < found.used < found.limit

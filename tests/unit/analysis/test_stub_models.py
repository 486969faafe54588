from __future__ import annotations

from pathlib import Path

import pytest

from kimera_leakguard_native.analysis import stub_models
from kimera_leakguard_native.analysis.resources import catalog as catalogs
from kimera_leakguard_native.analysis.resources.catalog import catalog, written_catalog
from kimera_leakguard_native.analysis.typeshed import Typeshed


def test_the_table_is_what_the_stubs_give() -> None:
    path = Path(catalogs.__file__).with_name(catalogs.STUBS)
    text = path.read_text(encoding="utf-8")
    if stub_models.source() not in text.partition("\n")[0]:
        pytest.skip(f"made from other stubs than {stub_models.source()}")
    assert stub_models.generate(written_catalog()) == text


def test_written_models_come_first() -> None:
    written = written_catalog()
    every = catalog()
    assert all(every.acquire[name] is not None for name in written.acquire)
    made = set(every.acquire) - set(written.acquire)
    assert "mailbox.mbox" in made
    assert all(every.resources[every.acquire[name].kind].tier == "M" for name in made)


def test_classes_that_are_left_out_exist() -> None:
    typeshed = Typeshed(stub_models.VERSION, platform="linux")
    missing = [name for name in stub_models.LEFT_OUT if typeshed.definition(name) is None]
    assert missing == []

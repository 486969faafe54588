"""Settings from pyproject.toml, the environment and the command line."""

import pytest

from kimera_leakguard_native import config
from kimera_leakguard_native.errors import ConfigError


def write(folder, text):
    (folder / "pyproject.toml").write_text(text, encoding="utf-8")
    return folder


def test_later_layers_win_and_are_named(tmp_path, monkeypatch):
    write(tmp_path, "[tool.kimera-leakguard]\njobs = 2\nsample-bytes = 1000\ninterval = 3\n")
    monkeypatch.setenv("KLG_SAMPLE_BYTES", "2000")
    loaded = config.load(tmp_path, {"interval": 5.0, "native": None})
    settings = loaded.settings
    assert (settings.jobs, settings.sample_bytes, settings.interval) == (2, 2000, 5.0)
    assert loaded.sources["jobs"].endswith("[tool.kimera-leakguard]")
    assert loaded.sources["sample_bytes"] == "env KLG_SAMPLE_BYTES"
    assert loaded.sources["interval"] == "command line"
    assert loaded.sources["native"] == "default"


def test_pyproject_is_found_from_a_folder_below(tmp_path):
    write(tmp_path, "[tool.kimera-leakguard]\nselect = ['KLG101']\n")
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    assert config.load(below).settings.select == ("KLG101",)


def test_an_unknown_key_is_an_error_with_a_suggestion(tmp_path):
    write(tmp_path, "[tool.kimera-leakguard]\nsample-byte = 1\n")
    with pytest.raises(ConfigError, match=r"unknown setting 'sample-byte'; did you mean 'sample-b"):
        config.load(tmp_path)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("jobs = -1", "jobs"),
        ("jobs = true", "jobs"),
        ("native = 'all'", "native"),
        ("tier = ['Q']", "'Q'"),
        ("symbolic = 'maybe'", "symbolic"),
        ("select = 3", "select"),
        ("sample-bytes = 'many'", "sample-bytes"),
    ],
)
def test_a_bad_value_is_named(tmp_path, text, named):
    write(tmp_path, f"[tool.kimera-leakguard]\n{text}\n")
    with pytest.raises(ConfigError, match=named):
        config.load(tmp_path)


def test_a_file_that_is_no_toml_is_named(tmp_path):
    write(tmp_path, "[tool")
    with pytest.raises(ConfigError, match=r"pyproject\.toml"):
        config.load(tmp_path)


@pytest.mark.parametrize(("value", "off"), [("1", True), ("true", True), ("0", False), ("", False)])
def test_the_kill_switch(monkeypatch, value, off):
    monkeypatch.setenv("KLG_DISABLE", value)
    assert config.disabled() is off

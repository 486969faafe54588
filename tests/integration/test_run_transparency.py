"""A program under `klg run` finds what it would find without us."""

import json
import os
import signal
import subprocess
import sys

import pytest

LOOK_AROUND = """
import inspect, json, os, sys
import __main__
facts = {
    "argv": sys.argv,
    "orig_arguments": sys.orig_argv[1:],
    "path0": sys.path[0],
    "path": sys.path,
    "name": __name__,
    "file": __file__,
    "package": __package__,
    "spec": __spec__ and (__spec__.name, __spec__.origin),
    "main": __main__.__dict__ is globals(),
    "frames": len(inspect.stack()),
    "environment": sorted(k for k in os.environ if k not in ("_", "SHLVL", "OLDPWD")),
    "pythonpath": os.environ.get("PYTHONPATH"),
    "hooks": [sys.excepthook is sys.__excepthook__, sys.gettrace() is None],
    "modules": sorted(m for m in sys.modules if not m.startswith("kimera_leakguard_native._core")),
    "threads": len(os.listdir("/proc/self/task")),
    "descriptors": len(os.listdir("/proc/self/fd")),
}
print(json.dumps(facts))
"""


def plain(script, *arguments, **keywords):
    return subprocess.run(
        [sys.executable, str(script), *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        **keywords,
    )


@pytest.mark.parametrize("pythonpath", [None, "", "/nowhere"])
def test_the_program_sees_no_difference(klg_run, tmp_path, pythonpath):
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    if pythonpath is not None:
        environment["PYTHONPATH"] = pythonpath
    ours = klg_run(LOOK_AROUND, "a", "--b", env=environment)
    bare = plain(tmp_path / "program.py", "a", "--b", env=environment, cwd=tmp_path)
    assert json.loads(ours.stdout) == json.loads(bare.stdout)
    assert ours.returncode == bare.returncode == 0


def test_a_module_is_run_as_with_python_m(klg_run, tmp_path):
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "__init__.py").write_text("")
    (tmp_path / "package" / "tool.py").write_text(LOOK_AROUND)
    command = [sys.executable, "-m", "kimera_leakguard_native", "run", "-m", "package.tool", "x"]
    ours = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=True)
    bare = subprocess.run(
        [sys.executable, "-m", "package.tool", "x"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=True,
    )
    assert json.loads(ours.stdout) == json.loads(bare.stdout)


@pytest.mark.parametrize(
    "ending",
    [
        "pass",
        "sys.exit()",
        "sys.exit(7)",
        "sys.exit('a message')",
        "sys.exit(None)",
        "raise ValueError('x')",
        "1/0",
        "os._exit(9)",
        "raise KeyboardInterrupt",
        "os.kill(os.getpid(), signal.SIGKILL)",
        "os.kill(os.getpid(), signal.SIGTERM)",
        "os.abort()",
        "def broken(:",
    ],
)
def test_exit_code_and_traceback_pass_through(klg_run, tmp_path, ending):
    program = f"import os, signal, sys\nprint('out', flush=True)\n{ending}\n"
    ours = klg_run(program)
    bare = plain(tmp_path / "program.py", cwd=tmp_path)
    expected = bare.returncode if bare.returncode >= 0 else 128 - bare.returncode
    assert ours.returncode == expected
    assert ours.stdout == bare.stdout
    assert ours.stderr.startswith(bare.stderr)
    assert ours.report["version"] == 1
    assert ours.report["process_verdict"] == "undecided"


def test_standard_input_is_the_programs(klg_run):
    ran = klg_run("import sys; print(sys.stdin.read().upper())", input="text")
    assert ran.stdout == "TEXT\n"


def test_the_users_sitecustomize_still_runs(klg_run, tmp_path):
    folder = tmp_path / "custom"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text("import builtins; builtins.customised = 'yes'")
    ran = klg_run(
        "import sys; print(customised, 'custom' in sys.modules['sitecustomize'].__file__)",
        env={**os.environ, "PYTHONPATH": str(folder)},
    )
    assert ran.stdout == "yes True\n", ran.stderr


def test_modules_beside_the_program_do_not_shadow_ours(klg_run, tmp_path):
    for name in ("os", "signal", "struct", "json", "site", "typing"):
        (tmp_path / f"{name}.py").write_text("raise SystemError('shadowed')")
    ran = klg_run("print('ran')", cwd="/")
    assert ran.stdout == "ran\n", ran.stderr
    assert ran.returncode == 0


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_worker_processes_work(klg_run, method):
    program = f"""
import multiprocessing
def square(n):
    return n * n
if __name__ == "__main__":
    with multiprocessing.get_context("{method}").Pool(2) as pool:
        print(sum(pool.map(square, range(100))))
"""
    ran = klg_run(program)
    assert ran.stdout == "328350\n", ran.stderr
    assert ran.returncode == 0


def test_forking_does_not_warn_of_threads(klg_run):
    program = """
import os, sys, warnings
warnings.simplefilter("error")
for _ in range(20):
    pid = os.fork()
    if pid == 0:
        data = [bytes(1000) for _ in range(2000)]
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    assert status == 0, status
print("forked")
"""
    ran = klg_run(program)
    assert ran.stdout == "forked\n", ran.stderr


def test_replacing_the_process_image_works(klg_run):
    program = "import os, sys; os.execv(sys.executable, [sys.executable, '-c', 'print(6 * 7)'])"
    ran = klg_run(program)
    assert ran.stdout == "42\n"
    assert ran.returncode == 0


def test_switched_off_it_only_runs_the_program(klg_run, tmp_path):
    ran = klg_run("print('plain')", env={**os.environ, "KLG_DISABLE": "1"})
    assert ran.stdout == "plain\n"
    assert ran.stderr == ""
    assert not (tmp_path / "report.json").exists()


@pytest.mark.parametrize("closed", ["<&-", ">&-", "<&- >&-", "<&- >&- 2>&-"])
def test_closed_standard_streams_stay_closed(klg_run, tmp_path, closed):
    (tmp_path / "streams.py").write_text(
        "import os, pathlib, sys\n"
        "streams = [sys.stdin is None, sys.stdout is None, sys.stderr is None]\n"
        "print('lost')\n"
        "open_now = sorted(os.listdir('/proc/self/fd'))\n"
        "pathlib.Path(sys.argv[1]).write_text(f'{streams} {open_now}')\n"
    )

    def run(*command, out):
        line = f'exec "$@" {closed}'
        code = subprocess.run(
            ["sh", "-c", line, "sh", *command, "streams.py", out], cwd=tmp_path, check=False
        ).returncode
        return code, (tmp_path / out).read_text()

    ours = run(sys.executable, "-m", "kimera_leakguard_native", "run", out="ours")
    assert ours == run(sys.executable, out="bare")


@pytest.mark.parametrize("whole_group", [False, True])
def test_a_signal_is_delivered_exactly_once(tmp_path, whole_group):
    (tmp_path / "program.py").write_text(
        "import signal, time\n"
        "caught = []\n"
        "signal.signal(signal.SIGTERM, lambda number, frame: caught.append(number))\n"
        "print('ready', flush=True)\n"
        "end = time.monotonic() + 2\n"
        "while time.monotonic() < end:\n"
        "    time.sleep(0.05)\n"
        "print(len(caught), flush=True)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "kimera_leakguard_native", "run", "program.py"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,  # no terminal
    )
    assert process.stdout.readline() == "ready\n"
    (os.killpg if whole_group else os.kill)(process.pid, signal.SIGTERM)
    out, _ = process.communicate(timeout=30)
    assert out == "1\n"
    assert process.returncode == 0


def test_no_report_is_left_where_none_could_be_made(klg_run, tmp_path):
    klg_run("def broken(:", options=["--interval", "-1"])
    assert not (tmp_path / "report.json").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["program.py"]

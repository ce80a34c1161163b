"""``./inv``: makes .venv once, heals a half-made one, says what is missing. A made-up Python makes it take no time."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]

FAKE_PYTHON = """\
#!/bin/sh
# Answers as python3 does to ./inv, but makes an environment of one script, which also stands for the tasks.
case "$1 $2" in
    "-m venv")
        echo venv >>{log}
        rm -rf .venv
        mkdir -p .venv/bin
        cp "$0" .venv/bin/python
        ;;
    "-m behindy_ops.tasks.program")
        shift 2
        echo "$PWD:" "$@" ${{SAY_CALLED:+"as $BEHINDY_INV"}} ${{SAY_CALLER:+"for $BEHINDY_CALLER"}}
        exit "${{CODE:-0}}"
        ;;
    "-m pip")
        sleep "${{PIP_SLEEP:-0}}"
        [ ! -e {log}.fail ] || exit 1
        echo pip >>{log}
        ;;
    *) exec {python} "$@" ;;
esac
"""


class Wrapper:
    """A checkout with only ./inv and a lock file, and what is on PATH beside it."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "check out"
        self.log = folder / "log"
        self.bin = folder / "bin"
        self.root.mkdir()
        self.bin.mkdir()
        shutil.copy(CHECKOUT / "inv", self.root / "inv")
        (self.root / "requirements.txt").write_text("a==1\n")
        for tool in ("sh", "readlink", "dirname", "cksum", "cat", "rm", "mkdir", "cp", "chmod", "sleep", "id"):
            (self.bin / tool).symlink_to(shutil.which(tool) or tool)
        self.install("python3", FAKE_PYTHON.format(log=self.log, python=sys.executable))

    def install(self, name: str, script: str) -> None:
        path = self.bin / name
        path.write_text(script)
        path.chmod(0o755)

    def start(self, *args: str, cwd: Path | None = None, **environ: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [self.root / "inv", *args],
            cwd=cwd or self.root,
            env={"PATH": str(self.bin)} | environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self, *args: str, cwd: Path | None = None, **environ: str) -> tuple[int, str, str]:
        with self.start(*args, cwd=cwd, **environ) as process:
            out, err = process.communicate(timeout=20)
        return process.returncode, out, err

    @property
    def done(self) -> list[str]:
        return self.log.read_text().split() if self.log.exists() else []


@pytest.fixture
def wrapper(tmp_path: Path) -> Wrapper:
    return Wrapper(tmp_path)


def test_the_first_run_makes_the_environment_and_says_so_beside_the_output(wrapper: Wrapper) -> None:
    code, out, err = wrapper.run("deploy.frontend", "--tag", "a b")
    assert (code, out) == (0, f"{wrapper.root}: deploy.frontend --tag a b\n")
    assert "making .venv" in err
    assert wrapper.done == ["venv", "pip"]


def test_later_runs_start_at_once_from_anywhere_and_say_nothing(wrapper: Wrapper, tmp_path: Path) -> None:
    wrapper.run()
    assert wrapper.run("x", cwd=tmp_path) == (0, f"{wrapper.root}: x\n", "")
    assert wrapper.done == ["venv", "pip"]


def test_the_exit_code_is_that_of_the_task(wrapper: Wrapper) -> None:
    assert wrapper.run(CODE="52")[0] == 52


def test_the_tasks_know_how_it_was_called(wrapper: Wrapper) -> None:
    wrapper.run()
    assert wrapper.run("x", SAY_CALLED="1")[1] == f"{wrapper.root}: x as ./inv\n"  # its path has a space in it
    assert wrapper.run("x", SAY_CALLED="1", BEHINDY_INV="make")[1] == f"{wrapper.root}: x as make\n"


def test_the_tasks_know_where_it_was_called(wrapper: Wrapper, tmp_path: Path) -> None:
    wrapper.run()
    (tmp_path / "a project").mkdir()
    out = wrapper.run("x", cwd=tmp_path / "a project", SAY_CALLER="1")[1]
    assert out == f"{wrapper.root}: x for {tmp_path}/a project\n"


def test_a_changed_lock_file_makes_the_environment_anew(wrapper: Wrapper) -> None:
    wrapper.run()
    (wrapper.root / "requirements.txt").write_text("a==2\n")
    wrapper.run()
    wrapper.run()
    assert wrapper.done == ["venv", "pip"] * 2


def test_a_checkout_that_was_moved_makes_the_environment_anew(wrapper: Wrapper) -> None:
    wrapper.run()
    wrapper.root = wrapper.root.rename(wrapper.root.parent / "moved")
    assert wrapper.run()[0] == 0
    assert wrapper.done == ["venv", "pip"] * 2


def test_an_environment_that_is_a_link_is_not_cleared(wrapper: Wrapper, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "theirs").write_text("x")
    (wrapper.root / ".venv").symlink_to(tmp_path / "elsewhere")
    code, _, err = wrapper.run("a")
    assert (code, ".venv is a link" in err, wrapper.log.exists()) == (1, True, False)
    assert (tmp_path / "elsewhere" / "theirs").read_text() == "x"


def test_a_failed_installation_is_told_and_healed_by_the_next_run(wrapper: Wrapper) -> None:
    fail = Path(f"{wrapper.log}.fail")
    fail.touch()
    code, out, err = wrapper.run("x")
    assert (code, out) == (1, "")
    assert "could not be installed" in err
    fail.unlink()
    assert wrapper.run("x")[:2] == (0, f"{wrapper.root}: x\n")


def test_an_interrupted_first_run_is_healed_by_the_next_one(wrapper: Wrapper) -> None:
    with wrapper.start(PIP_SLEEP="60") as process:
        while "venv" not in wrapper.done:
            time.sleep(0.01)
        os.killpg(process.pid, signal.SIGKILL)
    assert wrapper.run("x")[:2] == (0, f"{wrapper.root}: x\n")
    assert wrapper.done == ["venv", "venv", "pip"]


def test_two_at_once_make_one_environment(wrapper: Wrapper) -> None:
    processes = [wrapper.start(str(number), PIP_SLEEP="0.5") for number in range(3)]
    ends = [process.communicate(timeout=20) for process in processes]
    assert [out for out, _ in ends] == [f"{wrapper.root}: {number}\n" for number in range(3)]
    assert sum("waiting for it" in err for _, err in ends) == 2
    assert wrapper.done == ["venv", "pip"]


def test_a_link_to_the_wrapper_works_too(wrapper: Wrapper, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(wrapper.root / "inv")
    said = subprocess.run([tmp_path / "link", "x"], env={"PATH": str(wrapper.bin)}, capture_output=True, check=True)
    assert said.stdout.decode() == f"{wrapper.root}: x\n"


def test_a_python_that_is_too_old_is_passed_over(wrapper: Wrapper) -> None:
    (wrapper.bin / "python3").rename(wrapper.bin / "python3.12")
    wrapper.install("python3", "#!/bin/sh\nexit 1\n")
    assert wrapper.run()[0] == 0


def test_without_any_python_it_says_what_to_install(wrapper: Wrapper) -> None:
    (wrapper.bin / "python3").unlink()
    code, _, err = wrapper.run()
    assert code == 1
    assert "Python 3.11 or newer was not found" in err


def test_without_the_venv_module_it_says_which_package_has_it(wrapper: Wrapper) -> None:
    no_venv = FAKE_PYTHON.replace("case", 'case "$2" in *ensurepip*) exit 1 ;; esac\ncase', 1)
    wrapper.install("python3", no_venv.format(log=wrapper.log, python=sys.executable))
    code, _, err = wrapper.run()
    assert code == 1
    assert f"python3.{sys.version_info.minor}-venv" in err


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may install packages")
def test_as_root_on_debian_the_missing_parts_are_installed_aloud(wrapper: Wrapper) -> None:
    hidden = (wrapper.bin / "python3").rename(wrapper.bin / "hidden")
    for tool in ("mktemp", "tail", "env", "mv"):
        (wrapper.bin / tool).symlink_to(shutil.which(tool) or tool)
    wrapper.install(
        "apt-get", f'#!/bin/sh\necho "$@" >>{wrapper.log}.apt\n[ "$5" = update ] || mv {hidden} {wrapper.bin}/python3\n'
    )
    code, _, err = wrapper.run()
    assert code == 0
    assert "installing python3 python3-venv with apt-get" in err
    assert "install --no-install-recommends python3 python3-venv" in Path(f"{wrapper.log}.apt").read_text()

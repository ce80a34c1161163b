"""The wheel of this checkout, installed in an empty environment: what another project has after ``pip install``."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Ran:
    """A command that has ended."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Installed:
    """An environment with the wheel in it, and nothing of this checkout."""

    bin: Path
    wheel: Path

    def run(self, *argv: str, cwd: Path, timeout: float = 60, **environ: str) -> Ran:
        done = subprocess.run(
            [self.bin / argv[0], *argv[1:]],
            cwd=cwd,
            env={"PATH": f"{self.bin}:{os.environ['PATH']}", "HOME": str(cwd), "BEHINDY_SSH_CONFIG": "none"} | environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    def listed(self, cwd: Path, program: str = "inv", **environ: str) -> set[str]:
        """Every task that is offered."""
        ran = self.run(program, "--list", "--list-format=flat", cwd=cwd, timeout=60, **environ)
        assert (ran.code, ran.err) == (0, ""), ran
        return {line.split()[0] for line in ran.out.splitlines() if line.startswith("  ") and line[2:3].strip()}


def install(folder: Path) -> Installed:
    """Build the wheel from a copy, since setuptools writes beside its sources, and install it with the lock's packages.

    setuptools comes from the package index, where pip installs everything else from, too; what the wheel depends on is
    that of the environment of the tests.
    """
    source, environment = folder / "source", folder / "venv"
    leave = shutil.ignore_patterns("__pycache__")
    for name in ("behindy_ops", "sandbox", "tests", "compose", "nginx", "docs", "examples"):
        shutil.copytree(CHECKOUT / name, source / name, ignore=leave)
    for name in ("pyproject.toml", "README.md", "LICENSE", "tasks.py"):
        shutil.copy(CHECKOUT / name, source / name)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "-q"]
    _quietly(*pip, "wheel", "--no-deps", "--wheel-dir", str(folder), str(source))
    (wheel,) = folder.glob("*.whl")
    _quietly(sys.executable, "-m", "venv", "--without-pip", str(environment))
    python = environment / "bin" / "python"
    _quietly(*pip, "--python", str(python), "install", "--no-deps", str(wheel))
    own = next((environment / "lib").glob("python*")) / "site-packages"
    (own / "dependencies.pth").write_text(f"{Path(pytest.__file__).parents[1]}\n")
    for name in ("inv", "invoke"):  # as the installation of Invoke makes them
        script = environment / "bin" / name
        script.write_text(f"#!{python}\nimport sys\nfrom invoke.main import program\nsys.exit(program.run())\n")
        script.chmod(0o755)
    return Installed(environment / "bin", wheel)


def _quietly(*argv: str) -> None:
    done = subprocess.run(argv, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stderr

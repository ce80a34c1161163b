"""Settings: where values come from, what they may be, and that all mistakes are told at once."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from behindy_ops.errors import BehindyError, Kind
from behindy_ops.project import settings
from behindy_ops.project.dotenv import read_env_file
from behindy_ops.project.secret import Secret
from behindy_ops.project.settings import NAMES, Settings
from behindy_ops.project.settings import load as load_exactly
from tests.kinds import raises

KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nc2VjcmV0\n-----END OPENSSH PRIVATE KEY-----\n"
HOST_KEY = "behindy.me ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0000000000000000000000000000000000000000"
CHECKOUT = Path(settings.__file__).parents[2]


def load(environ: dict[str, str], root: Path) -> Settings:
    """Load with a host, which none of the tests is about unless it names one."""
    named = any(
        re.search(r"BEHINDY_HOST=\w", file.read_text(errors="replace")) for file in root.glob(".env*") if file.is_file()
    )
    return load_exactly(environ if named else {"BEHINDY_HOST": "h", **environ}, root)


def mistakes(environ: dict[str, str], root: Path) -> list[str]:
    with raises(Kind.SETTINGS) as error:
        load(environ, root)
    return list(error.value.lines)


def only_mistake(environ: dict[str, str], root: Path) -> str:
    (mistake,) = mistakes(environ, root)
    return mistake


def test_nothing_set_gives_the_defaults(tmp_path: Path) -> None:
    assert load({}, tmp_path) == Settings(host="h", domain="", host_dir="behindy-ops")


def test_every_setting_arrives(tmp_path: Path) -> None:
    loaded = load(
        {
            "BEHINDY_HOST": "prod",
            "BEHINDY_PORT": "2222",
            "BEHINDY_USER": "ubuntu",
            "BEHINDY_SSH_KEY": KEY,
            "BEHINDY_SSH_KEY_PASSPHRASE": "open sesame",
            "BEHINDY_KNOWN_HOSTS_FILE": "known",
            "BEHINDY_KNOWN_HOSTS": HOST_KEY,
            "BEHINDY_DOMAIN": "example.com",
            "BEHINDY_TRUSTED_PROXIES": "cloudflare, 10.0.0.0/24",
            "BEHINDY_IPV6": "yes",
            "BEHINDY_HOST_DIR": "/srv/ops/",
            "BEHINDY_PUBLIC_ADDRESS": "::1",
            "BEHINDY_OUTSIDE_ADDRESS": "127.0.0.1:8443",
            "BEHINDY_OUTSIDE_CA_FILE": "ca.pem",
            "BEHINDY_IMAGE_PREFIX": "127.0.0.1:5000/team",
            "BEHINDY_REGISTRY": "127.0.0.1:5000",
            "DOCKERHUB_USERNAME": "behindy",
            "DOCKERHUB_TOKEN": "dckr_pat_x",
        },
        tmp_path,
    )
    assert loaded == Settings(
        host="prod",
        port=2222,
        user="ubuntu",
        key_text=Secret(KEY),
        key_passphrase=Secret("open sesame"),
        known_hosts_file=tmp_path / "known",
        known_hosts_text=HOST_KEY,
        domain="example.com",
        trusted_proxies=("cloudflare", "10.0.0.0/24"),
        ipv6=True,
        host_dir="/srv/ops",
        public_address="[::1]",
        outside_address="127.0.0.1:8443",
        outside_ca_file=tmp_path / "ca.pem",
        image_prefix="127.0.0.1:5000/team",
        registry="127.0.0.1:5000",
        registry_user="behindy",
        registry_token=Secret("dckr_pat_x"),
    )


def test_the_environment_wins_over_the_chosen_file_and_that_over_the_common_one(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("BEHINDY_HOST=c\nBEHINDY_USER=c\nBEHINDY_IMAGE_PREFIX=c\n")
    (tmp_path / ".env.stage").write_text("BEHINDY_HOST=b\nBEHINDY_USER=b\nBEHINDY_DOMAIN=b.me\n")
    loaded = load({"BEHINDY_ENV": "stage", "BEHINDY_HOST": "a"}, tmp_path)
    assert (loaded.host, loaded.user, loaded.image_prefix) == ("a", "b", "c")


def test_an_empty_value_counts_as_none(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("BEHINDY_HOST=from-the-file\nDOCKERHUB_TOKEN=\n")
    loaded = load({"BEHINDY_HOST": " ", "BEHINDY_SSH_KEY": "", "BEHINDY_PORT": ""}, tmp_path)
    assert (loaded.host, loaded.key_text, loaded.port, loaded.registry_token) == ("from-the-file", None, None, None)


def test_a_dollar_and_a_hash_in_a_value_stay_as_they_are(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("DOCKERHUB_USERNAME=u\nDOCKERHUB_TOKEN='a$HOME${X}#b'\n")
    token = load({"HOME": "/root"}, tmp_path).registry_token
    assert token is not None
    assert token.reveal() == "a$HOME${X}#b"


def test_a_file_written_by_a_windows_editor_is_read(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"\xef\xbb\xbfBEHINDY_HOST=prod\r\nBEHINDY_PORT=22\r\n")
    loaded = load({}, tmp_path)
    assert (loaded.host, loaded.port) == ("prod", 22)


def test_all_mistakes_are_told_at_once_each_with_its_name_and_file(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("BEHINDY_PORT=abc\nBEHINDY_HOTS=x\nBEHINDY_DOMAIN=https://behindy.me\n")
    found = mistakes({"BEHINDY_HOST": "a b", "BEHINDY_USER": "-x", "BEHINDY_HOST_DIR": "../x"}, tmp_path)
    assert [line.split(":")[0] for line in found] == [
        "BEHINDY_HOTS (.env)",
        "BEHINDY_HOST",
        "BEHINDY_PORT (.env)",
        "BEHINDY_USER",
        "BEHINDY_DOMAIN (.env)",
        "BEHINDY_HOST_DIR",
    ]
    assert "did you mean BEHINDY_HOST?" in found[0]


def test_a_missing_host_is_a_mistake(tmp_path: Path) -> None:
    (mistake,) = mistakes({"BEHINDY_HOST": ""}, tmp_path)
    assert mistake.startswith("BEHINDY_HOST: not set")


def test_a_wrong_host_is_told_once(tmp_path: Path) -> None:
    assert len(mistakes({"BEHINDY_HOST": "a b"}, tmp_path)) == 1


@pytest.mark.parametrize("port", ["0", "65536", "99999999", "-1", "22x", "٢٢", "1e3", "0x16"])
def test_a_port_outside_the_range_is_refused(port: str, tmp_path: Path) -> None:
    assert "1 to 65535" in only_mistake({"BEHINDY_PORT": port}, tmp_path)


@pytest.mark.parametrize("port", [1, 22, 65535])
def test_a_port_within_the_range_is_taken(port: int, tmp_path: Path) -> None:
    assert load({"BEHINDY_PORT": str(port)}, tmp_path).port == port


def test_the_folder_of_a_file_is_not_chosen_in_it(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("BEHINDY_PROJECT=..\n")
    assert "BEHINDY_PROJECT (.env): it chooses the folder of this file" in only_mistake({}, tmp_path)


def test_a_chosen_file_that_is_not_there_is_named_with_its_remedy(tmp_path: Path) -> None:
    assert ".env.stage" in only_mistake({"BEHINDY_ENV": "stage"}, tmp_path)
    assert "make one, or unset" in only_mistake({"BEHINDY_ENV": "sandbox"}, tmp_path)
    (tmp_path / "sandbox" / "tasks").mkdir(parents=True)
    assert "./inv sandbox.up" in only_mistake({"BEHINDY_ENV": "sandbox"}, tmp_path)


@pytest.mark.parametrize("name", ["../etc/passwd", "a/b", "a b", "..", "-x"])
def test_a_chosen_name_cannot_leave_the_checkout(name: str, tmp_path: Path) -> None:
    assert "is not a name" in only_mistake({"BEHINDY_ENV": name}, tmp_path)


def test_the_choice_of_the_file_cannot_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("BEHINDY_ENV=sandbox\n")
    assert "has to come from the environment" in only_mistake({}, tmp_path)


def test_names_of_the_sandbox_and_the_compose_file_may_stand_in_the_same_file(tmp_path: Path) -> None:
    (tmp_path / ".env.sandbox").write_text(
        "BEHINDY_ENV=sandbox\nBEHINDY_SANDBOX_X=1\nBEHINDY_HTTP_PORT=8080\nTZ=UTC\nBEHINDY_DOMAIN=s.me\n"
    )
    assert load({"BEHINDY_ENV": "sandbox"}, tmp_path).host == "h"


def test_a_line_that_is_none_is_told_by_its_number_without_its_text(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("\n# fine\nBEHINDY_HOST=a\n\nDOCKERHUB_TOKEN 'hunter2\nBEHINDY_PORT\n")
    found = mistakes({}, tmp_path)
    assert found == [".env, line 5: not of the form NAME=value", ".env, line 6: not of the form NAME=value"]


def test_a_file_that_is_no_text_is_a_mistake_not_a_crash(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"\xff\xfe\x00")
    assert "not UTF-8" in only_mistake({}, tmp_path)


def test_a_folder_in_place_of_a_file_is_a_mistake_not_a_crash(tmp_path: Path) -> None:
    (tmp_path / ".env").mkdir()
    assert ".env: cannot be read" in only_mistake({}, tmp_path)


def test_a_key_file_is_found_from_the_checkout_and_from_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "key").write_text(KEY)
    assert load({"BEHINDY_SSH_KEY_FILE": "key"}, tmp_path).key_file == tmp_path / "key"
    assert load({"BEHINDY_SSH_KEY_FILE": "~/key"}, Path("/nowhere")).key_file == tmp_path / "key"


def test_a_key_file_that_is_missing_or_no_private_key_is_refused(tmp_path: Path) -> None:
    (tmp_path / "key.pub").write_text("ssh-ed25519 AAAA me\n")
    assert "No such file" in only_mistake({"BEHINDY_SSH_KEY_FILE": "key"}, tmp_path)
    assert "public half" in only_mistake({"BEHINDY_SSH_KEY_FILE": "key.pub"}, tmp_path)


def test_a_key_file_and_a_key_text_together_are_refused(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(KEY)
    assert "keep one" in only_mistake({"BEHINDY_SSH_KEY_FILE": "key", "BEHINDY_SSH_KEY": KEY}, tmp_path)


def test_of_a_key_file_and_a_key_text_the_one_from_the_source_that_wins_is_read(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(KEY)
    (tmp_path / ".env").write_text("BEHINDY_HOST=h\nBEHINDY_SSH_KEY_FILE=key\n")
    both = load({"BEHINDY_SSH_KEY": KEY}, tmp_path)
    assert (both.key_file, both.key_text) == (None, Secret(KEY))
    (tmp_path / ".env").write_text(f"BEHINDY_HOST=h\nBEHINDY_SSH_KEY='{KEY}'\n")
    both = load({"BEHINDY_SSH_KEY_FILE": "key"}, tmp_path)
    assert (both.key_file, both.key_text) == (tmp_path / "key", None)


def test_known_hosts_have_plain_line_ends_however_they_were_delivered(tmp_path: Path) -> None:
    loaded = load({"BEHINDY_KNOWN_HOSTS": f"{HOST_KEY}\r\n{HOST_KEY}\r\n"}, tmp_path)
    assert loaded.known_hosts_text == f"{HOST_KEY}\n{HOST_KEY}"


@pytest.mark.parametrize("delivered", [KEY, KEY.rstrip("\n"), KEY.replace("\n", "\r\n"), f"\n  {KEY}\n\n"])
def test_key_text_comes_out_the_same_however_it_was_delivered(delivered: str, tmp_path: Path) -> None:
    assert load({"BEHINDY_SSH_KEY": delivered}, tmp_path).key_text == Secret(KEY)


def test_a_secret_loses_the_line_break_it_was_stored_with(tmp_path: Path) -> None:
    loaded = load({"DOCKERHUB_USERNAME": "u", "DOCKERHUB_TOKEN": "tok en \r\n"}, tmp_path)
    assert loaded.registry_token == Secret("tok en ")


def test_a_token_without_a_user_is_refused_and_not_shown(tmp_path: Path) -> None:
    mistake = only_mistake({"DOCKERHUB_TOKEN": "hunter2"}, tmp_path)
    assert "DOCKERHUB_USERNAME" in mistake
    assert "hunter2" not in mistake


def test_the_docker_hub_user_is_the_image_prefix_unless_one_is_set(tmp_path: Path) -> None:
    assert load({"DOCKERHUB_USERNAME": "behindy"}, tmp_path).image_prefix == "behindy"
    both = {"DOCKERHUB_USERNAME": "behindy", "BEHINDY_IMAGE_PREFIX": "team"}
    assert load(both, tmp_path).image_prefix == "team"
    assert "BEHINDY_IMAGE_PREFIX" in only_mistake({"DOCKERHUB_USERNAME": "Me@example.com"}, tmp_path)


def test_no_secret_is_in_any_mistake_or_in_the_settings_as_shown(tmp_path: Path) -> None:
    secret = "s3cr3t-value"
    environ = {
        "BEHINDY_SSH_KEY": secret,
        "BEHINDY_SSH_KEY_PASSPHRASE": f"{secret}\n{secret}",
        "DOCKERHUB_TOKEN": f"{secret}\n{secret}",
        "BEHINDY_PORT": "x",
    }
    with raises(Kind.SETTINGS) as error:
        load(environ, tmp_path)
    assert len(error.value.lines) == 5
    assert secret not in repr((error.value.lines, str(error.value)))
    assert secret not in repr(load({"DOCKERHUB_USERNAME": "u", "DOCKERHUB_TOKEN": secret}, tmp_path))


@given(
    value=st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=40),
    index=st.integers(0),
)
def test_no_value_whatever_crashes_the_reading(value: str, index: int) -> None:
    name = NAMES[index % len(NAMES)]
    try:
        load({name: value}, CHECKOUT / "compose")
    except BehindyError as error:
        assert all(line.startswith(NAMES) for line in error.lines)  # noqa: PT017 - it need not raise


@given(value=st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=60))
def test_no_file_whatever_crashes_the_reading(value: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.getbasetemp() / "any.env"
    path.write_bytes(value.encode())
    read = read_env_file(path)
    assert all(line.startswith("any.env") for line in read.mistakes)


def test_the_example_file_explains_exactly_the_settings_there_are() -> None:
    example = (CHECKOUT / ".env.example").read_text(encoding="utf-8")
    named = [line.lstrip("# ").partition("=")[0] for line in example.splitlines() if "=" in line and " = " not in line]
    ours = [name for name in named if name.startswith(("BEHINDY_", "DOCKERHUB_", "COMPOSE_"))]
    assert [name for name in ours if name in NAMES] == list(NAMES)
    assert set(ours) - set(NAMES) <= {"BEHINDY_ENV"}


def test_the_example_file_as_it_stands_is_no_mistake(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text((CHECKOUT / ".env.example").read_text(encoding="utf-8"))
    load(dict.fromkeys(os.environ, ""), tmp_path)


HOST_OF_PRODUCTION = """\
BEHINDY_HOST=prod
BEHINDY_PORT=2222
BEHINDY_USER=prod
BEHINDY_KNOWN_HOSTS_FILE=prod
BEHINDY_DOMAIN=prod.example
BEHINDY_TRUSTED_PROXIES=cloudflare
BEHINDY_IPV6=yes
BEHINDY_PUBLIC_ADDRESS=127.0.0.1
BEHINDY_OUTSIDE_ADDRESS=127.0.0.1
BEHINDY_OUTSIDE_CA_FILE=prod
BEHINDY_SSH_KEY_PASSPHRASE=prod
"""
STAGING = {"BEHINDY_ENV": "staging"}


def test_an_environment_has_nothing_of_the_host_of_another_one(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(f"{HOST_OF_PRODUCTION}BEHINDY_SSH_KEY='{KEY}'\nBEHINDY_IMAGE_PREFIX=team\n")
    (tmp_path / ".env.staging").write_text("BEHINDY_HOST=stage\nBEHINDY_DOMAIN=stage.example\n")
    own = Settings(host="stage", domain="stage.example", image_prefix="team", environment="staging")
    assert load(STAGING, tmp_path) == own
    assert load({}, tmp_path).port == 2222


@pytest.mark.parametrize("name", ["BEHINDY_HOST", "BEHINDY_DOMAIN"])
def test_an_environment_without_a_host_or_a_domain_of_its_own_is_refused(name: str, tmp_path: Path) -> None:
    own = {"BEHINDY_HOST": "stage", "BEHINDY_DOMAIN": "stage.example"}
    (tmp_path / ".env").write_text(HOST_OF_PRODUCTION)
    (tmp_path / "pyproject.toml").write_text('[tool.behindy-ops]\nhost = "prod"\ndomain = "prod.example"\n')
    (tmp_path / ".env.staging").write_text("".join(f"{key}={value}\n" for key, value in own.items() if key != name))
    mistake = only_mistake(STAGING, tmp_path)
    assert mistake.startswith(f"{name}: staging names no")
    assert f"tool.behindy-ops.environments.staging.{name.removeprefix('BEHINDY_').lower()}" in mistake
    assert "prod" not in mistake
    assert load({**STAGING, name: "given.example"}, tmp_path).environment == "staging"


def test_an_environment_may_be_in_pyproject_alone_and_its_file_wins_over_it(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("BEHINDY_HOST=prod\nBEHINDY_REGISTRY=env.example\nBEHINDY_HOST_DIR=env\n")
    (tmp_path / "pyproject.toml").write_text(
        '[tool.behindy-ops]\nregistry = "all.example"\nimage_prefix = "all"\n'
        '[tool.behindy-ops.environments.staging]\nhost = "table"\ndomain = "table.example"\nhost_dir = "table"\n'
    )
    loaded = load(STAGING, tmp_path)
    assert (loaded.host, loaded.domain, loaded.host_dir) == ("table", "table.example", "table")
    assert (loaded.registry, loaded.image_prefix) == ("env.example", "all")
    (tmp_path / ".env.staging").write_text("BEHINDY_HOST=file\nBEHINDY_REGISTRY=file.example\n")
    loaded = load({**STAGING, "BEHINDY_HOST_DIR": "process"}, tmp_path)
    assert (loaded.host, loaded.domain, loaded.host_dir) == ("file", "table.example", "process")
    assert (loaded.registry, loaded.image_prefix) == ("file.example", "all")
    assert (load({}, tmp_path).host, load({}, tmp_path).image_prefix) == ("prod", "all")


def test_a_mistake_in_pyproject_is_told_with_the_path_of_its_key(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(
        '[tool.behindy-ops]\nregistry = "https://x"\n'
        '[tool.behindy-ops.environments.staging]\nhost = "stage"\ndomain = "nowhere"\n'
    )
    assert [line.partition(": ")[0] for line in mistakes(STAGING, tmp_path)] == [
        "BEHINDY_DOMAIN (pyproject.toml, tool.behindy-ops.environments.staging.domain)",
        "BEHINDY_REGISTRY (pyproject.toml, tool.behindy-ops.registry)",
    ]


def test_the_target_names_the_environment_if_one_is_chosen() -> None:
    assert Settings(host="h").target == "h"
    assert Settings(host="h", environment="staging").target == "staging (h)"


def test_confirm_is_yes_or_no_and_an_environment_may_differ(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(
        "[tool.behindy-ops]\nconfirm = true\n[tool.behindy-ops.environments.staging]\n"
        'host = "stage"\ndomain = "stage.example"\nconfirm = false\n'
    )
    assert load({}, tmp_path).confirm
    assert not load(STAGING, tmp_path).confirm
    assert "yes nor no" in only_mistake({"BEHINDY_CONFIRM": "maybe"}, tmp_path)

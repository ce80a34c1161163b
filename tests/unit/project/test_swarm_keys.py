"""What a stanza says in vain in a swarm."""

from __future__ import annotations

import re
from typing import Any

import pytest

from behindy_ops.host.command import script_text
from behindy_ops.project.compose import ComposeFile
from behindy_ops.project.swarm_keys import HANDED_OVER, SEEN_TO, unknown_to_a_swarm
from sandbox.tasks.quality import CHECKOUT


def test_what_is_handed_over_is_what_the_script_hands_over() -> None:
    text = script_text("swarm/start", "swarm")
    (words,) = re.findall(r'split\("((?:[^"]|"\s*\\\s*")+)", known', text)
    handed = set(re.sub(r'["\\]', "", words).split())
    by_name = {name for name in ("labels", "configs", "mem_limit", "cpus", "pids_limit") if name in text}
    assert handed | by_name == HANDED_OVER
    assert not HANDED_OVER & SEEN_TO


@pytest.mark.parametrize(
    ("stanza", "told"),
    [
        ({"image": "web", "restart": "always", "x-deploy": {}, "networks": ["internal"]}, ()),
        ({"memswap_limit": "1g", "privileged": True, "shm_size": "1g"}, ("memswap_limit", "privileged", "shm_size")),
        ({"networks": ["internal", "data"]}, ("networks",)),
        ({"networks": {"internal": None}}, ()),
        ({"networks": {"internal": {"aliases": ["a"]}}}, ("networks",)),
        ({"deploy": {"resources": {"limits": {"cpus": "1", "memory": "1g", "pids": 9}}}}, ()),
        (
            {"deploy": {"placement": {}, "resources": {"limits": {"devices": []}, "reservations": {"memory": "1g"}}}},
            ("deploy.placement", "deploy.resources.limits.devices", "deploy.resources.reservations.memory"),
        ),
        ({"a_key_to_come": 1}, ("a_key_to_come",)),
    ],
)
def test_a_key_without_effect_is_told(stanza: dict[str, Any], told: tuple[str, ...]) -> None:
    assert unknown_to_a_swarm(stanza) == told


def test_of_this_projects_services_it_is_the_limit_of_swap_alone() -> None:
    services = ComposeFile.read(CHECKOUT / "compose" / "docker-compose.yml").services().values()
    assert {service.one_host for service in services} == {("memswap_limit",)}

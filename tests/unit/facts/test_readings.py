"""The engine's own figures of running containers."""

from __future__ import annotations

import json

import pytest

from behindy_ops.facts.readings import parse_readings

MB = 2**20


def reading(identity: str, *, usage: int = 100 * MB, version: int = 2, cpu: int = 0, system: int = 0) -> str:
    files = {"total_inactive_file": 10 * MB, "inactive_file": 1} if version == 1 else {"inactive_file": 10 * MB}
    data = {
        "memory_stats": {"usage": usage, "stats": files, "limit": 400 * MB},
        "cpu_stats": {"cpu_usage": {"total_usage": cpu}, "system_cpu_usage": system, "online_cpus": 2},
        "networks": {"eth0": {"rx_bytes": 5, "tx_bytes": 7}, "eth1": {"rx_bytes": 1, "tx_bytes": 1}},
        "blkio_stats": {"io_service_bytes_recursive": [{"op": "Read", "value": 3}, {"op": "write", "value": 4}]},
        "pids_stats": {"current": 9},
    }
    return f"{json.dumps(data)}\nhttp://docker/containers/{identity}/stats?stream=false&one-shot=true\n"


@pytest.mark.parametrize("version", [1, 2])
def test_memory_is_counted_as_docker_does_without_inactive_files(version: int) -> None:
    found = parse_readings(reading("ab12", version=version).splitlines())["ab12"]
    assert found.memory == 90 * MB
    assert (found.received, found.sent, found.read, found.written, found.processes) == (6, 8, 3, 4, 9)
    assert parse_readings(reading("ab12", usage=8 * MB, version=version).splitlines())["ab12"].memory == 8 * MB


def test_a_container_that_has_just_ended_or_is_not_known_has_no_reading() -> None:
    ended = '{"memory_stats":{}}\nhttp://docker/containers/ab12/stats\n{"message":"No such container"}\n'
    assert parse_readings(f"{ended}http://docker/containers/cd34/stats\nnot json\n".splitlines()) == {}


def test_a_container_the_engine_did_not_answer_for_in_time_has_not_the_reading_of_the_one_before() -> None:
    lines = f"{reading('ab12')}http://docker/containers/cd34/stats?stream=false&one-shot=true\n".splitlines()
    assert parse_readings(lines).keys() == {"ab12"}

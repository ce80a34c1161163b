#!/bin/bash
# Gives the inner dockerd cgroups of its own below this container's, so that its memory limits, OOM kills and
# `docker stats` are real. Needs a private cgroup namespace. Safe to run again after a restart.
set -u
root=/sys/fs/cgroup

version_2() {
    mount -o remount,rw "$root" 2>/dev/null
    mkdir -p "$root/init"
    # A cgroup with controllers for its children may hold no process itself; one may be born while we move the others.
    for _ in 1 2 3 4 5; do
        while read -r pid; do
            echo "$pid" >"$root/init/cgroup.procs"
        done <"$root/cgroup.procs" 2>/dev/null
        if sed 's/ / +/g; s/^/+/' "$root/cgroup.controllers" 2>/dev/null >"$root/cgroup.subtree_control"; then
            return 0
        fi
        sleep 0.1
    done
    echo "sandbox: the cgroup controllers could not be handed on" >&2
}

version_1() {
    # What the engine mounted here is read-only and shows more than ours: mount each hierarchy afresh.
    local controllers directory
    umount -R "$root" 2>/dev/null || umount -l "$root" 2>/dev/null
    mount -t tmpfs -o mode=755,nosuid,nodev,noexec cgroup "$root" || return 1
    while IFS=: read -r _ controllers _; do
        [[ -n $controllers ]] || continue # the unified hierarchy has none
        directory=$root/${controllers#name=}
        mkdir -p "$directory"
        mount -t cgroup -o "${controllers/#name=/none,name=}" cgroup "$directory" || rmdir "$directory"
        local name
        for name in ${controllers//,/ }; do
            [[ -e $root/${name#name=} ]] || ln -s "$directory" "$root/${name#name=}"
        done
    done </proc/self/cgroup
}

if [[ $(stat -fc %T "$root") == cgroup2fs ]]; then
    version_2
else
    version_1
fi

#!/bin/bash
# Makes `free` tell the truth: once a second a /proc/meminfo with this container's own figures is written to a file
# that is bind-mounted over the machine's. The page cache counts as available, as on any Linux.
set -u
file=/run/meminfo
root=/sys/fs/cgroup

declare -A real stat
machine() {
    local key value _
    while read -r key value _; do real[${key%:}]=$value; done </proc/meminfo
}

# The kernel writes the file anew for each look: it must be read at one go, not line by line.
read_stat() {
    local key value line lines
    mapfile -t lines <"$1"
    for line in "${lines[@]}"; do
        read -r key value <<<"$line"
        [[ -n $key ]] && stat[$key]=$value
    done
}

smaller() { echo "$(($1 < $2 ? $1 : $2))"; }

# Sets limit, usage, swap_limit, swap_usage (bytes) and inactive, active, shmem, slab (bytes).
figures_v2() {
    local limit_text swap_text
    read -r limit_text <"$root/memory.max"
    read -r usage <"$root/memory.current"
    limit=${limit_text/max/$((real[MemTotal] * 1024))}
    swap_limit=0 swap_usage=0
    if [[ -e $root/memory.swap.max ]]; then
        read -r swap_text <"$root/memory.swap.max"
        read -r swap_usage <"$root/memory.swap.current"
        swap_limit=${swap_text/max/$((real[SwapTotal] * 1024))}
    fi
    read_stat "$root/memory.stat"
    inactive=${stat[inactive_file]} active=${stat[active_file]} shmem=${stat[shmem]} slab=${stat[slab_reclaimable]:-0}
}

figures_v1() {
    local both=0 both_usage=0
    read -r limit <"$root/memory/memory.limit_in_bytes"
    read -r usage <"$root/memory/memory.usage_in_bytes"
    swap_limit=0 swap_usage=0
    if [[ -e $root/memory/memory.memsw.limit_in_bytes ]]; then
        read -r both <"$root/memory/memory.memsw.limit_in_bytes"
        read -r both_usage <"$root/memory/memory.memsw.usage_in_bytes"
        swap_limit=$((both - limit)) swap_usage=$((both_usage > usage ? both_usage - usage : 0))
    fi
    read_stat "$root/memory/memory.stat"
    inactive=${stat[total_inactive_file]} active=${stat[total_active_file]} shmem=${stat[total_shmem]:-0} slab=0
}

write() {
    local total free cached swap_total swap_free
    total=$(($(smaller "$limit" $((real[MemTotal] * 1024))) / 1024))
    free=$((total - usage / 1024))
    free=$((free < 0 ? 0 : free))
    cached=$(((inactive + active) / 1024))
    # The allowance for swap is worth nothing on a machine that has less.
    swap_total=$(smaller $((swap_limit / 1024)) "${real[SwapTotal]}")
    swap_free=$((swap_total - swap_usage / 1024))
    swap_free=$((swap_free < 0 ? 0 : swap_free))
    # Opened without truncation and always as long as before: a reader never sees half a file.
    printf '%-16s%12d kB\n' MemTotal: "$total" MemFree: "$free" \
        MemAvailable: "$((free + cached + slab / 1024))" Buffers: 0 Cached: "$((cached + shmem / 1024))" \
        SwapCached: 0 Active: "$((active / 1024))" Inactive: "$((inactive / 1024))" \
        Active\(file\): "$((active / 1024))" Inactive\(file\): "$((inactive / 1024))" Shmem: "$((shmem / 1024))" \
        Slab: "$((slab / 1024))" SReclaimable: "$((slab / 1024))" SUnreclaim: 0 \
        SwapTotal: "$swap_total" SwapFree: "$swap_free" 1<>"$file"
}

umount /proc/meminfo 2>/dev/null
machine
if [[ -e $root/memory.max ]]; then figures=figures_v2; else figures=figures_v1; fi
"$figures" && write
mount --bind "$file" /proc/meminfo || exit 1
while sleep 1; do
    "$figures" && write
done

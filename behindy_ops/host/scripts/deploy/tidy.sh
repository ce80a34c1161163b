# lib: engine
# Arguments: names and ids of images to remove. Nothing is forced, so docker keeps what is in use; that one is gone already
# is success: docs/design.md, "Image retention".
kept=$(printf '%s\n' "$@" | untag | sed -n 's/^kept [^ ]* //p')
[ -z "$kept" ] || { printf '%s\n' "$kept" >&2 && exit 1; }

# Arguments: names and ids of images to remove. Nothing is forced, so docker keeps what is in use; one that is gone already
# is success: docs/design.md, "Image retention".
code=0
for image in "$@"; do
  out=$(docker rmi "$image" 2>&1) && continue
  case $out in *"No such image"*) continue ;; esac
  printf '%s\n' "$out" >&2
  code=1
done
exit "$code"

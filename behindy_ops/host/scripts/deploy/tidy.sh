# Arguments: names and ids of images to remove. Nothing is forced, so docker keeps what is in use; that one is gone already
# is success: with its last tag an image loses its digest too.
code=0
for image in "$@"; do
  out=$(docker rmi "$image" 2>&1) && continue
  case $out in *"No such image"*) continue ;; esac
  printf '%s\n' "$out" >&2
  code=1
done
exit "$code"

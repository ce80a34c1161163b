# lib: engine
# Arguments: names and ids of images to remove. Nothing is forced, so docker keeps what is in use; that one is gone already
# is success: docs/design.md, "Image retention".
code=0
for image in "$@"; do unless_gone docker rmi "$image" || code=1; done
exit "$code"

# lib: engine
# Starts a container that is stopped, by its name or id.
start_again "$1"

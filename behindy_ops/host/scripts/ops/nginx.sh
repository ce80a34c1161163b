# lib: workspace sections public engine views
# `services`, one a line: name, port, internal path, external path or URL; the rest is the survey. What nginx says of itself, and
# what each service answers it and the world.
nginx=$1 domain=$2 services=$3 at=$4
shift 4
look=("$@")
report errors inside outside survey

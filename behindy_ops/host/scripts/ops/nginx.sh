# lib: workspace sections views
# $1 nginx container, $2 domain, $3 services, one a line: name, port, internal and external path; the
# rest is the survey. What nginx says of itself, and what each service answers it and the world.
# shellcheck disable=SC2034 # read by the parts
nginx=$1 domain=$2 services=$3
shift 3
survey_is "$@"
report errors inside outside survey

# lib: sections engine views
# $1 nginx container, $2 network, $3 domain, $4 services, one a line: name, port, internal and
# external path; the rest is the survey. Everything the doctor's rules ask for, in one look.
# shellcheck disable=SC2034 # read by the parts
nginx=$1 network=$2 domain=$3 services=$4
shift 4
survey_is "$@"
report errors inside outside network_ events kernel survey

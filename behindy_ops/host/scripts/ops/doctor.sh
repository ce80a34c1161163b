# lib: workspace sections views certificates
# $1 nginx container, $2 domain, $3 services, one a line: name, port, internal and external path; the rest
# is the survey. Everything the doctor's rules ask for, in one look.
# shellcheck disable=SC2034 # read by the parts
nginx=$1 domain=$2 services=$3
shift 3
survey_is "$@"
report errors inside outside address served trust files now events kernel survey

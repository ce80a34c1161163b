# lib: sections engine views
# $1 network; the rest is the survey.
# shellcheck disable=SC2034 # read by the parts
network=$1
shift
survey_is "$@"
report network_ survey

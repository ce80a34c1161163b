# lib: workspace sections views
# $1 network; the rest is the survey.
network=$1
shift
survey_is "$@"
subnet() { docker network inspect --format '{{range .IPAM.Config}}{{.Subnet}} {{end}}' "$network"; }
report subnet survey

# After ops_parts.sh. $1 network; the rest is the survey.
network=$1
shift
survey_is "$@"
network_() {
  docker network inspect --format '{{range .IPAM.Config}}{{.Subnet}} {{end}}{{.Driver}}' "$network"
  docker network inspect --format '{{range $id, $end := .Containers}}{{$id}} {{$end.IPv4Address}}{{println}}{{end}}' "$network"
}
report network_ survey

# lib: workspace sections engine views
network=$1
shift
look=("$@")
subnet() { docker network inspect --format '{{range .IPAM.Config}}{{.Subnet}} {{end}}' "$network"; }
report subnet survey

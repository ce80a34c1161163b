# lib: workspace sections views
# The arguments are the survey. Beside it: where running containers are reached from outside.
look=("$@")
ports() { docker ps --no-trunc --format '{{.ID}} {{.Ports}}'; }
report ports survey

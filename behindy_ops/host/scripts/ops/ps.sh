# lib: workspace sections views
# The arguments are the survey. Beside it: where running containers are reached from outside.
survey_is "$@"
ports() { docker ps --no-trunc --format '{{.ID}} {{.Ports}}'; }
report ports survey

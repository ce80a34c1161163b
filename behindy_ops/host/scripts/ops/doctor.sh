# lib: workspace sections public engine views firewall certificates visitors timed
# `services` as in ops/nginx.sh; `scheduled`: the names of what this host does by itself; the rest is the survey. Everything the doctor's rules ask for, in one look.
nginx=$1 domain=$2 services=$3 at=$4 dir=$5 scheduled=$6
shift 6
look=("$@")
report errors inside outside past rules address served trust files now events kernel timers visitors survey

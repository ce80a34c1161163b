# lib: workspace sections views certificates visitors
# `services` as in ops/nginx.sh; the rest is the survey. Everything the doctor's rules ask for, in one look.
nginx=$1 domain=$2 services=$3
shift 3
look=("$@")
report errors inside outside address served trust files now events kernel visitors survey

# lib: workspace sections views certificates
# $1 nginx container, $2 domain.
# shellcheck disable=SC2034 # read by the parts
nginx=$1 domain=$2
report address served trust files now

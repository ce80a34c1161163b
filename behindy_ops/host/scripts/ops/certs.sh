# lib: workspace sections views certificates
nginx=$1 domain=$2
report address served trust files now

# lib: nginx
# $1 nginx container. Tests its configuration and, if it is valid, reloads it. Ends once it has new workers.
nginx_runs "$1" || exit 69
in_nginx "$1" reload
case $? in 0) ;; 63) exit 63 ;; *) exit 72 ;; esac

# lib: engine nginx
# Has the nginx that runs load the rehearsal's token: by a reload, or where the directory it was started with has been
# replaced, by a restart. Ends once nginx knows it.
dir=$1 domain=$2 nginx=$3
known() { [ "$(in_nginx_with_token "$dir" "$domain" "$nginx" 'token "$1" "$2"' 2>/dev/null)" = "token $1" ]; }
known loaded && exit 0
if known unmounted; then docker restart "$nginx" >/dev/null || exit 72; else
  in_nginx "$nginx" reload
  case $? in 0) ;; 63) exit 63 ;; *) exit 72 ;; esac
fi
end=$(($(now) + 10000))
until known loaded; do
  [ "$(now)" -lt "$end" ] || exit 94
  sleep 0.2
done

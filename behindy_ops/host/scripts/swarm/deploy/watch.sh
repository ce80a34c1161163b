# lib: engine
# As deploy/watch.sh: until a task of it fails, or a container ends or is started again, or the time is over.
container=$1 until=$2 template=$3 limit=$4
until=$(within "$until" "$((limit * 1000))")
while [ "$(now)" -lt "$until" ]; do
  seen=$(state "$container" "$template")
  case $seen in *'"state":"failed"'* | *'"state":"rejected"'* | *'"status":"exited"'* | *'"restarting":true'* | *'"restarts":'[1-9]* | 'state none') break ;; esac
  sleep 0.5
done
state "$container" "$template"

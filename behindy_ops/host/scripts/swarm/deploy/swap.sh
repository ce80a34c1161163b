# lib: engine
# Two names change hands, as in deploy/swap.sh: labels of services of the swarm, of which nobody is told, and then at once, for
# nginx, the links that follow them. A container, of when there was one host, may be one of the two.
first=$1 first_new=$2 first_old=$3 second=$4 second_new=$5 policy=${6:-}
named() { inspect "$1" '{{.Name}}'; }
undone() { echo undone; exit 84; }
stuck() { echo stuck; exit 85; }
links() { # of any that has one
  local each id
  for each in "$second" "$first"; do
    id=$(unit "$each") && [ -n "$id" ] && of_unit "$id" '{{index .Spec.Labels "behindy.names"}}' && return
  done
}
names=$(links)
followed() { [ -z "$names" ] || follow_names "$names"; }
elsewhere() { # an edge that does not follow keeps a switch from being made, but not from being taken back
  [ "$1" = 3 ] && case $first_new in *-blue) false ;; esac
}
switched() { echo "switched $(now)"; exit 0; }
# A container, which is one where this leads back to one host, has its policy from here on; a service of the swarm always had it.
if [ -n "$policy" ] && [ -z "$(unit "$second")" ]; then restarts "$second" "$policy" || undone; fi
if [ -n "$first" ]; then rename "$first" "$first_new"; fi && rename "$second" "$second_new" && followed && switched
now_named=$(named "$second")
[ "$?" != 2 ] || stuck
if [ "$now_named" = "/$second_new" ]; then
  followed
  code=$?
  if [ "$code" = 0 ] || elsewhere "$code"; then switched; fi
  [ "$code" = 3 ] || stuck
  rename "$second" "$second_new-green" || stuck
fi
if [ -n "$first" ]; then
  case $(named "$first") in
  "/$first_old") ;;
  "/$first_new")
    rename "$first" "$first_old" || stuck
    followed || [ "$?" = 3 ] || stuck
    ;;
  *) stuck ;;
  esac
fi
undone

# Asking the public URL on this host. `at`: the address that is asked with its name, SNI and Host (BEHINDY_PUBLIC_ADDRESS),
# or "" for where the name leads.
public() { # curl's options and a URL. `at_most`: seconds in all, or ""
  local to=() run=(curl)
  [ -z "$at" ] || to=(--noproxy '*' --connect-to "::$at:")
  [ -z "${at_most:-}" ] || run=(timeout "$at_most" curl)
  "${run[@]}" "${to[@]}" "$@"
}
leads() { # name: the addresses it has here, on one line
  echo "leads$(getent ahosts "$1" | awk '!seen[$1]++ {printf " %s", $1}')"
}

# What services are given in their environments does not leave this host, in whatever form somebody prints it: as it is, as
# in JSON, in a URL, in hex, in base64 (also in lines), or quoted for a shell. `<NAME>` stands for it. Left as they are:
# what is shorter than four bytes, numbers of up to five digits (ports), true and false. Where the values cannot be had,
# nothing is let through. docs/design.md, "Values are replaced on the host".
given_to() { # container (lib/engine.sh): `<name> <value as JSON>` for each that is not the image's own, and each that it is given as a file; the last line says that it is whole
  local image given
  # shellcheck disable=SC2016 # a template's own
  image=$(image_of "$1" 2>/dev/null) && given=$(environment_of "$1" '{{json .}}{{println}}' \
    'files {{index . "behindy.service"}}/{{index . "behindy.release"}} {{index . "com.docker.compose.project.working_dir"}} {{index . "behindy.names"}}' 2>/dev/null) || return
  given_as_files "$(sed -nE 's,^files ([^ ]+) +(.*)/(compose|assets/[.]names) *$,\2/state/releases/\1,p' <<<"$given")" || return
  {
    docker image inspect --format '{{range .Config.Env}}{{json .}}{{println}}{{end}}' "$image" 2>/dev/null | sed 's/^/not /'
    grep -v '^files ' <<<"$given"
  } | awk '/^not / { own[substr($0, 5)]; next } $0 != "" && !($0 in own) {
    at = index($0, "="); print substr($0, 2, at - 2) " \"" substr($0, at + 1) }' && echo .
}
given_as_files() { # directory with a release's files: as above, for each line of its secrets (lib/secrets.sh)
  local source kind what names='' files=''
  [ -n "$1" ] && [ -r "$1/docker-compose.yml" ] || return 0
  while read -r source kind what; do # Compose has written it, as it names files
    case $kind in environment) names+=" $what" ;; file) files+="$source $what"$'\n' ;; esac
  done < <(awk -F '"' '/^  [^ ]/ { inside = $2 == "secrets" } inside && /^    "/ { source = $2 }
    inside && /^      "(environment|file)"/ { print source, $2, $4 }' "$1/docker-compose.yml")
  [ -n "$names$files" ] || return 0
  {
    [ -z "$names" ] || written_in "$1/.env" | awk -v names="$names " '$1 == "." { next } $1 != "value" { on = index(names, " " $1 " ") }
      on { print } on && /\\/ { gsub(/\\\\/, "\1"); gsub(/\\/, ""); gsub("\1", "\\"); print }'
    while read -r source what; do [ -z "$what" ] || head -c 65536 "$what" | sed "s/^/${source//\//_} /"; done <<<"$files"
  } 2>/dev/null | sed -E 's/[\\"]/\\&/g; s/^([^ ]+) (.*)$/\1 "\2"/'
}
written_in() ( # files: `<name> <value>` for each line of them, as given_to; what follows a line may belong to its value
  set -o pipefail
  there=()
  for file in "$@"; do [ ! -e "$file" ] || there+=("$file"); done
  [ "${#there[@]}" = 0 ] || sed -e 's/\r$//' "${there[@]}" 2>/dev/null | sed -nE \
    -e 's/^[[:space:]]*(export[[:space:]]+)?([A-Za-z_][A-Za-z0-9_]*)[[:space:]]*[=:][[:space:]]*["'\'']?(.*)$/\2 \3/' \
    -e 't told' -e 's/^/value /' -e ':told' -e "s/[[:space:]]+\$//" -e 'h; p' -e "s/[\"']\$//" -e 'p' -e 's/^([^ ]+ [^#]*[^# ])[[:space:]]+#.*$/\1/' -e 'p' &&
    echo .
)
json_text=$(
  cat <<'AWK'
function utf8(c) {
  if (c < 128) return sprintf("%c", c)
  if (c < 2048) return sprintf("%c%c", 192 + int(c / 64), 128 + c % 64)
  if (c < 65536) return sprintf("%c%c%c", 224 + int(c / 4096), 128 + int(c / 64) % 64, 128 + c % 64)
  return sprintf("%c%c%c%c", 240 + int(c / 262144), 128 + int(c / 4096) % 64, 128 + int(c / 64) % 64, 128 + c % 64)
}
function value_of(text, out, at, c) { # of JSON
  out = ""
  sub(/^"/, "", text)
  sub(/"$/, "", text)
  while (at = index(text, "\\")) {
    out = out substr(text, 1, at - 1)
    c = substr(text, ++at, 1)
    if (c == "n") c = "\n"; else if (c == "t") c = "\t"; else if (c == "r") c = "\r"
    else if (c == "b") c = "\b"; else if (c == "f") c = "\f"
    else if (c == "u") { c = utf8(number[substr(text, at + 1, 1)] * 4096 + number[substr(text, at + 2, 1)] * 256 \
      + number[substr(text, at + 3, 1)] * 16 + number[substr(text, at + 4, 1)]); at += 4 }
    out = out c
    text = substr(text, at + 1)
  }
  return out text
}
BEGIN { for (at = 0; at < 16; at++) number[sprintf("%x", at)] = number[sprintf("%X", at)] = at }
AWK
)
mask_program=$(
  cat <<'AWK'
function add(form, name) {
  if (length(form) < 4 || form ~ /^[0-9]?[0-9]?[0-9]?[0-9]?[0-9]$/ || form == "true" || form == "false" || form in name_of) return
  name_of[form] = name
  for (i = ++count; i > 1 && length(forms[i - 1]) < length(form); i--) forms[i] = forms[i - 1]
  forms[i] = form # the longest first
}
function codes(text, start, n, lead) { # sets code[1..n], the code points from UTF-8
  n = 0
  for (start = 1; start <= length(text); start += size) {
    lead = byte[substr(text, start, 1)]
    size = lead < 128 ? 1 : lead < 224 ? 2 : lead < 240 ? 3 : 4
    code[++n] = size == 1 ? lead : lead % (size == 2 ? 32 : size == 3 ? 16 : 8)
    for (more = 1; more < size; more++) code[n] = code[n] * 64 + byte[substr(text, start + more, 1)] % 64
  }
  return n
}
function json(text, escaped, style, out, n, at, c) { # `escaped`: which of " and ' are; with <, those that HTML knows too
  # style: 0 all but control characters as they are, 1 in ASCII, 2 as Python has it, which escapes what it cannot print
  out = ""
  n = codes(text)
  for (at = 1; at <= n; at++) {
    c = code[at]
    if (c == 92 || (c < 128 && c != 60 && index(escaped, sprintf("%c", c)))) out = out "\\" sprintf("%c", c)
    else if ((c == 38 || c == 60 || c == 62) && index(escaped, "<")) out = out sprintf("\\u%04x", c)
    else if (c == 10) out = out "\\n"
    else if (c == 9) out = out "\\t"
    else if (c == 13) out = out "\\r"
    else if (style == 2 && (c < 32 || (c > 126 && c < 161) || c == 173)) out = out sprintf("\\x%02x", c)
    else if (c < 32) out = out sprintf("\\u%04x", c)
    else if (c < 128) out = out sprintf("%c", c)
    else if (style == 0 || (style == 2 && !unseen(c))) out = out utf8(c)
    else if (c < 65536) out = out sprintf("\\u%04x", c)
    else out = out sprintf("\\u%04x\\u%04x", 55296 + int((c - 65536) / 1024), 56320 + (c - 65536) % 1024)
  }
  return out
}
function unseen(c) { # spaces, joiners, marks of direction
  return c == 12288 || c == 65279 || (c > 8191 && c < 8208) || (c > 8231 && c < 8240) || (c > 8286 && c < 8304)
}
function url(text, safe, blank, hex, out, at, c) {
  out = ""
  for (at = 1; at <= length(text); at++) {
    c = substr(text, at, 1)
    out = out (index(safe, c) ? c : c == " " && blank != "" ? blank : sprintf(hex, byte[c]))
  }
  return out
}
function base64(text, skipped, letters, out, at, bits, held, n) { # as it stands within more of it, `skipped` bytes into three
  out = ""
  held = bits = 0
  n = length(text)
  for (at = 1 - skipped; at <= n; at++) {
    held = held * 256 + (at < 1 ? 0 : byte[substr(text, at, 1)])
    for (bits += 8; bits >= 6; bits -= 6) {
      out = out substr(letters, int(held / 2 ^ (bits - 6)) + 1, 1)
      held = held % 2 ^ (bits - 6)
    }
  }
  return substr(out, skipped == 0 ? 1 : skipped + 2)
}
function shell(text, special, out, at, c) { # as in double quotes, or as printf %q has it
  out = ""
  for (at = 1; at <= length(text); at++) {
    c = substr(text, at, 1)
    out = out (index(special, c) ? "\\" : "") c
  }
  return out
}
function quoted(text, by) { # as in single quotes; `by` is what a quote becomes
  gsub(/'/, by, text)
  return text
}
function pieces(text, name, at) { # base64 may be cut into lines anywhere: eight letters of it tell, and how it begins
  for (at = 1; at <= length(text) - 7; at++) piece[substr(text, at, 8)] = name
  for (at = 3; at < 8; at++) beginning[substr(text, 1, at)] = name
}
function hide(name, value, lines, n, at, plain, escaped, ways, b, text) {
  n = split(value, lines, "\n")
  lines[n + 1] = value
  for (at = 1; at <= n + 1; at++) {
    add(lines[at], name)
    add(quoted(lines[at], "'\"'\"'"), name)
    add(quoted(lines[at], "'\\''"), name)
    add(shell(lines[at], "\"$`\\"), name)
    add(shell(lines[at], " \t!\"#$&'()*,;<>?[\\]^`{|}~"), name)
    add(shell(lines[at], " \t!\"$&'()*,;<>?[\\]^`{|}"), name) # a # or ~ within it
  }
  plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~"
  split("|\"|'|\"<", escaped, "|")
  for (ways = 0; ways < 12; ways++) add(json(value, escaped[ways % 4 + 1], int(ways / 4)), name)
  for (ways = 0; ways < 8; ways++)
    add(url(value, plain (ways % 2 ? "/" : ""), ways % 4 > 1 ? "+" : "", ways > 3 ? "%%%02x" : "%%%02X"), name)
  add(url(value, plain "!*'()", "", "%%%02X"), name) # as JavaScript has it
  add(url(value, "", "", "%02x"), name)
  add(url(value, "", "", "%02X"), name)
  b = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
  if (length(value) > 5) for (ways = 0; ways < 6; ways++) {
    text = base64(value, ways % 3, b (ways < 3 ? "+/" : "-_"))
    if (length(value) < 12) add(text, name) # a word too short to be looked at
    if (length(value) > 6) pieces(text, name)
  }
}
function told(token, at) { # the name of the value that a word shows in base64
  for (at = 1; at <= length(token) - 7; at++) if (substr(token, at, 8) in piece) return piece[substr(token, at, 8)]
  if (length(token) == 76 || length(token) == 64) for (at = 7; at > 2; at--)
    if (substr(token, length(token) - at + 1) in beginning) return beginning[substr(token, length(token) - at + 1)]
  return ""
}
function without_base64(rest, line, token, name) { # also in lines of a fixed length, of which the last is short
  line = ""
  if (width && match(rest, /[A-Za-z0-9+\/_-]+=*$/) && RLENGTH <= width && (RSTART == 1 || rest ~ /^[0-9T:.-]+Z [^ ]+$/)) {
    token = substr(rest, RSTART)
    name = told(token)
    if (name == "") name = carried
    if (name != "") rest = substr(rest, 1, RSTART - 1) "<" name ">"
    width = length(token)
    carried = name
    if (name != "") return rest
  }
  width = 0
  carried = ""
  while (match(rest, long_word)) {
    token = substr(rest, RSTART, RLENGTH)
    name = told(token)
    line = line substr(rest, 1, RSTART - 1) (name == "" ? token : "<" name ">")
    rest = substr(rest, RSTART + RLENGTH)
    if (rest == "") { width = length(token); carried = name }
  }
  return line rest
}
BEGIN {
  for (at = 0; at < 256; at++) byte[sprintf("%c", at)] = at
  for (at = 0; at < 16; at++) long_word = long_word "[A-Za-z0-9+/_-]"
  long_word = long_word "+=*"
  while ((getline line < values) > 0) {
    if (line == ".") { whole = 1; continue }
    name = line
    sub(/ .*/, "", name)
    rest = substr(line, length(name) + 2)
    hide(name, json_given ? value_of(rest) : rest)
  }
}
!whole { if (!said++) print "(not shown: the values that it may hold could not be looked up)"; next }
{
  $0 = without_base64($0) # whole words first: of one that holds two values, no part is left
  for (at = 1; at <= count; at++) {
    rest = $0
    line = ""
    while (found = index(rest, forms[at])) {
      line = line substr(rest, 1, found - 1) "<" name_of[forms[at]] ">"
      rest = substr(rest, found + length(forms[at]))
    }
    $0 = line rest
  }
  print
  fflush()
}
AWK
)
masked() { # given_to or written_in, and whose: what comes on standard input, a line at a time
  local interactive=()
  case $(awk -W version 2>&1 </dev/null) in mawk*) interactive=(-W interactive) ;; esac
  LC_ALL=C awk "${interactive[@]}" -v values=<("$@") -v json_given="$([ "$1" = given_to ] && echo 1)" "$json_text$mask_program"
}

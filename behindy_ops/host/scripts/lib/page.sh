# What a page names.
named_files() { # origin, the page's directory. stdin: HTML. The paths of its scripts, styles and preloads at that origin, then
  # those of its icons and its manifest, each behind a ?: a site works without
  LC_ALL=C awk -v RS='<' -v origin="$1" -v directory="$2" '
    function attribute(name,   value, quote, end) {
      if (!match(lower, "[ \t\r\n/]" name "[ \t\r\n]*=[ \t\r\n]*")) return ""
      value = substr($0, RSTART + RLENGTH)
      quote = substr(value, 1, 1)
      if (quote != "\"" && quote != "\047") { sub(/[ \t\r\n>].*/, "", value); return value }
      value = substr(value, 2)
      end = index(value, quote)
      return end ? substr(value, 1, end - 1) : ""
    }
    function tell(url, last) { # one that is not plain is left out: it goes on a command line, and names no other host
      sub(/#.*/, "", url)
      gsub(/&amp;/, "\\&", url)
      if (url == "" || url ~ /[^!-~]/ || url ~ /["\047\\<>^`{|}]/) return
      if (index(url, "//") == 1) url = substr(origin, 1, index(origin, ":")) url
      if (index(url, origin "/") == 1) url = substr(url, length(origin) + 1)
      else if (url ~ /^[A-Za-z][A-Za-z0-9+.-]*:/) return
      else if (url !~ /^\//) url = directory url
      if (last) { icons[++count] = url; return }
      if (!(url in told)) print url
      told[url]
    }
    { lower = tolower($0) }
    comment { comment = !index($0, "-->"); next }
    /^!--/ { comment = !index($0, "-->"); next }
    script { script = lower !~ /^\/script/; next } # its text
    lower ~ /^script[ \t\r\n\/>]/ { script = 1; tell(attribute("src")) }
    lower !~ /^link[ \t\r\n\/]/ { next }
    { rel = " " tolower(attribute("rel")) " " }
    rel ~ /[ \t](stylesheet|preload|modulepreload)[ \t]/ && tolower(attribute("as")) != "fetch" { tell(attribute("href")); next }
    rel ~ /[ \t](icon|apple-touch-icon|manifest)[ \t]/ { tell(attribute("href"), 1) }
    END { for (each = 1; each <= count; each++) if (!(icons[each] in told)) { print "?" icons[each]; told[icons[each]] } }'
}

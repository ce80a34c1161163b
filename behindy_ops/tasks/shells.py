"""What each shell reads once, so that it asks at each TAB: the program that stands on the line, with its words.

The program is asked with nothing to read and nobody to complain to, and by ``BEHINDY_COMPLETES`` a checkout's ``inv``
knows that this is no time to make its ``.venv``.
"""

from __future__ import annotations

ASKS = "words"
"""What stands in the place of a shell's name when a shell asks."""

BASH = r"""# Completion of inv, ./inv and behindy-ops, for bash 3.2 and newer.
_behindy_ops() {
    local line=${COMP_LINE:0:$COMP_POINT} typed=$2 whole lead value _ # typed: what bash replaces, up to the cursor
    local -a words
    read -r -a words <<<"$line"
    case $line in *[[:space:]]) words+=("") ;; esac
    whole=${words[${#words[@]} - 1]}
    lead=${whole%"$typed"} # bash takes --tag=v1 for three words
    COMPREPLY=()
    while IFS=$'\t' read -r value _; do
        if [ "$value" = :files ]; then
            compopt -o filenames 2>/dev/null
            while IFS= read -r value; do COMPREPLY+=("$value"); done < <(compgen -f -- "$typed")
        else
            COMPREPLY+=("${value#"$lead"}")
        fi
    done < <(BEHINDY_COMPLETES=1 "${words[0]/#\~/$HOME}" completion words -- "${words[@]:1}" 2>/dev/null </dev/null)
}
complete -F _behindy_ops inv ./inv behindy-ops
"""

ZSH = r"""#compdef inv behindy-ops
# Completion of inv, ./inv and behindy-ops, for zsh.
_behindy_ops() {
    local line value
    local -a offered
    local tab=$'\t' files= said
    said=$(BEHINDY_COMPLETES=1 ${~words[1]} completion words -- "${(@)words[2,CURRENT]}" 2>/dev/null </dev/null)
    for line in "${(@f)said}"; do
        case $line in
            '') ;;
            :files) files=1 ;;
            *$tab*)
                value=${line%%$tab*}
                offered+=("${value//:/\\:}:${line#*$tab}")
                ;;
            *) offered+=("${line//:/\\:}") ;;
        esac
    done
    (( ! $#offered )) || _describe 'inv' offered
    [[ -z $files ]] || _files
}
(( $+functions[compdef] )) || { autoload -Uz compinit && compinit }
compdef _behindy_ops inv ./inv behindy-ops
"""

FISH = r"""# Completion of inv, ./inv and behindy-ops, for fish.
function __behindy_ops_complete
    set -l words (commandline -opc)
    set -l typed (commandline -ct)
    set -l program $words[1]
    for line in (BEHINDY_COMPLETES=1 $program completion words -- $words[2..-1] "$typed" 2>/dev/null </dev/null)
        if test "$line" = :files
            __fish_complete_path "$typed"
        else
            echo $line
        end
    end
end
complete -c inv -f -a '(__behindy_ops_complete)'
complete -c behindy-ops -f -a '(__behindy_ops_complete)'
"""

SCRIPTS = {"bash": BASH, "zsh": ZSH, "fish": FISH}

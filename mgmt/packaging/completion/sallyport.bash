# sallyport.bash — completion for bash. Commands and options are what `sallyport ... --help` lists, so they are never
# out of date; ids of calls, peers and blocked prefixes are asked of the daemon.

# First words of the lines of "Subcommands:" of a help text.
_sallyport_commands() {
  sallyport "$@" --help 2>/dev/null | awk '/^Subcommands:/ { inside = 1; next } /^[^ ]/ { inside = 0 } inside && NF { print $1 }'
}

_sallyport_options() {
  sallyport "$@" --help 2>/dev/null | awk '/^ +-/ { n = split($1, all, ","); for (i = 1; i <= n; i++) print all[i] }'
}

# _sallyport_asked LIST FIELD: that field of each member, as the daemon says it.
_sallyport_asked() {
  sallyport show "$1" --json 2>/dev/null | grep -o "\"$2\": *\"[^\"]*\"" | sed 's/^[^:]*: *"//; s/"$//' | sort -u
}

_sallyport_keys() {
  local key="${1%.*}"
  [[ $1 == *.* ]] || key=""
  sallyport config explain $key 2>/dev/null | awk -v key="$key" '
    key == "" { print $1 }
    key != "" && inside { print key "." $1 }
    /^keys below it/ { inside = 1 }'
}

_sallyport() {
  local word previous words="" at
  local -a commands=()
  word="${COMP_WORDS[COMP_CWORD]}"
  previous="${COMP_WORDS[COMP_CWORD - 1]}"
  for ((at = 1; at < COMP_CWORD; at++)); do
    [[ ${COMP_WORDS[at]} == -* ]] && break
    commands+=("${COMP_WORDS[at]}")
  done
  COMPREPLY=()
  case "$previous" in
    -c | --config | --to | --invite | --socket | --state) compopt -o default; return ;;
    --peer) words="$(_sallyport_asked peers name)" ;;
    --call) words="$(_sallyport_asked calls id)" ;;
    --outside | --inside) words="$(command ls /sys/class/net)" ;;
    --watch | --for | --confirm | --drain-time | --max | --limit | --reason) return ;;
  esac
  if [[ -z $words ]]; then
    case "${commands[*]:0:2}" in
      "show call"* | hangup*) [[ ${commands[*]:0:2} == "show calls" ]] || words="$(_sallyport_asked calls id)" ;;
      unblock*) words="$(_sallyport_asked blocked prefix)" ;;
      explain*) words="$(_sallyport_asked calls id)" ;;
      "config explain") words="$(_sallyport_keys "$word")"; compopt -o nospace ;;
      "rules check") compopt -o default; return ;;
      "log level") words="error warning info debug" ;;
    esac
    if [[ $word == -* ]]; then
      words="$(_sallyport_options "${commands[@]}")"
    else
      words+=" $(_sallyport_commands "${commands[@]}")"
    fi
  fi
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}

complete -F _sallyport sallyport

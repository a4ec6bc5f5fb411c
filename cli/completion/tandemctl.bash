# bash completion for tandemctl. The words are asked of tandemctl itself (--help), so that none can be missing.

# Subcommands of the command that is given: one a line.
_tandemctl_commands() {
  tandemctl "$@" --help 2>/dev/null | sed -n '/^Subcommands:/,$s/^  \([a-z][a-z-]*\).*/\1/p'
}

# Its options: one a line.
_tandemctl_options() {
  tandemctl "$@" --help 2>/dev/null | sed -n 's/^ *\(-[-a-z,]*\).*/\1/p' | tr ',' '\n'
}

_tandemctl() {
  local current=${COMP_WORDS[COMP_CWORD]} previous= word
  local -a path=()
  COMPREPLY=()
  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    if [[ $previous != --socket ]] && _tandemctl_commands "${path[@]}" | grep -qxF -- "$word"; then path+=("$word"); fi
    previous=$word
  done
  case $previous in
    --interface)
      mapfile -t COMPREPLY < <(cd /sys/class/net && compgen -f -- "$current")
      return
      ;;
    --socket | --dir | --out | --output | --config | --keepalived)
      compopt -o filenames 2>/dev/null
      mapfile -t COMPREPLY < <(compgen -f -- "$current")
      return
      ;;
  esac
  if [[ $current == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$(_tandemctl_options; _tandemctl_options "${path[@]}")" -- "$current" | sort -u)
    return
  fi
  mapfile -t COMPREPLY < <(compgen -W "$(_tandemctl_commands "${path[@]}")" -- "$current")
  if [[ ${#COMPREPLY[@]} -eq 0 && ${#path[@]} -gt 0 ]]; then
    compopt -o filenames 2>/dev/null
    mapfile -t COMPREPLY < <(compgen -f -- "$current")
  fi
}

complete -F _tandemctl tandemctl

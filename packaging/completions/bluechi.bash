# Completion of bluechictl and bluechi-is-online for bash: the programs know what a word may become.
_bluechi() {
  local line=${COMP_LINE:0:COMP_POINT} word
  local -a words
  # Backslashes are taken away as the shell does it.
  read -a words <<<"$line"
  [[ $line == *[[:blank:]] ]] && words+=("")
  while (( ${#words[@]} > 1 )) && [[ ${words[0]} != "$1" ]]; do words=("${words[@]:1}"); done

  # Of the word, bash replaces what follows the last of its word breaks only.
  local typed=${line##*[[:blank:]]} kept
  kept=${typed%"${typed##*["$COMP_WORDBREAKS"]}"}
  COMPREPLY=()
  while IFS=$'\t' read -r word _; do
    [[ $word == *[^[:alnum:]:_.@,=-]* ]] && printf -v word %q "$word"
    COMPREPLY+=("${word#"$kept"}")
  done < <("$1" complete "${words[@]:1}" 2>/dev/null)
  [[ ${COMPREPLY[0]} == *= ]] && compopt -o nospace 2>/dev/null
}
complete -F _bluechi bluechictl bluechi-is-online

# Completion of bluechictl and bluechi-is-online for fish: the programs know what a word may become.
function __bluechi_complete
    set -l words (commandline -opc)
    set -l program $words[1]
    set -e words[1]
    set -l typed (commandline -ct | string unescape)
    $program complete $words "$typed" 2>/dev/null
end
complete -c bluechictl -f -a '(__bluechi_complete)'
complete -c bluechi-is-online -f -a '(__bluechi_complete)'

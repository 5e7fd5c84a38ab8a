# sallyport.fish — completion for fish: what `sallyport ... --help` lists, with its words.

function __sallyport_commands
    set -l before (commandline -opc)[2..-1]
    sallyport (string match -v -- '-*' $before) --help 2>/dev/null | awk '
        /^Subcommands:/ { inside = 1; next } /^[^ ]/ { inside = 0 }
        inside && NF { name = $1; $1 = ""; sub(/^ +/, ""); print name "\t" $0 }'
end

function __sallyport_options
    set -l before (commandline -opc)[2..-1]
    sallyport (string match -v -- '-*' $before) --help 2>/dev/null | awk '
        /^ +-/ { n = split($1, all, ","); $1 = ""; sub(/^ +/, ""); for (i = 1; i <= n; i++) print all[i] "\t" $0 }'
end

complete -c sallyport -a '(__sallyport_commands)'
complete -c sallyport -n 'string match -q -- "-*" (commandline -ct)' -a '(__sallyport_options)'

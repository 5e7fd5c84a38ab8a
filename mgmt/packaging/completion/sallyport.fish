# sallyport.fish — completion for fish. Commands and options are what `sallyport ... --help` lists, with its words; ids of
# calls, peers and blocked prefixes are asked of the daemon.

# The words of the command, up to the first option.
function __sallyport_before
    for word in (commandline -opc)[2..-1]
        string match -q -- '-*' $word; and break
        echo $word
    end
end

function __sallyport_behind
    contains -- (commandline -opc)[-1] $argv
end

# __sallyport_asked LIST FIELD: that field of each member, as the daemon says it.
function __sallyport_asked
    sallyport show $argv[1] --json 2>/dev/null | grep -o "\"$argv[2]\": *\"[^\"]*\"" | sed 's/^[^:]*: *"//; s/"$//' | sort -u
end

function __sallyport_keys
    set -l word (commandline -ct | string unescape)
    set -l key
    string match -q '*.*' -- $word; and set key (string replace -r '\.[^.]*$' '' -- $word)
    sallyport config explain $key 2>/dev/null | awk -v key="$key" '
        key == "" { print $1 }
        key != "" && inside { print key "." $1 }
        /^keys below it/ { inside = 1 }'
end

function __sallyport_commands
    sallyport (__sallyport_before) --help 2>/dev/null | awk '
        /^Subcommands:/ { inside = 1; next } /^[^ ]/ { inside = 0 }
        inside && NF { name = $1; $1 = ""; sub(/^ +/, ""); print name "\t" $0 }'
end

function __sallyport_options
    sallyport (__sallyport_before) --help 2>/dev/null | awk '
        /^ +-/ { n = split($1, all, ","); $1 = ""; sub(/^ +/, ""); for (i = 1; i <= n; i++) print all[i] "\t" $0 }'
end

function __sallyport_words
    __sallyport_behind --peer; and __sallyport_asked peers name; and return
    __sallyport_behind --call; and __sallyport_asked calls id; and return
    __sallyport_behind --outside --inside; and command ls /sys/class/net; and return
    __sallyport_behind --watch --for --confirm --drain-time --max --limit --reason; and return
    set -l before (__sallyport_before)
    switch "$before[1..2]"
        case 'config explain'
            __sallyport_keys
            return
        case 'log level'
            printf '%s\n' error warning info debug
        case 'show call' 'hangup*' 'explain*'
            __sallyport_asked calls id
        case 'unblock*'
            __sallyport_asked blocked prefix
    end
    __sallyport_commands
end

function __sallyport_wants_file
    __sallyport_behind -c --config --to --invite --socket --state; and return
    set -l before (__sallyport_before)
    test "$before[1..2]" = 'rules check'
end

complete -c sallyport -f
complete -c sallyport -n __sallyport_wants_file -F
complete -c sallyport -n 'not __sallyport_wants_file; and not string match -q -- "-*" (commandline -ct)' -a '(__sallyport_words)'
complete -c sallyport -n 'string match -q -- "-*" (commandline -ct)' -a '(__sallyport_options)'

# SPDX-License-Identifier: Apache-2.0
# bash completion of syncline; needs the bash-completion package.

# Of the commands about serving and trust; uses what _syncline has set.
_syncline_server() {
    case $prev in
        --config)
            _filedir toml
            return
            ;;
        --state)
            _filedir -d
            return
            ;;
        --listen | --share | --authorize | --name | --minutes)
            return
            ;;
    esac
    $split && return
    local options="--state= --help"
    case $1 in
        serve) options+=" --config= --listen= --share= --authorize= --stdio" ;;
        pair) options+=" --share= --name= --minutes=" ;;
    esac
    if [[ $cur == -* ]]; then
        COMPREPLY=($(compgen -W "$options" -- "$cur"))
        [[ ${COMPREPLY-} == *= ]] && compopt -o nospace
    elif [[ $1 == serve ]]; then
        _filedir -d
    elif [[ $1 == grants ]] && ((cword == 2)); then
        COMPREPLY=($(compgen -W "ls rm" -- "$cur"))
    elif [[ $1 == grants && ${words[2]} == rm ]] && ((cword == 3)); then
        COMPREPLY=($(compgen -W "$(syncline grants ls 2>/dev/null | cut -d ' ' -f 1 | sort -u)" -- "$cur"))
        # The colon splits words: what is typed of the key is there already.
        __ltrim_colon_completions "$cur"
    fi
}

# Of the commands that ask a watch; uses what _syncline has set.
_syncline_control() {
    case $prev in
        --state)
            _filedir -d
            return
            ;;
        --timeout)
            return
            ;;
    esac
    $split && return
    local options="--state= --help"
    case $1 in
        status) options+=" --json" ;;
        wait) options+=" --timeout=" ;;
        approve) options+=" --dry-run --json" ;;
    esac
    if [[ $cur == -* ]]; then
        COMPREPLY=($(compgen -W "$options" -- "$cur"))
        [[ ${COMPREPLY-} == *= ]] && compopt -o nospace
    elif [[ $1 == status || $1 == approve ]]; then
        _filedir -d
    else
        _filedir
    fi
}

_syncline() {
    local cur prev words cword split
    _init_completion -s || return

    local commands="copy watch status wait why approve log check-ignore manifest config serve pair id grants"
    local flags="--archive --recursive --links --perms --times --group --owner --devices --specials
        --hard-links --acls --xattrs --sparse --numeric-ids --update --checksum --one-file-system
        --synclineignore --gitignore --delete --dry-run --inplace --partial --compress --verbose --quiet
        --itemize-changes --human-readable --progress --stats --event-log --json"
    local values="--chown= --exclude= --include= --exclude-from= --include-from= --files-from=
        --max-delete= --backup-dir= --drift= --drift-keep= --update= --durability= --compress= --bwlimit= --state=
        --threads= --rsh= --syncline-path= --server-key= --retries= --log-file="

    [[ ${words[1]} == watch ]] && values+=" --rescan= --config= --only= --hook= --watch-with=" flags+=" --hook0 --guard-changes"

    if [[ ${words[1]} == manifest ]]; then
        if ((cword == 2)); then
            COMPREPLY=($(compgen -W "show stats diff verify export save --help" -- "$cur"))
        elif [[ $cur == -* ]]; then
            COMPREPLY=($(compgen -W "--json --raw --sample= --level= --help" -- "$cur"))
        else
            _filedir
        fi
        return
    fi

    if [[ ${words[1]} == log ]]; then
        case $prev in
            --state)
                _filedir -d
                return
                ;;
            --since | --until)
                $split || COMPREPLY=($(compgen -W "1h 1d 1w" -- "$cur"))
                return
                ;;
            --run | --lines | -n)
                return
                ;;
        esac
        $split && return
        if [[ $cur == -* ]]; then
            COMPREPLY=($(compgen -W "--follow --lines= --since= --until= --run= --errors --json --state= --help -f -n" -- "$cur"))
            [[ ${COMPREPLY-} == *= ]] && compopt -o nospace
        else
            _filedir
        fi
        return
    fi

    if [[ ${words[1]} == config ]]; then
        if ((cword == 2)); then
            COMPREPLY=($(compgen -W "check show --help" -- "$cur"))
        elif [[ $cur == -* ]]; then
            COMPREPLY=($(compgen -W "--client --help" -- "$cur"))
        else
            _filedir toml
        fi
        return
    fi

    if [[ ${words[1]} == check-ignore ]]; then
        case $prev in
            --exclude-from | --include-from)
                _filedir
                return
                ;;
            -C | --root)
                _filedir -d
                return
                ;;
            --exclude | --include)
                return
                ;;
        esac
        $split && return
        if [[ $cur == -* ]]; then
            COMPREPLY=($(compgen -W "--verbose --non-matching --null --stdin --root= --exclude= --include=
                --exclude-from= --include-from= --gitignore --no-synclineignore --help -v -n -z -C" -- "$cur"))
            [[ ${COMPREPLY-} == *= ]] && compopt -o nospace
        else
            _filedir
        fi
        return
    fi

    case ${words[1]} in
        serve | pair | id | grants)
            _syncline_server "${words[1]}"
            return
            ;;
        status | wait | why | approve)
            _syncline_control "${words[1]}"
            return
            ;;
    esac

    case $prev in
        --exclude-from | --include-from | --files-from | --log-file)
            _filedir
            return
            ;;
        --backup-dir | --state)
            _filedir -d
            return
            ;;
        --config)
            _filedir toml
            return
            ;;
        --drift)
            COMPREPLY=($(compgen -W "heal keep report" -- "$cur"))
            return
            ;;
        --drift-keep)
            COMPREPLY=($(compgen -W "none beside area" -- "$cur"))
            return
            ;;
        --durability)
            COMPREPLY=($(compgen -W "none batch file" -- "$cur"))
            return
            ;;
        --watch-with)
            COMPREPLY=($(compgen -W "auto inotify fanotify" -- "$cur"))
            return
            ;;
        --chown)
            _usergroup
            return
            ;;
        --rsh | -e | --syncline-path)
            _filedir
            COMPREPLY+=($(compgen -c -- "$cur"))
            return
            ;;
        --exclude | --include | --max-delete | --bwlimit | --threads | --server-key | --retries | --rescan | --only | --hook)
            return
            ;;
        # With a space behind them these two are flags: what follows is a path.
        --update)
            [[ $split == true ]] && COMPREPLY=($(compgen -W "auto atomic inplace" -- "$cur")) && return
            ;;
        --compress)
            [[ $split == true ]] && COMPREPLY=($(compgen -W "off auto {1..19}" -- "$cur")) && return
            ;;
    esac
    $split && return

    if [[ $cur == --no-* ]]; then
        local flag negative=""
        for flag in $flags; do negative+=" --no-${flag#--}"; done
        COMPREPLY=($(compgen -W "$negative" -- "$cur"))
    elif [[ $cur == -* ]]; then
        COMPREPLY=($(compgen -W "$flags $values --no- --help --version
            -a -r -l -p -t -g -o -D -H -A -X -S -u -c -x -n -z -e -v -q -i -h -P" -- "$cur"))
        [[ ${COMPREPLY-} == *= || ${COMPREPLY-} == --no- ]] && compopt -o nospace
    else
        _filedir
        if ((cword == 1)); then
            COMPREPLY+=($(compgen -W "$commands" -- "$cur"))
        fi
    fi
} && complete -F _syncline syncline

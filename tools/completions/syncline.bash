# SPDX-License-Identifier: Apache-2.0
# bash completion of syncline; needs the bash-completion package.

_syncline() {
    local cur prev words cword split
    _init_completion -s || return

    local commands="copy manifest config"
    local flags="--archive --recursive --links --perms --times --group --owner --devices --specials
        --hard-links --acls --xattrs --sparse --numeric-ids --update --checksum --one-file-system
        --gitignore --delete --dry-run --inplace --partial --compress --verbose --quiet
        --itemize-changes --human-readable --progress --stats --json"
    local values="--chown= --exclude= --include= --exclude-from= --include-from= --files-from=
        --max-delete= --backup-dir= --update= --durability= --compress= --bwlimit= --state=
        --threads= --log-file="

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

    if [[ ${words[1]} == config ]]; then
        if ((cword == 2)); then
            COMPREPLY=($(compgen -W "check show --help" -- "$cur"))
        elif [[ $cur == -* ]]; then
            COMPREPLY=($(compgen -W "--help" -- "$cur"))
        else
            _filedir toml
        fi
        return
    fi

    case $prev in
        --exclude-from | --include-from | --files-from | --log-file)
            _filedir
            return
            ;;
        --backup-dir | --state)
            _filedir -d
            return
            ;;
        --durability)
            COMPREPLY=($(compgen -W "none batch file" -- "$cur"))
            return
            ;;
        --chown)
            _usergroup
            return
            ;;
        --exclude | --include | --max-delete | --bwlimit | --threads)
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
            -a -r -l -p -t -g -o -D -H -A -X -S -u -c -x -n -z -v -q -i -h -P" -- "$cur"))
        [[ ${COMPREPLY-} == *= || ${COMPREPLY-} == --no- ]] && compopt -o nospace
    else
        _filedir
        if ((cword == 1)); then
            COMPREPLY+=($(compgen -W "$commands" -- "$cur"))
        fi
    fi
} && complete -F _syncline syncline

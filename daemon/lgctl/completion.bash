# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# completion.bash - what may follow `lgctl`, when Tab is pressed
#
# lgctl is asked for all of it, so that nothing here is ever out of date: the
# commands of `lgctl help`, the options of `lgctl VERB --help`, and the names of
# guests, if the daemon answers at once.

_lgctl_verbs() {
	lgctl help --names 2>/dev/null
}

_lgctl_options() {
	lgctl ${1:+"$1"} --help 2>/dev/null | grep -o -- '--[a-z][a-z-]*' |
		sort -u
}

_lgctl_verb() {
	local word
	for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
		[[ $word == -* ]] || {
			printf '%s' "$word"
			return
		}
	done
}

_lgctl() {
	local word=${COMP_WORDS[COMP_CWORD]} verb words=''
	COMPREPLY=()
	verb=$(_lgctl_verb)
	case $word:$verb in
	-*) words=$(_lgctl_options "$verb") ;;
	*:) words=$(_lgctl_verbs) ;;
	*:help) words=$(_lgctl_verbs) ;;
	*:create | *:run | *:check)
		# Files, and folders on the way to them.
		mapfile -t COMPREPLY < <(
			compgen -f -- "$word" | grep -E '\.ya?ml$'
			compgen -d -- "$word"
		)
		compopt -o filenames 2>/dev/null
		return
		;;
	*) words=$(timeout 1 lgctl list --names 2>/dev/null) ;;
	esac
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}

complete -F _lgctl lgctl

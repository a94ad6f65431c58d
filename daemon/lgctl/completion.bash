# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# completion.bash - completion of lgctl's commands, options and guests for bash
#
# Nothing is listed here: lgctl knows its commands and options, and lguestd its
# guests.

_lgctl() {
	local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
	local verb='' i

	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		--socket) ((i++)) ;;
		-*) ;;
		*) verb=${COMP_WORDS[i]} && break ;;
		esac
	done
	COMPREPLY=()
	case $before in
	--socket | --root)
		mapfile -t COMPREPLY < <(compgen -f -- "$word")
		return
		;;
	--for)
		mapfile -t COMPREPLY < <(compgen -W 'starting running paused
			stopping waiting stopped crashed gone' -- "$word")
		return
		;;
	esac
	case $verb,$word in
	*,-*) _lgctl_words "$(lgctl ${verb:+"$verb"} --help 2>/dev/null |
		sed -n 's/^  \(-., \|    \)\(--[a-z-]*\).*/\2/p')" ;;
	,* | help,*) _lgctl_words "$(lgctl help --names 2>/dev/null)" ;;
	create,* | check,* | run,*)
		mapfile -t COMPREPLY < <(compgen -f -X '!*.yaml' -- "$word" &&
			compgen -d -- "$word")
		;;
	list,* | version,* | doctor,*) ;;
	*) _lgctl_words "$(lgctl list --names 2>/dev/null)" ;;
	esac
}

_lgctl_words() {
	mapfile -t COMPREPLY < <(compgen -W "$1" -- "$word")
}

complete -F _lgctl lgctl

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# The manual pages, the completion and the programs know the same words.

. t/lib/tap.sh
. t/lib/lgctl.sh

page=daemon/lgctl/lgctl.1

# long_options - those that the help on stdin shows
long_options() {
	sed -n 's/^  \(-., \|    \|  *\)\?\(--[a-z-]*\).*/\2/p' | sort -u
}

# paged MACRO FILE - what is an item of a list in that page
paged() {
	sed -n "s/^\.It $1 //p" "$2"
}

if command -v mandoc >/dev/null; then
	for file in "$page" daemon/lguestd.8; do
		clean "$(mandoc -Tlint -W warning "$file")" "$file is well-formed"
	done
else
	skip 2 'no mandoc'
fi

listed=$(build/asan/lgctl help --names | sort)
is "$(paged Ic "$page" | cut -d' ' -f1 | sort)" "$listed" \
	'lgctl.1 has the commands that help lists'

# Of a command: the options in its item, against those of its own help.
everywhere=$(printf -- '--%s\n' json quiet socket help | sort)
for command in $listed; do
	run build/asan/lgctl "$command" --help
	own=$(echo "$out" | long_options | grep -vxF -e "$everywhere")
	shorts=$(echo "$out" | sed -n 's/^  -\(.\), --.*/\1/p' |
		grep -v '[jq]' | sort | tr -d '\n')
	item=$(paged Ic "$page" | grep "^$command\( \|$\)")
	for option in $own; do
		letter=$(echo "$out" | sed -n "s/^  -\(.\), $option.*/\1/p")
		echo "$item" | grep -q -e "Fl ${letter:-${option#-}}\( \|$\)" ||
			diag "$command: $option is missing"
	done >"$tmp/missing"
	for letter in $(echo "$item" | grep -o 'Fl [a-z]\( \|$\)' | cut -c4); do
		case $shorts in *"$letter"*) ;; *) echo "$command: -$letter" ;; esac
	done >>"$tmp/missing"
	clean "$(cat "$tmp/missing")" "lgctl.1 and lgctl $command --help agree"
done
all=$(for command in $listed; do build/asan/lgctl "$command" --help; done |
	long_options)
is "$(paged Fl "$page" | grep -o -e 'Fl -[a-z-]*' -e '^-[a-z-]*' |
	sed 's/^Fl //; s/^/-/' | sort -u)" \
	"$(printf '%s\n' "$all" --version | sort -u)" \
	'lgctl.1 explains every option that there is'
is "$(paged Fl daemon/lguestd.8 | grep -o -e 'Fl -[a-z-]*' -e '^-[a-z-]*' |
	sed 's/^Fl //; s/^/-/' | sort -u)" \
	"$(build/asan/lguestd --help |
		sed -n 's/^  \(-.,\|   \) \(--[a-z-]*\).*/\2/p' | sort -u)" \
	'lguestd.8 explains every option that there is'

# shellcheck disable=SC2016 # these are bash's
complete='
	lgctl() { build/asan/lgctl "$@"; }
	. daemon/lgctl/completion.bash
	COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
	_lgctl
	printf "%s\n" "${COMPREPLY[@]}"'
lguestd_start
guest web 'print hello'
lgctl create "$tmp/web.yaml"
run bash -c "$complete" bash lgctl ''
is "$(echo "$out" | sort)" "$listed" 'bash completes to every command'
run bash -c "$complete" bash lgctl des
is "$out" destroy 'and to the one that is begun'
run bash -c "$complete" bash lgctl stop --
is "$(echo "$out" | sort)" "$(build/asan/lgctl stop --help | long_options)" \
	'and to every option of a command'
run bash -c "$complete" bash lgctl console ''
is "$out" web 'and to guests that are there'
lguestd_stop
ok $? 'lguestd was well to its end'
done_testing

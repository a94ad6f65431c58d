#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Tab after `lgctl` offers what lgctl itself would take there, and names of
# guests where one belongs.

. t/lib/tap.sh

[ -x build/lgctl ] || bail_out 'build/lgctl: not built, run make all'
tap_tmp
# lgctl as it is, but for a daemon that has two guests.
cat >"$tmp/lgctl" <<-END
	#!/bin/sh
	[ "\$*" = 'list --names' ] && printf 'web\\nwine\\n' && exit
	exec $PWD/build/lgctl "\$@"
END
chmod +x "$tmp/lgctl"
PATH=$tmp:$PATH
. daemon/lgctl/completion.bash
compopt() { :; } # there is no line being edited

# offers WORD... - what the last of them may become, in a line
offers() {
	COMP_WORDS=(lgctl "$@")
	# shellcheck disable=SC2034 # bash's, for the function
	COMP_CWORD=$#
	_lgctl
	echo "${COMPREPLY[*]}"
}

plan 8
is "$(offers cr)" create 'a verb'
is "$(offers '' | tr ' ' '\n' | LC_ALL=C sort)" \
	"$(build/lgctl help --names | LC_ALL=C sort)" 'every verb there is'
is "$(offers stop w)" 'web wine' 'guests'
is "$(offers stop --for)" --force 'an option of the verb'
is "$(offers --js)" --json 'one of lgctl itself'
is "$(offers --json info wi)" wine 'options before the verb do not matter'
is "$(offers create config/guests/h)" config/guests/hello.yaml 'files'
is "$(offers help doc)" doctor 'a verb to be explained'

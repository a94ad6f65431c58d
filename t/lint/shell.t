#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# There is nothing that shellcheck would say about any of our scripts.
#
# It takes its time, so what it had nothing to say of is not read again until
# something has changed.

. t/lib/lint.sh

plan 3
command -v shellcheck >/dev/null
ok $? 'shellcheck is here' || exit 1

# unread - the scripts, all of them if one is newer than $good: it reads what one
# sources as far as that is among those it is given
good=build/lint/shellcheck
unread() {
	if [ -z "$(find "$good" -newer t/lint/shell.t 2>/dev/null)" ] ||
		[ -n "$(scripts | xargs -I {} find {} -newer "$good")" ]; then
		scripts
	fi
}

# Files that a script sources are checked as files of their own.
mkdir -p build/lint
touch "$good.new"
complaints=$(unread | xargs -r shellcheck -e SC1091 -f gcc 2>&1)
[ -n "$complaints" ] || mv "$good.new" "$good"
clean "$complaints" 'every script passes shellcheck'

clean "$(sources '*.t' '*.sh' | while read -r file; do
	case $(head -c 2 "$file") in '#!') [ -x "$file" ] || echo "$file" ;; esac
done)" 'every script with a #! line can be executed'

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# There is nothing that shellcheck would say about any of our scripts.

. t/lib/lint.sh

plan 3
command -v shellcheck >/dev/null
ok $? 'shellcheck is here' || exit 1

# Files that a script sources are checked as files of their own.
clean "$(scripts | xargs shellcheck -e SC1091 -f gcc 2>&1)" \
	'every script passes shellcheck'

clean "$(sources '*.t' '*.sh' | while read -r file; do
	case $(head -c 2 "$file") in '#!') [ -x "$file" ] || echo "$file" ;; esac
done)" 'every script with a #! line can be executed'

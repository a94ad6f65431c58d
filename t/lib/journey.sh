#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# journey.sh - follow the reading order from README.md
#
# A file's opening comment ends with "Next:" and where to read on.  Without an
# argument this prints the path of each stop and, last, what the chain came to:
# "the end", a file that is not there, or a stop it had already made.  With
# `openings` it prints the comments themselves, which is a book about lguest.

here=README.md
seen=' '
while [ -f "$here" ]; do
	case $seen in *" $here "*) break ;; esac
	seen="$seen$here "
	if [ "${1:-}" != openings ]; then
		echo "$here"
	elif [ "$here" != README.md ]; then
		printf '\n==== %s\n\n' "$here"
		awk '/^\/\*( SPDX.*)?$/ && !/SPDX/ { talk = 1; next }
			talk && /^ \*\// { exit }
			talk { sub(/^ \* ?/, ""); print "  " $0 }' "$here"
	fi
	here=$(sed -n 's/^\( \* \|# \|\)Next: //p' "$here" | head -n 1)
	here=${here:-nowhere}
done
[ "${1:-}" = openings ] || echo "$here"

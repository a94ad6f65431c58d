#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Nothing in the tree speaks of one person's machine, or of work undone.
#
# A path that starts at the root must start in a directory that every Debian
# has, home directories excepted, be one of the rig's own mount points, or be a
# name on the bus; so a
# path of somebody's desk does not get in.
# A thing is done, or refused with its reason, or it is an issue: there are no
# notes to ourselves.

. t/lib/lint.sh

known='bin|boot|dev|etc|lib|lib64|proc|run|sbin|sys|tmp|usr|var|lg|host|out|org/freedesktop|nonexistent'

# desks - absolute paths that would not exist on another machine
desks() {
	sources '*' | grep -vx LICENSE | xargs grep -nIE \
		'(^|[][ 	"=(,;:`<>])/[A-Za-z0-9_.-]+/[A-Za-z0-9_$]' |
		grep -vE "(^[^:]*:[0-9]*:|[][ 	\"=(,;:\`<>])/($known)/"
}

# notes - the three usual marks, spelled so that this file has none
notes() {
	sources '*' | grep -vx LICENSE |
		xargs grep -nIwE 'TO''DO|FIX''ME|X''XX'
}

# halves - of a merge that nobody ended; a here-document hides them well
halves() {
	sources '*' | xargs grep -nIE '^(<{7}|>{7}|\|{7}) '
}

plan 3
clean "$(desks)" 'every path in the tree is one that anybody has'
clean "$(notes)" 'no notes to ourselves are left about'
clean "$(halves)" 'no merge was left half done'

# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
#
# c.sh - a test written in C, as prove wants it
#
# A C test foo.c has a neighbour foo.t, which is three lines and a sentence:
#
#	#!/bin/sh
#	# What foo.c pins down.
#	. t/lib/c.sh
#	c_test t/unit/foo.c
#
# The program is linked each time under build/, so it can be neither missing nor
# stale; a build that fails is a test that fails.  Its objects are kept: tests that
# are made of the same files share them, and only what has changed is compiled.
# t/lib/cflags is the list of flags that all our user-space C is built with; SAN=1
# adds the sanitizers.

. t/lib/tap.sh

# c_cc ARGUMENT... - the compiler; what it says is a diagnosis
c_cc() {
	c_log=$("${CC:-gcc}" @t/lib/cflags "$@" 2>&1)
	c_rc=$?
	[ -z "$c_log" ] || diag "$c_log"
	return $c_rc
}

# c_fresh OBJECT - it is there, and nothing that it was made of is newer or gone
c_fresh() {
	[ -e "$1" ] && [ -e "$1.d" ] || return
	# shellcheck disable=SC2046 # a word for each file
	c_newer=$(find $(sed 's/^[^ ]*://; s/\\$//' "$1.d") -newer "$1" 2>&1)
	[ -z "$c_newer" ]
}

# c_object SOURCE FLAG... - $c_object is made of it, with those flags, whose name is
# $c_key; two of us may make the same one at once, so it is put in place when it is
# whole
c_object() {
	c_source=$1
	shift
	c_object=build/t/o/${c_key%% *}/${c_source%.c}.o
	c_fresh "$c_object" && return
	mkdir -p "${c_object%/*}"
	c_cc "$@" -MD -MF "$c_object.d.$$" -c -o "$c_object.$$" "$c_source" &&
		mv "$c_object.d.$$" "$c_object.d" && mv "$c_object.$$" "$c_object"
}

# c_build PROGRAM SOURCE... - compile and link, saying what went wrong as a diagnosis
c_build() {
	c_program=$1
	shift
	c_flags=${SAN:+-fsanitize=address,undefined}
	c_link=
	for c_word; do
		case $c_word in
		*.c) ;;
		-l* | -Wl,* | @*) c_link="$c_link $c_word" ;;
		*) c_flags="$c_flags $c_word" ;;
		esac
	done
	c_key=$({ "${CC:-gcc}" -v; cat t/lib/cflags; echo "$c_flags"; } 2>&1 | cksum)
	c_objects=
	for c_word; do
		case $c_word in
		*.c)
			# shellcheck disable=SC2086 # they are words
			c_object "$c_word" $c_flags || return
			c_objects="$c_objects $c_object"
			;;
		esac
	done
	mkdir -p "$(dirname "$c_program")"
	# shellcheck disable=SC2086
	c_cc $c_flags -o "$c_program" $c_objects $c_link
}

# c_test SOURCE [FLAG | MORE SOURCES]... - build it and become it
c_test() {
	c_out=build/${1%.c}
	c_build "$c_out" "$@" || {
		plan 1
		ok 1 "$1 builds"
		exit 1
	}
	exec "$c_out"
}

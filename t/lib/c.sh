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
# The program is built each time under build/, so it can be neither missing nor
# stale; a build that fails is a test that fails.  t/lib/cflags is the list of
# flags that all our user-space C is built with; SAN=1 adds the sanitizers.

. t/lib/tap.sh

# c_build PROGRAM SOURCE... - compile, saying what went wrong as a diagnosis
c_build() {
	c_program=$1
	shift
	mkdir -p "$(dirname "$c_program")"
	c_log=$("${CC:-gcc}" @t/lib/cflags ${SAN:+-fsanitize=address,undefined} \
		-o "$c_program" "$@" 2>&1)
	c_rc=$?
	[ -z "$c_log" ] || diag "$c_log"
	return $c_rc
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

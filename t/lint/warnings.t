#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Every tool that reads the module's source is content with it.
#
# The debug module, which has every line of the product and a few of its own, is
# built apart with W=1 and sparse, and what gcc, sparse, objtool and modpost say
# about our files is a complaint.  Nothing is built again until a source has
# changed.

. t/lib/lint.sh

unset MAKEFLAGS MAKELEVEL MFLAGS

log=build/lint/module.log

# loudly - a build of its own that tells all, kept in its log
loudly() {
	mkdir -p build/lint
	make -s build/kdir || return
	[ -e "$log" ] &&
		[ -z "$(find hypervisor build/kdir -newer "$log")" ] && return
	rm -rf build/lint/module
	make -s module DIR=build/lint/module WITH='W=1 C=2 LG_DEBUG=y' \
		>"$log.new" 2>&1 || {
		diag "$(tail -n 30 "$log.new")"
		return 1
	}
	mv "$log.new" "$log"
}

# complaints - what the log says about our files.  The kernel's own headers
# are not ours, and two remarks are about the machine: its compiler is not the
# kernel's to the last digit, and Debian ships no vmlinux to take types from.
complaints() {
	grep -iE 'warning|error:|\.[chS]:[0-9]+:[0-9]+: ' "$log" |
		grep -vE '^(\./)?(arch|include)/|^/usr/src/' |
		grep -v 'the compiler differs from the one used to build'
}

# style - checkpatch's opinion of every file, for those that have checkpatch
style() {
	sources '*.[chS]' | grep '^hypervisor/' | xargs perl "$1" \
		--no-tree --strict --terse --no-summary --max-line-length=80 -f
}

plan 4
command -v sparse >/dev/null
ok $? 'sparse is here'

if loudly; then
	ok 0 'the module builds with W=1 C=2'
	clean "$(complaints)" 'without a warning'
else
	ok 1 'the module builds with W=1 C=2'
	skip 1 'there is no build to look at'
fi

checkpatch=$(make -s kdir)/scripts/checkpatch.pl
if [ -e "$checkpatch" ]; then
	clean "$(style "$checkpatch")" 'checkpatch --strict has no complaints'
else
	skip 1 "checkpatch.pl is not in this kernel's headers package"
fi

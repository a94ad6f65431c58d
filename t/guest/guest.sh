# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
#
# guest.sh - a test guest, as prove wants it
#
#	#!/bin/sh
#	# What NAME.c pins down.
#	. t/guest/guest.sh
#	guest_test NAME
#
# The guest runs in the rig, on the model that LG_MODEL names.  What is not
# built is a failure: nothing may pass because there was nothing to run.

. t/lib/rig.sh

# guest_built FILE... - they are all there, or the test has failed
guest_built() {
	for guest_file in "$@"; do
		[ -e "$guest_file" ] && continue
		echo '1..1'
		echo "not ok 1 - $guest_file is built"
		echo '# make all builds it'
		exit 1
	done
}

# guest_program SECONDS PROGRAM... - run it in the rig, with guest_fresh=1 on a
# machine of its own; does not return
guest_program() {
	guest_limit=$1
	shift
	guest_built "$1"
	rig_need
	rig_exec ${guest_fresh:+-f} -m "${LG_MODEL:-amd}" -t "$guest_limit" -- \
		env LG_ROUNDS="${LG_ROUNDS:-1}" "$@"
	exit
}

# guest_test NAME - every case of the guest; does not return
guest_test() {
	guest_built "build/t/guest/$1.elf"
	guest_program 600 build/t/lgrun "build/t/guest/$1.elf"
}

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Every lint can fail.
#
# A lint that finds nothing is only worth something if it would have: so each is
# shown a small tree in which everything it looks for is wrong, and must say so
# in as many places.  (warnings.t is left out; its proof would be two builds.)

. t/lib/tap.sh

tap_tmp
bad=$tmp/bad
mkdir -p "$bad/hypervisor/include/lguest" "$bad/hypervisor/attic"

mark='TO''DO'
slash='/'
{
	echo '#include <lguest/virtio.h>'
	echo "int  x; ${slash}/ $mark: read it from ${slash}elsewhere/x"
	echo 'int f(void)'
	echo '{'
	seq -s ';' 62 | tr ';' '\n'
	echo '}'
	yes '' | head -n 500
} >"$bad/hypervisor/main.c"
printf '[a](gone.md)\nNext: hypervisor/nowhere.c\n' >"$bad/README.md"
echo 'extern int y;' >"$bad/hypervisor/attic/lost.h"
echo '#define LG_SECRET 1' >"$bad/hypervisor/include/lguest/ioctl.h"
echo 'LG_MYTH is a constant.' >"$bad/hypervisor/include/lguest/README.md"
# shellcheck disable=SC2016 # it is meant to be bad
printf '#!/bin/sh\nrm -rf $x\n' >"$bad/bad.t"
printf '.Sh NAME\n.Bogus\n' >"$bad/bad.8"
printf '%s main\n' '>>>>>>>' >"$bad/bad.txt"
cp .clang-format "$bad"

# reddens LINT N - LINT makes N complaints about that tree
reddens() {
	run env LINT_TOP="$bad" sh "t/lint/$1.t"
	is "$(echo "$out" | grep -c '^not ok')" "$2" "$1.t sees what is wrong" ||
		diag "$out"
}

plan 9
reddens format 1
reddens journey 2
reddens layers 2
reddens links 1
reddens man 1
reddens names 5
reddens shell 2
reddens spdx 2
reddens words 3

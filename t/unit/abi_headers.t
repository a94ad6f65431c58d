#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Each ABI header stands alone, in whatever language it is included from, and
# abi.c leaves nothing out.
#
# A daemon in C++ or a guest's assembler must not need to know what else to
# include first, and must see the same layout as C does.

. t/lib/c.sh

dir=hypervisor/include
headers=$(cd $dir && ls lguest/*.h)
tap_tmp

# compiles NAME FLAG... - $tmp/unit compiles, with warnings as errors
compiles() {
	name=$1
	shift
	run gcc -I$dir -Wall -Wextra -Werror -c -o /dev/null "$@" "$tmp/unit"
	ok "$rc" "$name" || diag "$err"
}

# constants HEADER - an assembler's file that uses what has a value there
constants() {
	echo "#include <$1>"
	sed -n 's/^#define \([A-Z0-9_]*\)[ \t]\{1,\}[(0-9].*/\t.quad \1/p' \
		"$dir/$1"
}

for header in $headers; do
	# Twice, so that its guard is tried too.
	printf '#include <%s>\n' "$header" "$header" >"$tmp/unit"
	compiles "$header is complete as C11" -x c -std=c11 -Wpedantic
	compiles "$header is complete as C++" -x c++ -std=c++11 -Wpedantic
	# Only a header that says so is meant for an assembler.
	grep -q __ASSEMBLY__ "$dir/$header" || continue
	constants "$header" >"$tmp/unit"
	compiles "$header is complete as assembly" -D__ASSEMBLY__ \
		-x assembler-with-cpp
done

run g++ -std=gnu++11 -Wall -Wextra -Werror -I$dir -It/lib -x c++ \
	-o "$tmp/abi" t/unit/abi.c
ok "$rc" 'abi.c builds as C++' || diag "$err"
run "$tmp/abi"
ok "$rc" 'and finds the same layout there' || diag "$out"

# untried - what the headers define and abi.c does not pin down; the names left
# out here are limits, which may grow.
untried() {
	sed -n 's/^struct \([a-z_]*\) {$/END(\1,/p
		s/^#define \(L[A-Z0-9]*_[A-Z0-9_]*\)[ \t].*/C(\1,/p' \
		$dir/lguest/*.h |
		grep -v 'C(LG_MAX_\|C(LG_STAT_COUNT\|C(LHCALL_MAX' |
		while read -r row; do
			grep -qF "$row" t/unit/abi.c || echo "$row"
		done
}
clean "$(untried)" 'abi.c has every structure and every constant of the headers'

done_testing

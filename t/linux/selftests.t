#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Linux's own selftests say in a guest what they say on a machine.
#
# They are of the kernel's source, built by its Makefiles, and run twice: in the
# rig, whose kernel is the same one and nobody's guest, and in a guest there.  Each
# has to end in the same way and say as often that something is so, or is not;
# where it does not, selftests/list says how and why, and then it has to be so.
# The list says of each program that it is run, or why it is not.
#
# A handful always; all of them, which takes ten minutes or more, for
# `make check-linux`.

. t/linux/selftests/selftests.sh
linux_limit=${LINUX_LIMIT:-${LG_ALL:+5000}}
linux_limit=${linux_limit:-1000}
selftests_need
tap_tmp
: "${tmp:=}"
table=build/selftests.txt

# ---- none is forgotten, and none is missing ----
selftests_rows brief run told | sed 's/ .*//' | sort -u >"$tmp/wanted"
selftests_rows not | sed 's/:.*//' | sort -u - "$tmp/wanted" >"$tmp/named"
selftests_programs | sort -u >"$tmp/built"
clean "$(comm -13 "$tmp/named" "$tmp/built")" \
	'each program that the Makefiles make is on the list'
missing=$(comm -23 "$tmp/wanted" "$tmp/built")
packages=$(t/lib/deps.sh -n selftests | tr '\n' ' ')
if [ -n "$missing" ] && [ -n "$packages" ]; then
	skip 1 "not built without $packages: $(echo "$missing" | tr '\n' ' ')"
else
	clean "$missing" 'each that is to be run is built' ||
		diag "$(grep -h Error $selftests_out/make/*)"
fi

# ---- both say ----
selftests_choose "${LG_ALL:+yes}"
for machine in native guest; do
	"selftests_$machine" >"$tmp/console" 2>&1
	is $? 0 "$machine: it comes to its end"
	tr -d '\r' <"$tmp/console" >$selftests_out/$machine.log
	clean "$(sed -n 's/^! //p' $selftests_out/$machine.log)" \
		"$machine: its kernel has not complained"
	selftests_verdicts <$selftests_out/$machine.log >"$tmp/$machine"
done

selftests_rows differs | sed 's/ *| */|/g' >"$tmp/differs"
selftests_rows told >"$tmp/told"

# A line for each: PROGRAM [ARG...]|TOLD|NATIVE|GUEST|DIFFERENCE|WHY
awk -F '|' '
	FILENAME ~ /native$/ { native[$1] = $2 }
	FILENAME ~ /guest$/ { guest[$1] = $2 }
	FILENAME ~ /differs$/ { differs[$1] = $2 "|" $3 }
	FILENAME ~ /told$/ { told[$0] = "told" }
	FILENAME ~ /list$/ {
		print $0 "|" told[$0] "|" native[$0] "|" guest[$0] "|" differs[$0]
	}' "$tmp/native" "$tmp/guest" "$tmp/differs" "$tmp/told" \
	$selftests_tree/list >"$tmp/both"

# said PROGRAM - what the guest said meanwhile
said() {
	awk -v program="@ $1" '/^= /{ on = 0 } on; $0 == program { on = 1 }' \
		$selftests_out/guest.log | tail -n 60
}

while IFS='|' read -r program told native guest differs why; do
	native=${native:-nothing}
	if [ -n "$told" ]; then
		diag "$program: $native; in a guest $guest"
	elif [ -z "$differs" ]; then
		is "$guest" "$native" "$program: $native" ||
			diag "$(said "$program")"
	elif [ "$guest" = "$native" ]; then
		ok 1 "$program: it differs, for $why" ||
			diag "both say $native: take it from the list"
	else
		is "$guest" "$differs" "$program: not $native, for $why" ||
			diag "$(said "$program")"
	fi
done <"$tmp/both"

{
	echo '# how it ended, and how much was so/not so/skipped'
	awk -F '|' '{
		printf "%-50s %-20s %-20s %s\n", $1, $3,
			$3 == $4 ? "same" : $4, $2 != "" ? "how late?" : $6
	}' "$tmp/both"
} >$table
diag "$(cat $table)"
done_testing

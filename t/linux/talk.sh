# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
#
# talk.sh - typing to a guest's shell, and reading what it answers
#
# After t/lib/lguestd.sh.  One lgctl is the guest's terminal all the time; what is
# on it is in $tmp/screen.
#
#	talk_open GUEST             be its terminal
#	talk_close                  and no more
#	talk_forget                 what has been on it until now
#	talk_until PATTERN [S]      wait for such a line; 120 seconds, or S
#	talk_type TEXT              as a person would, and the return key
#	talk COMMAND                in its shell: $out is what it printed, $rc its
#	                            status; 120 seconds, or $talk_limit, and the
#	                            test ends

talk_count=0
true "${tmp:=}"

talk_open() {
	rm -f "$tmp/typed" "$tmp/screen"
	mkfifo "$tmp/typed"
	lgctl console "$1" <"$tmp/typed" >>"$tmp/screen" 2>&1 &
	talk_pid=$!
	exec 7>"$tmp/typed"
}

talk_close() {
	exec 7>&-
	kill "$talk_pid" 2>/dev/null
	wait "$talk_pid" 2>/dev/null || :
}

talk_forget() {
	: >"$tmp/screen"
}

talk_type() {
	printf '%s\n' "$1" >&7
}

talk_has() {
	tr -d '\r' <"$tmp/screen" | grep -aq -e "$1"
}

talk_until() {
	talk_left=$((${2:-120} * 5))
	until talk_has "$1"; do
		talk_left=$((talk_left - 1))
		if [ "$talk_left" -le 0 ] || ! kill -0 "$talk_pid" 2>/dev/null; then
			diag "waited in vain for $1; the last that was said:
$(tail -n 25 "$tmp/screen" | tr -d '\r')"
			return 1
		fi
		sleep 0.2
	done
}

# The marks are told from their own echo by the number that printf puts in; a line
# of their own, whatever a shell's line editor has just sent.
talk() {
	talk_count=$((talk_count + 1))
	talk_type "printf '\\n<%d\\n' $talk_count; $1
printf '\\n>%d %d\\n' $talk_count \$?"
	talk_until "^>$talk_count [0-9]" "${talk_limit:-120}" ||
		bail_out "the guest does not come back from: $1"
	# shellcheck disable=SC2034 # for the test to look at
	out=$(tr -d '\r' <"$tmp/screen" |
		sed -n "/^<$talk_count\$/,/^>$talk_count /p" | sed '1d;$d' | sed '${/^$/d}')
	rc=$(tr -d '\r' <"$tmp/screen" |
		sed -n "s/^>$talk_count \([0-9]*\).*/\1/p" | tail -n 1)
	return "$rc"
}

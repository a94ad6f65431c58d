#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# The units mean what systemd thinks they mean, and leave the daemon little.
#
# systemd ignores a directive that it does not know, with a line in a log that
# nobody reads; a sandbox with a typing error is no sandbox.  And what a daemon
# may do grows by a line here and there, so there is a number it must stay
# below.

. t/lib/tap.sh

tap_tmp
systemd-analyze --version >/dev/null 2>&1 ||
	bail_out 'systemd-analyze is not here'

# Verified where the programs are not installed, so these are there always.
for unit in systemd/*.service systemd/*.socket; do
	sed -E 's,^(Exec[A-Za-z]*=-?)/usr/[^ ]*,\1/bin/true,' "$unit" \
		>"$tmp/${unit##*/}"
done
cp "$tmp/lguest@.service" "$tmp/lguest@web.service"

# remarks FILE... - what systemd would only have told its log
remarks() {
	SYSTEMD_LOG_LEVEL=notice systemd-analyze verify --man=no "$@" 2>&1 |
		grep -F "$tmp"
}

# exposure UNIT - tenths, as systemd-analyze counts them
exposure() {
	systemd-analyze security --offline=true --no-pager "$1" |
		sed -n 's/.*Overall exposure level.*: \([0-9]*\)\.\([0-9]\).*/\1\2/p'
}

# silent UNIT - directives without a reason: each group has a comment on top
silent() {
	awk '/^\[/ { section = $0; why = 0 } /^#/ { why = 1 } /^$/ { why = 0 }
		section == "[Service]" && /^(Protect|Restrict|Private|Capab|NoNew)/ &&
		!why { print FILENAME ": " $0 }' "$1"
}

# value DIRECTIVE - of lguestd.service
value() {
	sed -n "s/^$1=//p" systemd/lguestd.service
}

# seconds SPAN - as systemd reads it
seconds() {
	systemd-analyze timespan "$1" | sed -n 's/^ *μs: \([0-9]*\)000000$/\1/p'
}

plan 12
clean "$(remarks "$tmp/lguestd.service" "$tmp/lguestd.socket" \
	"$tmp/lguest@web.service")" 'systemd has no remark on any unit'
echo 'NoSuchThing=yes' >>"$tmp/lguestd.socket"
like "$(remarks "$tmp/lguestd.socket")" 'NoSuchThing' 'and it would have'

systemd-analyze security --offline=true --threshold=40 --no-pager \
	systemd/lguestd.service >"$tmp/out" 2>&1
ok $? 'exposed no more than 4.0 of 10' || diag "$(tail -n 1 "$tmp/out")"
points=$(exposure systemd/lguestd.service)
[ "${points:-99}" -le 20 ]
ok $? 'nor more than the 2.0 it was built with' || diag "it is $points tenths"
clean "$(silent systemd/lguestd.service)" 'each restriction has its reason'
is "$(value CapabilityBoundingSet)" \
	'CAP_SETUID CAP_SETGID CAP_SETPCAP CAP_KILL CAP_NET_ADMIN' \
	'it keeps these capabilities and no others'

# What a restart keeps alive depends on each of these.
is "$(value FileDescriptorStoreMax) $(value NotifyAccess)" '4096 main' \
	'the daemon, and nobody else, may leave descriptors with systemd'
grep -q '^#define STORE_MAX *4096 ' daemon/store.c
ok $? 'and the daemon knows how many'
is "$(value SuccessExitStatus) $(value RestartForceExitStatus)" '75 75' \
	'a daemon that was told to end and left guests has a next one'
is "$(value StartLimitIntervalSec)" 0 \
	'systemd never gives up, for it would drop the guests'
is "$(value RuntimeDirectoryPreserve)" yes \
	'a stop of the daemon leaves the socket, which is another unit'
limit=$(seconds "$(value TimeoutStopSec)")
[ "${limit:-0}" -ge 300 ]
ok $? 'a stop has time for guests that are slow' || diag "${limit:-?} s"

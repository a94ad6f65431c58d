#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# run.sh - a guest, from nothing, with one command: `make run`
#
#	t/run.sh rig [GUEST.yaml]	in the rig, which asks nothing of this machine
#	t/run.sh here [GUEST.yaml]	on this machine; root, and a kernel of lg.ko's
#
# Everything is installed as an administrator would have it and started as he
# would, by systemctl and lgctl; what is done is said before it is.  Then it is
# the guest's console until the guest ends, and our exit status is lgctl's, so
# the guest's: 0, or 9 if it crashed.  make makes that a 2, and says ours in its
# last line.
#
# Without a terminal nobody can type, and so nobody is asked anything: what hello
# waits for at its prompt is typed for him.

set -eu
cd "$(dirname "$0")/.."

where=${1:-rig}
hello=config/guests/hello.yaml
guest=${2:-$hello}
typed=${3:-}
[ "$where" = inside ] || [ -t 0 ] || [ "$guest" != $hello ] || typed=off

step() {
	printf '\n==> %s\n' "$*" >&2
}

die() {
	echo "run: $*" >&2
	exit 1
}

# show COMMAND... - say it, then do it
show() {
	echo "+ $*" >&2
	"$@"
}

in_rig() {
	step 'starting a virtual machine of Debian to be the host (emulated, so slow;' \
		'the first time it is made, about a minute)'
	set -- -f -t "${RIG_TIMEOUT:-3600}" -- sh t/run.sh inside "$guest" "$typed"
	if [ -t 0 ]; then
		step "the guest's console gets what you type, line by line"
		exec t/rig/rig exec -i "$@"
	fi
	exec t/rig/rig exec "$@" </dev/null
}

# Where the rig has put us: a Debian of our own, with systemd, as root.
inside() {
	. t/lib/tap.sh
	. t/lib/lguestd.sh
	step 'installing lguest into it'
	lguestd_install
	trap - EXIT
	show systemctl start lguestd
	run_guest
}

run_guest() {
	step "the guest; its console begins here"
	status=0
	if [ -n "$typed" ]; then
		echo "$typed" >"$tmp/typed"
		echo "+ echo $typed |" >&2
		show lgctl run --foreground "$guest" <"$tmp/typed" || status=$?
	else
		show lgctl run --foreground "$guest" || status=$?
	fi
	step "the guest has ended, lgctl's exit status is $status"
	[ "$status" -eq 0 ] || [ -z "${unit:-}" ] ||
		journalctl -u lguestd -o cat --no-pager -n 20 >&2 || :
	return "$status"
}

# On this machine nothing is installed: programs, socket and logs are the tree's.
here() {
	[ "$(id -u)" = 0 ] || die 'HERE=1: loading a module takes root'
	kver=$(modinfo -F vermagic build/lg.ko | cut -d ' ' -f 1)
	[ "$kver" = "$(uname -r)" ] || die "HERE=1: lg.ko is built for Linux" \
		"$kver, this is $(uname -r); see make KDIR="
	[ -e /sys/module/lg ] || {
		step 'loading the module'
		show insmod build/lg.ko || die 'dmesg says why'
	}
	# For a guest with a network, as lguestd.service wants it, too.
	[ -e /dev/net/tun ] || show modprobe tun
	tmp=$(mktemp -d)
	cat >"$tmp/lguestd.yaml" <<-END
		socket: $tmp/lguestd.sock
		socket_group: root
		runner_user: nobody
		log_dir: $tmp
		guests_dir: $tmp/guests.d
	END
	# A kernel that would be there if lguest were installed is in the tree,
	# and the folder for disks is not.
	[ -e /usr/lib/lguest/guestos.elf ] || {
		sed "s,/usr/lib/lguest/,$PWD/build/,
			s,/var/lib/lguest/disks/,$tmp/," "$guest" \
			>"$tmp/${guest##*/}"
		guest=$tmp/${guest##*/}
	}
	LGUEST_RUN=$PWD/build/lguest-run LGUEST_SOCKET=$tmp/lguestd.sock
	export LGUEST_RUN LGUEST_SOCKET
	PATH=$PWD/build:$PATH
	step 'starting lguestd'
	lguestd --foreground --config "$tmp/lguestd.yaml" &
	daemon=$!
	trap 'kill "$daemon"; wait "$daemon" || :; rm -rf "$tmp"' EXIT
	until [ -S "$LGUEST_SOCKET" ]; do
		kill -0 "$daemon" 2>/dev/null || die 'lguestd has not started'
		sleep 0.1
	done
	run_guest
}

[ -e "$guest" ] || die "GUEST=$guest: no such file"
case $where in
rig) in_rig ;;
inside) unit=lguestd && inside ;;
here) here ;;
*) die "'$where': neither rig nor here" ;;
esac

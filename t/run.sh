#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# run.sh - a guest, from nothing, with one command: `make run`
#
#	t/run.sh rig [GUEST.yaml]	in the rig, which asks nothing of this machine
#	t/run.sh here [GUEST.yaml]	on this machine; root, and a kernel of lg.ko's
#
# A guest is a file, or one of config/guests by its name; without any it is Debian,
# which is made first.  Everything is installed as an administrator would have it
# and started as he would, by systemctl and lgctl; what is done is said before it
# is.  Then it is the guest's console until the guest ends, and our exit status is
# lgctl's, so the guest's: 0, or 9 if it crashed.  make makes that a 2, and says
# ours in its last line.
#
# Without a terminal nobody can type, and so nobody is asked anything: what hello
# waits for at its prompt is typed for him, and any other guest that asks for a login
# is turned off; Debian fails if it has not asked.

set -eu
cd "$(dirname "$0")/.."

where=${1:-rig}
guest=${2:-debian}
alone=${3:-}	# nobody is here: what to do about it
hello=config/guests/hello.yaml
images=/var/lib/lguest/debian	# where config/guests/debian.yaml has them
case $guest in
*/*) ;;
*) [ -e "$guest" ] || guest=config/guests/$guest.yaml ;;
esac
[ "$where" = inside ] || [ -t 0 ] || {
	alone=button
	[ "$guest" != $hello ] || alone=off
}

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

is_debian() {
	[ "${guest##*/}" = debian.yaml ]
}

# make_debian FOLDER - a new disk each time, as the last one may be spoilt
make_debian() {
	step 'a Debian disk; making it takes some minutes, once'
	show guestos/linux/debian/lguest-debian -f -o "$1" >/dev/null
}

in_rig() {
	! is_debian || make_debian build/rig/out/debian
	step 'starting a virtual machine of Debian to be the host (emulated, so slow;' \
		'the first time it is made, about a minute)'
	set -- -f -t "${RIG_TIMEOUT:-3600}" -- \
		sh t/run.sh inside "$guest" "$alone"
	if [ -z "$alone" ]; then
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
	! is_debian || ln -s /out/debian $images
	echo 1 >/proc/sys/net/ipv4/ip_forward
	show systemctl start lguestd
	run_guest
}

# SIGTERM is the power button.
run_until_login() {
	echo "+ lgctl run --foreground $guest" >&2
	mkfifo "$tmp/console"
	tee "$tmp/seen" <"$tmp/console" &
	showing=$!
	lgctl run --foreground "$guest" </dev/null >"$tmp/console" &
	running=$!
	until grep -aq 'login: *$' "$tmp/seen" 2>/dev/null; do
		kill -0 "$running" 2>/dev/null || break
		sleep 0.5
	done
	if kill "$running" 2>/dev/null; then
		asked=1
		step 'it asks who we are, and nobody is here: its power button'
	fi
	wait "$running" || status=$?
	wait "$showing" || :
	! is_debian || [ -n "${asked:-}" ] || status=1
}

run_guest() {
	step "the guest; its console begins here"
	status=0
	if [ "$alone" = off ]; then
		echo off >"$tmp/typed"
		echo "+ echo off |" >&2
		show lgctl run --foreground "$guest" <"$tmp/typed" || status=$?
	elif [ "$alone" ]; then
		run_until_login
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
	! is_debian || make_debian "$PWD/build/debian"
	# What would be there if lguest were installed is in the tree, and the
	# folder for disks is not.
	[ -e /usr/lib/lguest/guestos.elf ] || {
		sed "s,/usr/lib/lguest/,$PWD/build/,
			s,$images/,$PWD/build/debian/,
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

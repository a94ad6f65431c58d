# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
#
# lgctl.sh - an lguestd of a test's own, and lgctl to talk to it
#
# Source it after tap.sh.  Both are built with the sanitizers; guests are scripts
# that t/lib/fake_run.c plays, so no root and no module is needed.
#
#	lguestd_start		starts it, in $tmp
#	guest NAME SCRIPT [LINE]...	$tmp/NAME.yaml, whose kernel is that script
#	lgctl WORD...		as `run`: leaves $rc, $out and $err
#	lguestd_stop		ends it; its status says whether it was well
#	await TEXT CMD...	until that command's output has TEXT in it

tap_tmp
# shellcheck disable=SC2154 # tap.sh's
: "$tmp"
lguestd_pid=
export LGUEST_SOCKET="$tmp/sock"
unset LGCTL_ESCAPE NOTIFY_SOCKET

lguestd_start() {
	[ -x build/asan/lguestd ] || bail_out 'build/asan/lguestd is not built'
	mkdir -p "$tmp/guests.d"
	cat >"$tmp/lguestd.yaml" <<-EOT
		socket: $tmp/sock
		guests_dir: $tmp/guests.d
		log_dir: $tmp
	EOT
	build/asan/lguestd -f -c "$tmp/lguestd.yaml" --log-level debug \
		2>>"$tmp/log" &
	lguestd_pid=$!
	trap 'lguestd_kill; rm -rf "$tmp"' EXIT
	until grep -q 'ready:' "$tmp/log"; do
		kill -0 "$lguestd_pid" || bail_out "$(cat "$tmp/log")"
		sleep 0.05
	done
}

lguestd_kill() {
	[ -z "$lguestd_pid" ] || kill -9 "$lguestd_pid"
}

lguestd_stop() {
	lgctl list --names
	# shellcheck disable=SC2154 # run() of tap.sh left it
	for lguestd_guest in $out; do
		lgctl destroy "$lguestd_guest"
	done
	kill "$lguestd_pid"
	wait "$lguestd_pid"
	lguestd_rc=$?
	lguestd_pid=
	[ "$lguestd_rc" = 0 ] || diag "$(tail -n 30 "$tmp/log")"
	return "$lguestd_rc"
}

# guest NAME SCRIPT [LINE]... - SCRIPT has its lines separated by ;
guest() {
	printf '%s\n' "$2" | tr ';' '\n' >"$tmp/$1.kernel"
	printf 'name: %s\nkernel: %s\n' "$1" "$tmp/$1.kernel" >"$tmp/$1.yaml"
	guest_file=$tmp/$1.yaml
	shift 2
	[ $# = 0 ] || printf '%s\n' "$@" >>"$guest_file"
}

lgctl() {
	run build/asan/lgctl "$@"
}

await() {
	await_text=$1
	shift
	until "$@" 2>&1 | grep -q -e "$await_text"; do
		sleep 0.05
	done
}

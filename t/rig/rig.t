#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# The rig tells the truth about what ran in it.
#
# Every other test that needs our module believes the rig: that an exit status
# is the command's, that a warning of the kernel below is seen, that a command
# that hangs is ended, and that no machine is left over, whoever is killed.  So
# these are tried first, and on machines of their own.

cd "$(dirname "$0")/../.." || exit 1
. t/lib/rig.sh

unset LG_MODEL
RIG_SESSION=rig.t
export RIG_SESSION

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
n=0

ok() {
	n=$((n + 1))
	if [ "$1" = "$2" ]; then
		echo "ok $n - $3"
	else
		echo "not ok $n - $3"
		echo "# got '$1', wanted '$2'"
		sed 's/^/# stderr: /' "$tmp/err"
	fi
}

# run ARGS...: rig exec; leaves $rc, $out, $tmp/err
run() {
	out=$(t/rig/rig exec "$@" 2>"$tmp/err")
	rc=$?
}

# Did the rig itself say this?
seen() {
	grep -q "^# .*$1" "$tmp/err" && echo seen
}

# The pids of QEMUs that this test had started.
qemus() {
	grep -ls "[p]ath=$PWD/build/rig/run/up.rig.t/" \
		/proc/[0-9]*/cmdline | cut -d / -f 3
}

# Wait until a command says yes, for at most a minute.
wait_until() {
	for _ in $(seq 600); do
		"$@" && return 0
		sleep 0.1
	done
	return 1
}

no_qemu() {
	[ -z "$(qemus)" ]
}

a_qemu() {
	[ -n "$(qemus)" ]
}

echo 1..31

run 'exit 7'
ok "$rc" 7 'an exit status is passed back'

run 'echo answer; echo complaint >&2'
ok "$out" answer 'stdout is passed back'
ok "$(cat "$tmp/err")" complaint 'stderr is passed back, apart from stdout'

run -- printf '%s,' 'one word' "it's" ''
ok "$out" "one word,it's,," 'several arguments reach the command as they are'

run 'kill -9 $$'
ok "$rc" 137 'death by a signal is told as a shell tells it'

run pwd
ok "$out" /lg 'a command starts in the tree'

run 'head -n 1 t/rig/rig.t; touch t/x 2>/dev/null || echo refused'
ok "$out" '#!/bin/sh
refused' 'the tree is there and cannot be written'

rm -f build/rig/out/rig.t.out
run 'echo result >/out/rig.t.out'
ok "$(cat build/rig/out/rig.t.out)" result 'a result comes out through /out'
rm -f build/rig/out/rig.t.out

run 'head -c 3000000 /dev/zero | tr "\0" x'
ok "${#out}" 3000000 'megabytes of output come back whole'

out=$(echo 'words from outside' | t/rig/rig exec -i 'cat; echo end')
ok "$out" 'words from outside
end' 'stdin is passed in when asked for'

run -t 2 'echo before; sleep 60 & sleep 60'
ok "$rc $out" '124 before' 'a command that takes too long ends with 124'
run 'pidof sleep'
ok "$out" '' 'and all it started is gone'

run 'echo "lg: all is well" >/dev/kmsg; echo done'
ok "$rc $out" '0 done' 'a plain line in the host log is no failure'

run 'echo "WARNING: test" >/dev/kmsg'
ok "$rc" 125 'a warning in the host log is a failure'
ok "$(seen 'host log: .*WARNING: test')" seen \
	'and the line is shown'

run 'uptime -s >/dev/null; echo fresh'
ok "$rc $out" '0 fresh' 'the next command gets another machine'

out=$(RIG_EXPECT_LOG='WARNING: te[a-z]+' t/rig/rig exec \
	'echo "WARNING: test" >/dev/kmsg; echo done' 2>"$tmp/err")
ok "$? $out" '0 done' 'a warning that the test expects is no failure'

(t/rig/rig exec 'sleep 3; echo slow' >"$tmp/slow") &
slow=$!
run 'sleep 1; echo quick'
wait "$slow"
ok "$? $(cat "$tmp/slow") $out" '0 slow quick' \
	'two commands run beside each other in one machine'

run -f -m up 'echo -n left >/run/mark; cat /run/mark'
ok "$out" left 'a private machine runs a command'
run -f -m up 'ls /run/mark 2>/dev/null; echo clean'
ok "$out" clean 'and what it wrote is not seen by the next'
wait_until no_qemu
ok "$(qemus)" '' 'a private machine goes with its command'

run --ram 2G -m up "awk '/^MemTotal/ { print (\$2 > 1800000) }' /proc/meminfo"
ok "$out" 1 'a machine has as much memory as is asked for'

t/rig/rig exec -f -m up 'sleep 100' 2>/dev/null &
client=$!
wait_until a_qemu
kill -9 "$client"
wait "$client" 2>/dev/null
wait_until no_qemu
ok "$(qemus)" '' 'a client that is killed leaves no machine behind'

sleep 300 &
owner=$!
out=$(RIG_OWNER=$owner t/rig/rig exec -m up 'echo mine')
ok "$out $(qemus | wc -l)" 'mine 1' 'a session stays when its client is done'
server=$(awk '{ print $4 }' "/proc/$(qemus)/stat")
kill -9 "$server"
wait_until no_qemu
ok "$(qemus)" '' 'a server that is killed takes its machine with it'
out=$(RIG_OWNER=$owner t/rig/rig exec -m up 'echo again')
ok "$out" again 'and the next command starts another'
kill "$owner"
wait "$owner" 2>/dev/null
wait_until no_qemu
ok "$(qemus)" '' 'a session ends when its owner dies'

run -f -m up 'echo c >/proc/sysrq-trigger; sleep 30'
ok "$rc $(seen 'sysrq triggered crash')" '125 seen' \
	'a panic is a failure, told at once and with its console'

run -m up '(sleep 4; echo c >/proc/sysrq-trigger) >/dev/null 2>&1 &'
wait_until no_qemu
run -m up 'echo next'
ok "$rc $(seen 'sysrq triggered crash')" '125 seen' \
	'a panic between two commands fails the next one'
run -m up 'echo well'
ok "$rc $out" '0 well' 'and only that one'

mkdir -p "$tmp/tree/t"
cp -r t/rig "$tmp/tree/t/"
"$tmp/tree/t/rig/rig" models >"$tmp/err"
cmp "$tmp/tree/build/rig/agent" build/rig/agent >>"$tmp/err"
ok $? 0 'a tree somewhere else has the same agent, and so the same image'

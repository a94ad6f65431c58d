#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Of daemons that start at one socket together one serves there, and stays.
#
# Each looked whether the socket that it found was an old one, and then removed
# it: by then it could be another's new one, who went on without ever hearing
# from a client again.

. t/lib/tap.sh
. t/lib/lgctl.sh

cat >"$tmp/lguestd.yaml" <<-EOT
	socket: $tmp/sock
	guests_dir: $tmp/none
	log_dir: $tmp
EOT

# A socket as a daemon leaves it that is killed.
left_behind() {
	rm -f "$tmp/sock"
	perl -MIO::Socket::UNIX -e \
		'IO::Socket::UNIX->new(Local => shift, Listen => 1)' "$tmp/sock"
}

# start N - one of them, in the background
start() {
	: >"$tmp/log$1"
	build/asan/lguestd -f -c "$tmp/lguestd.yaml" 2>"$tmp/log$1" &
	pids="$pids $!"
}

# Until each of them serves or has ended.
settle() {
	settle_n=0
	for settle_pid in $pids; do
		settle_n=$((settle_n + 1))
		until grep -q 'ready:' "$tmp/log$settle_n" ||
			! kill -0 "$settle_pid" 2>/dev/null; do
			sleep 0.05
		done
	done
}

end() {
	for end_pid in $pids; do
		kill "$end_pid" 2>/dev/null
		wait "$end_pid"
	done
}

for round in 1 2 3 4 5; do
	pids=''
	left_behind
	for one in 1 2 3 4 5 6; do
		start "$one"
	done
	settle
	serving=$(cat "$tmp"/log? | grep -c 'ready:')
	told=$(cat "$tmp"/log? | grep -c 'another lguestd has it')
	lgctl list
	is "$serving $told $rc" '1 5 0' "one of six serves, and is heard ($round)"
	end
	[ ! -e "$tmp/sock" ]
	ok $? "and takes its socket along ($round)"
done

# One that has looked and not yet made its own, for as long as we like.
pids=''
left_behind
before=$(stat -c %i "$tmp/sock")
exec 9>"$tmp/sock.lock"
flock 9
start 1
settle
like "$(cat "$tmp/log1")" 'another lguestd has it' \
	'who comes while another starts is told so'
is "$(stat -c %i "$tmp/sock")" "$before" 'and has touched nothing'
flock -u 9
end
pids=''
start 1
settle
like "$(cat "$tmp/log1")" 'ready:' 'a lock that nobody holds is in no way'
end
done_testing

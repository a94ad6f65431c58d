#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# load.sh - what a Debian guest is busy with: see four.t
#
#	load.sh SECONDS PLACE [ADDRESS PORT]...
#
# The programs of Debian are read from the disk and added up, again and again;
# new files are written, and all that are there read back; CPUs go and come; and
# traffic, which is beside us, talks to each of the addresses.  Whatever differs
# from what it was ends this with status 1.  PLACE/sums has the sum of each file
# that was left there, for whoever looks at the disk afterwards.

set -u
seconds=$1
place=$2
shift 2
here=$(dirname "$0")
mkdir -p "$place"

# up - seconds since the boot, without a process for it
up() {
	read -r now _ </proc/uptime
	now=${now%%.*}
}

up
end=$((now + seconds))
next=0

# more WHAT ROUNDS - is there time for another round?  Tells how far it is.
more() {
	up
	[ "$now" -lt "$next" ] || {
		echo "$1: $2 rounds"
		next=$((now + 20))
	}
	[ "$now" -lt "$end" ]
}

# forget - what is read next is read from the disk
forget() {
	echo 3 >/proc/sys/vm/drop_caches
}

add_up_programs() {
	rounds=0
	find /usr/bin /usr/lib/apt /usr/lib/systemd -xdev -type f -size +8k |
		LC_ALL=C sort | head -n 60 | xargs sha256sum >"$place/programs"
	while more programs $rounds; do
		forget
		sha256sum --quiet -c "$place/programs" || return
		rounds=$((rounds + 1))
	done
	echo "programs: done after $rounds rounds"
}

# Eight files, of other sizes each time, so that their blocks wander.
write_files() {
	rounds=0
	while more files $rounds; do
		file=$place/file$((rounds % 8))
		head -c $((rounds * 700001 % 3000000 + 5000)) /dev/urandom >"$file" &&
			sha256sum "$file" >"$file.sum" && sync || return
		forget
		cat "$place"/*.sum | sha256sum --quiet -c - || return
		rounds=$((rounds + 1))
	done
	cat "$place"/*.sum >"$place/sums"
	sync
	echo "files: done after $rounds rounds"
}

# Every CPU but the first goes away and comes back, if there is another.
turn_cpus() {
	rounds=0
	[ -e /sys/devices/system/cpu/cpu1/online ] || return 0
	while more cpus $rounds; do
		for cpu in /sys/devices/system/cpu/cpu[1-9]/online; do
			echo 0 >"$cpu" && echo 1 >"$cpu" || return
		done
		rounds=$((rounds + 1))
		sleep 5
	done
	echo "cpus: done after $rounds rounds"
}

add_up_programs &
pids=$!
write_files &
pids="$pids $!"
turn_cpus &
pids="$pids $!"
while [ $# -gt 1 ]; do
	"$here/traffic" talk "$seconds" "$1" "$2" &
	pids="$pids $!"
	shift 2
done

failed=0
for pid in $pids; do
	wait "$pid" || failed=1
done
exit $failed

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# A guest's disk is the file that its YAML names, byte for byte, whatever happens
# to the daemon, and what is wrong with one is said in a line.
#
# A guest sums up what the host has written, and writes what the host sums up.
# It writes, reads back and compares while the daemon is restarted and killed:
# then every request has been served, none twice.  And a file that is full, cut
# short, in use or none at all harms nobody but the guest that has it.
#
# Once: what the daemon does is the same on every CPU.

. t/system/inside.sh
. t/lib/lguestd.sh
inside -t 900
lguestd_install
systemctl start lguestd

# crc_of FILE - as the guest says it
crc_of() {
	printf '%u\n' "0x$(busybox crc32 "$1" | cut -c1-8)"
}

# said NAME PATTERN - is there such a line on its console?
said() {
	lgctl logs "$1" 2>/dev/null | tr -d '\r' | grep -q "$2"
}

# says NAME PATTERN - the last such line, when there is one
says() {
	wait_for "$1 to say $2" said "$1" "$2" || return
	lgctl logs "$1" | tr -d '\r' | grep "$2" | tail -n 1
}

# disk_guest NAME DO DISK-LINE... - one that does that with its disk, and ends
disk_guest() {
	disk_name=$1 disk_do=$2
	shift 2
	guest_file "$disk_name" "cmdline: init=disk,$disk_do" \
		'on_poweroff: preserve' 'disks:' "$@"
}

# refused PATTERN FILE WHAT - it cannot be created, for that reason
refused() {
	run lgctl create "$2"
	[ "$rc" -ne 0 ] && [ "$(echo "$err" | wc -l)" = 1 ]
	ok $? "$3 is refused in one line" || diag "$rc $out $err"
	like "$err" "$1" 'which says why'
	is "$(lgctl list --names)" '' 'and nothing is left of the guest'
}

dir=$tmp/disks
mkdir -p "$dir"

# ---- what the host wrote, and what the guest wrote ----
head -c 2097152 /dev/urandom >"$dir/random.img"
sum=$(crc_of "$dir/random.img")
lgctl create "$(disk_guest reader sum,0 "- file: $dir/random.img")"
ok $? 'a guest with a disk is created'
is "$(says reader '^disk: sum')" "disk: sum $sum" \
	'and reads what the host has written'
lgctl destroy reader
lgctl create "$(disk_guest reader sum,0 \
	"- { file: $dir/random.img, readonly: true, iops: 500 }")"
is "$(says reader '^disk: sum')" "disk: sum $sum" \
	'however slowly it is served'
lgctl destroy reader

lgctl create "$(disk_guest writer fill,0,5 \
	"- { file: $dir/new.img, size: 2M }")"
ok $? 'a disk that is not there is made'
is "$(says writer '^disk: \(done\|failed\)')" 'disk: done' 'and filled'
is "$(stat -c '%s %a' "$dir/new.img")" '2097152 600' \
	'as large as it was to be, and nobody else can read it'
sum=$(crc_of "$dir/new.img")
like "$(lgctl info --json writer)" '"write_bytes": ?2097152' \
	'and its bytes are counted'
lgctl destroy writer
lgctl create "$(disk_guest reader sum,0 "- file: $dir/new.img")"
is "$(says reader '^disk: sum')" "disk: sum $sum" \
	'the host and the next guest see the same'
lgctl destroy reader

# ---- an instance of it ----
lgctl create "$(disk_guest copy check,0,5 \
	"- { file: $dir/copy.img, base: $dir/new.img }")" 2>"$tmp/err"
ok $? 'an instance of another is made' || diag "$(cat "$tmp/err")"
is "$(says copy '^disk: \(done\|failed\)')" 'disk: done' 'and is the same'
lgctl destroy copy

# ---- the daemon comes and goes ----
rm "$dir/new.img"
lgctl create "$(disk_guest busy fill,0,0 \
	"- { file: $dir/new.img, size: 2M }")"
says busy '^disk: done' >/dev/null
lgctl destroy busy
lgctl create "$(disk_guest busy load,0,30 "- file: $dir/new.img" 'cpus: 2')"
wait_for 'the load' said busy '^disk: round 2'
systemctl restart lguestd
wait_for 'it to go on' said busy '^disk: round 5'
ok $? 'systemctl restart, under load'
for round in 8 11 14 17; do
	lguestd_kill KILL
	wait_for 'it to go on' said busy "^disk: round $round"
done
ok $? 'kill -9, again and again'
is "$(says busy '^disk: \(done\|failed\|old\|cannot\)')" 'disk: done' \
	'nothing was lost, and nothing done twice'
is "$(lgctl logs busy | tr -d '\r' | grep -c '^guestos ')" 1 \
	'by one guest, which never noticed'
like "$(says busy '^disk: good')" 'good 2097152' 'all of it is as it was left'

# ---- two at once ----
refused_busy=$(disk_guest other sum,0 "- file: $dir/new.img")
run lgctl create "$refused_busy"
like "$err" "disk0 '$dir/new.img': in use by guest busy \(disk0\)" \
	'two guests cannot write one file, and hear whose it is'
lgctl destroy busy

# ---- what will not do ----
refused "disk0 '$dir': Is a directory" \
	"$(disk_guest bad sum,0 "- file: $dir")" 'a directory'
refused "disk0 '$dir/none.img'.*No such file" \
	"$(disk_guest bad sum,0 "- file: $dir/none.img")" 'what is not there'
head -c 1000 /dev/zero >"$dir/odd.img"
refused "odd.img': 1000 bytes: not a multiple of 512" \
	"$(disk_guest bad sum,0 "- file: $dir/odd.img")" 'part of a sector'
refused "new.img': is 2097152 bytes, and its size is 8388608" \
	"$(disk_guest bad sum,0 "- { file: $dir/new.img, size: 8M }")" \
	'one that is too small'
printf 'QFI\373' | dd of="$dir/odd.img" conv=notrunc 2>/dev/null
refused "odd.img': is a qcow2 image" \
	"$(disk_guest bad sum,0 "- file: $dir/odd.img")" 'another format'
refused "cannot be made: No such file" \
	"$(disk_guest bad sum,0 "- { file: $dir/no/x.img, size: 1M }")" \
	'a file in a folder that is not there'
refused "none.img.*No such file" "$(disk_guest bad sum,0 \
	"- { file: $dir/x.img, base: $dir/none.img }")" 'a base that is not there'
is "$(cd "$dir" && echo *)" 'copy.img new.img odd.img random.img' \
	'and no file is left that was not there'

# ---- the host's troubles are the guest's, and nobody else's ----
mkdir "$dir/small"
mount -t tmpfs -o size=2M tmpfs "$dir/small"
lgctl create "$(disk_guest full fill,0,1 \
	"- { file: $dir/small/full.img, size: 8M }")"
is "$(says full '^disk: cannot')" 'disk: cannot write from sector 4096' \
	'a file system that is full is an error where it is full' ||
	lgctl logs full | tail -n 5
lgctl destroy full
like "$(journalctl -b -o cat LGUEST_NAME=full)" \
	"disk0: '$dir/small/full.img': write of .*No space left" \
	'and the log says which'
umount "$dir/small"

lgctl create "$(disk_guest cut load,0,1000 "- file: $dir/copy.img")"
truncate -s 4096 "$dir/copy.img"
says cut '^disk: \(old\|cannot\)' >/dev/null
ok $? 'a file that is cut short is an error to its guest'
is "$(systemctl is-active lguestd)" active 'the daemon goes on'
lgctl destroy cut

lgctl create "$(disk_guest ro fill,0,1 \
	"- { file: $dir/random.img, readonly: true }")"
is "$(says ro '^disk: cannot')" 'disk: cannot write from sector 0' \
	'what is to be read is not written'
lgctl destroy ro
is "$(lgctl list --names)" '' 'and all of them are gone'
done_testing

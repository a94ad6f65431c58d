#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# `lgctl doctor` says what is wrong with a machine, and what would mend it.
#
# It is what people run when nothing works, so each fault is made here, one at a
# time, in a machine that is a folder: what it says must be that fault and no
# other.  Only a real lg.ko can say which ABI it speaks; t/system/daemon.t asks
# one.

. t/lib/tap.sh

tap_tmp
lgctl=build/lgctl
[ -x "$lgctl" ] || bail_out "$lgctl: not built, run make all"
root=$tmp/root
release=6.1.0-56-amd64

# put FILE [LINE]... - a file of the machine
put() {
	put_file=$root$1
	shift
	mkdir -p "${put_file%/*}"
	printf '%s\n' "$@" >"$put_file"
}

# machine - one on which guests would run, but for what only a kernel can do
machine() {
	rm -rf "$root"
	put /proc/cpuinfo 'processor	: 0' \
		'flags		: fpu lm nx pcid fsgsbase'
	put /proc/sys/kernel/osrelease $release
	put /proc/sys/kernel/modules_disabled 0
	put /proc/modules 'lg 1 0 - Live'
	put /proc/meminfo 'MemAvailable:   2097152 kB' \
		'CommitLimit:    1048576 kB' 'Committed_AS:    524288 kB'
	put /proc/sys/vm/overcommit_memory 0
	put /boot/config-$release CONFIG_PREEMPT_NOTIFIERS=y
	put /sys/module/module/parameters/sig_enforce N
	put /sys/kernel/security/lockdown '[none] integrity confidentiality'
	put /sys/devices/system/cpu/vulnerabilities/meltdown 'Not affected'
	put /lib/modules/$release/modules.dep 'updates/lg.ko:'
	put /etc/passwd '_lguest:x:998:998::/:/usr/sbin/nologin'
	put /etc/group "lguest:x:$(id -g):"
	mkdir -p "$root/run/systemd/system" "$root/sys/module/lg"
	put /usr/lib/systemd/libsystemd-shared-252.so
	put /usr/lib/systemd/systemd-machined
}

# Of every such machine: it has no kernel behind its device and no daemon.
always='fail device   /dev/lguest: No such file or directory, though lg is loaded -> systemctl restart systemd-udevd
fail daemon   /run/lguest/lguestd.sock: No such file or directory -> systemctl enable --now lguestd.socket
Guests cannot run here yet: see what failed.'

# doctor - what it says that it would not say of every machine; $rc
doctor() {
	run env -u LGUEST_SOCKET "$lgctl" doctor --root "$root"
	said=$(printf '%s\n' "$out" | grep -v '^ok ' | grep -vxF "$always")
}

# says TEXT NAME - exactly this, beside what it says of all of them
says() {
	doctor
	is "$said" "$1" "$2"
}

machine
doctor
is "$rc $err" '1 ' 'a machine that cannot run guests is a failure'
is "$out" "ok   cpu      can run guests; PCID keeps their translations
ok   host     nothing below it is in the way
ok   kernel   Linux $release
ok   leaks    nothing that costs at a crossing
ok   memory   2048 MiB are left for guests
ok   module   lg is loaded
fail device   /dev/lguest: No such file or directory, though lg is loaded -> systemctl restart systemd-udevd
ok   users    there are _lguest and lguest$(
	[ "$(id -u)" = 0 ] || echo ', and you are in it'
)
ok   systemd  keeps guests while lguestd restarts
fail daemon   /run/lguest/lguestd.sock: No such file or directory -> systemctl enable --now lguestd.socket
Guests cannot run here yet: see what failed." 'a line for each thing'

run "$lgctl" doctor --json --root "$root"
like "$out" '"about": ?"cpu".*"verdict": ?"ok"' 'the same as JSON'
like "$out" '"verdict": ?"fail"' 'with a verdict of all'

# ---- the processor ----
put /proc/cpuinfo 'flags		: fpu lm nx fsgsbase_not'
says 'fail cpu      no FSGSBASE, which the module cannot do without -> remove nofsgsbase from the kernel'"'"'s command line, or use a CPU of 2012 or later' \
	'a CPU without FSGSBASE'
put /proc/cpuinfo 'flags		: lm nx fsgsbase fred lass'
says 'fail cpu      FRED event delivery is on -> boot with fred=off
fail cpu      LASS is on -> boot with clearcpuid=lass' 'FRED and LASS'
rm "$root/proc/cpuinfo"
says 'fail cpu      /proc/cpuinfo names no flags -> use an x86-64 machine with /proc' \
	'no /proc'

# ---- what is below ----
machine
put /sys/hypervisor/type xen
put /sys/hypervisor/guest_type PV
says 'fail host     a Xen PV guest itself; Xen owns the addresses the module needs -> use a PVH or HVM instance' \
	'a Xen PV guest'
put /sys/hypervisor/guest_type HVM
says '' 'any other Xen guest will do'

# ---- the kernel ----
machine
put /proc/sys/kernel/osrelease 6.18.1-amd64
says 'warn kernel   Linux 6.18.1-amd64; the module is tried on 6.1, Debian 12'"'"'s' \
	'a kernel nobody has tried'
machine
put /boot/config-$release '# CONFIG_PREEMPT_NOTIFIERS is not set'
says 'fail kernel   CONFIG_PREEMPT_NOTIFIERS is not set, which KVM would bring -> use a kernel that was built with KVM' \
	'a kernel without preempt notifiers'
machine
put /proc/sys/kernel/modules_disabled 1
says '' 'modules_disabled does not matter once lg is loaded'
rmdir "$root/sys/module/lg"
says 'fail kernel   no more modules can be loaded (kernel.modules_disabled) -> reboot, and load lg before modules_disabled is set
fail module   lg is installed (updates/lg.ko) and not loaded -> modprobe lg; if it refuses, dmesg says why' \
	'and does before that'
machine
rmdir "$root/sys/module/lg"
put /sys/kernel/security/lockdown 'none [integrity] confidentiality'
put /sys/module/module/parameters/sig_enforce Y
doctor
like "$said" '^fail kernel   only signed modules are loaded' 'enforced signatures'
like "$said" '^fail kernel   it is locked down' 'lockdown'
machine
mkdir -p "$root/sys/firmware/efi/efivars"
printf '\006\000\000\000\001' >"$root/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
says 'warn kernel   Secure Boot is on, a module of one'"'"'s own needs a signature -> enrol a key with mokutil and sign lg.ko with it' \
	'Secure Boot'

# ---- leaks and their price ----
machine
put /sys/devices/system/cpu/vulnerabilities/l1tf 'Vulnerable'
says 'warn leaks    a guest could learn what is not its own: l1tf -> update kernel and microcode, or trust your guests' \
	'a host that leaks'
put /sys/devices/system/cpu/vulnerabilities/l1tf 'Not affected'
put /sys/devices/system/cpu/vulnerabilities/meltdown 'Mitigation: PTI'
doctor
like "$out" '^ok   leaks    what is done about these costs at each crossing: meltdown$' \
	'one that pays for not leaking'
# It was called cured and leaking in two lines.
put /sys/devices/system/cpu/vulnerabilities/spec_rstack_overflow \
	'Vulnerable: Safe RET, no microcode'
doctor
like "$said" '^warn leaks    a guest could learn .*: spec_rstack_overflow ->' \
	'one that pays and leaks all the same'

# ---- memory ----
machine
put /proc/sys/vm/overcommit_memory 2
says 'warn memory   overcommit is off: 512 MiB of 1024 can still be promised -> raise vm.overcommit_ratio if guests cannot be created' \
	'no overcommit'

# ---- the parts ----
machine
rm -r "$root/sys/module/lg" "$root/lib/modules"
doctor
like "$said" '^fail module   lg is not installed -> install lguest \(make install\)$' \
	'no module'
put /lib/modules/6.1.0-1-amd64/modules.dep 'kernel/a.ko: kernel/b.ko' 'updates/lg.ko:'
doctor
like "$said" "^fail module   lg is installed for Linux 6.1.0-1-amd64, this is $release" \
	'a module for another kernel'
machine
put /etc/group 'root:x:0:'
says 'fail users    there is no group lguest of people who may use guests -> systemd-sysusers lguest.conf' \
	'no group'
put /etc/group 'lguest:x:999:'
put /etc/passwd 'root:x:0:0'
says 'fail users    there is no user _lguest for guests to run as -> systemd-sysusers lguest.conf' \
	'no user'
machine
rm "$root/usr/lib/systemd/libsystemd-shared-252.so"
put /usr/lib/x86_64-linux-gnu/systemd/libsystemd-shared-245.so
says 'warn systemd  245 cannot keep guests while lguestd restarts -> upgrade to 246' \
	'a systemd that is too old'
rm -r "$root/run/systemd"
says 'warn systemd  it does not run here; guests end when lguestd does -> boot with systemd for that' \
	'no systemd'
machine
rm "$root/usr/lib/systemd/systemd-machined"
says 'warn systemd  no machined: machinectl does not know guests -> apt install systemd-container' \
	'no machined'

# ---- a socket that nobody listens at ----
machine
mkdir -p "$root/run/lguest"
perl -MIO::Socket::UNIX -e 'IO::Socket::UNIX->new(Local => shift, Listen => 1)' \
	"$root/run/lguest/lguestd.sock"
doctor
like "$said" 'lguestd.sock: Connection refused -> systemctl restart lguestd.socket' \
	'a socket that nobody listens at'

put /proc/cpuinfo "flags		: $(head -c 100000 /dev/zero | tr '\0' a)"
doctor
like "$said" '^fail cpu ' 'a file that is too long is only a file'
done_testing

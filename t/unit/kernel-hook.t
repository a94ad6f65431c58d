#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# A kernel that is installed or removed is never kept from that by us.
#
# dpkg runs every hook of a kernel's, and one that fails leaves the system half
# configured.  lguest-graft is a script here that ends as it is told.

. t/lib/tap.sh

tap_tmp
: "$tmp"
export LGUEST_GRAFT="$tmp/graft" LGUEST_KERNELS="$tmp/kernels"
mkdir "$LGUEST_KERNELS"
: >"$tmp/vmlinuz"
cat >"$LGUEST_GRAFT" <<'EOT'
#!/bin/sh
echo "$*" >>"${0%/*}/asked"
echo 'lguest-graft: a word' >&2
case $1 in
-nq) exit "$LOOK" ;;
*) exit "$MAKE" ;;
esac
EOT
chmod +x "$LGUEST_GRAFT"

# hook LOOK MAKE [WORD...] - how it ends, and what it says and asks
hook() {
	: >"$tmp/asked"
	LOOK=$1 MAKE=$2
	export LOOK MAKE
	shift 2
	run guestos/linux/postinst.d/lguest 6.1.0-0-made "$@"
	asked=$(sed "s,$tmp,@,g" "$tmp/asked")
}

plan 12
hook 0 0 "$tmp/vmlinuz"
is "$rc$out$err|$asked" '0|-nq @/vmlinuz' 'what is made already is left alone'
hook 4 0 "$tmp/vmlinuz"
is "$rc$out$err|$asked" '0|-nq @/vmlinuz' 'without headers nothing is said'
hook 5 0 "$tmp/vmlinuz"
is "$rc|$out|$err" '0||lguest-graft: a word' 'else it is made, aloud'
is "$asked" '-nq @/vmlinuz
@/vmlinuz' 'once'
hook 5 1 "$tmp/vmlinuz"
is "$rc|$err" '0|lguest-graft: a word
lguest: no guest is made of kernel 6.1.0-0-made; all else is well' \
	'a failure is told, and is none of the kernel'"'"'s'
hook 3 3 "$tmp/vmlinuz"
is "$rc" 0 'nor is a kernel that cannot be'
hook 5 1 "$tmp/none"
is "$rc$err|$asked" '0|' 'an image that is not there is not looked at'
hook 5 1
is "$rc$err|$asked" '0|' 'nor is one that nobody has'
LGUEST_GRAFT=/nonexistent
hook 5 1 "$tmp/vmlinuz"
is "$rc$err" 0 'after lguest has gone its hook is quiet'

# removed NAME PARAMS - is it, when a package is removed like that
removed() {
	: >"$LGUEST_KERNELS/vmlinuz-6.1.0-0-made.lguest"
	: >"$LGUEST_KERNELS/vmlinuz-6.1.0-1-made.lguest"
	DEB_MAINT_PARAMS=$1 guestos/linux/postrm.d/lguest 6.1.0-0-made
	(cd "$LGUEST_KERNELS" && echo vmlinuz*)
}

is "$(removed remove)" vmlinuz-6.1.0-1-made.lguest \
	'a kernel that is removed takes its own with it'
is "$(removed 'upgrade 6.1.1')" \
	'vmlinuz-6.1.0-0-made.lguest vmlinuz-6.1.0-1-made.lguest' \
	'one that is upgraded does not'
: >"$tmp/precious.lguest"
guestos/linux/postrm.d/lguest ../../precious
[ -e "$tmp/precious.lguest" ]
ok $? 'a version that is a path is none'

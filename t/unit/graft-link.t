#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# lguest-graft joins a kernel and a port, or says why they do not fit.
#
# The kernels are made (t/lib/made_kernel.c), the headers real, and so is the
# compiler; the port is a few lines that change from check to check.  The right
# bytes are in the right place of what comes out, and every way in which a port
# and a kernel can disagree has its sentence.

. t/lib/tap.sh

tap_tmp
: "$tmp"
unset MAKEFLAGS MAKELEVEL MFLAGS
make -s build/t/made-kernel build/asan/lguest-graft build/lguest-graft ||
	bail_out 'lguest-graft is not built'
headers=$(make -s kdir)
release=$(sed -n 's/^#define UTS_RELEASE "\(.*\)"$/\1/p' \
	"$headers/include/generated/utsrelease.h")
port=$tmp/port
kernel=$tmp/vmlinuz
good=$tmp/good

# made KEY=VALUE... - $kernel, of the headers' version unless said otherwise
made() {
	build/t/made-kernel "$kernel" "release=$release" "$@"
}

# port LINE... - a port of one file that ends with these lines
port() {
	rm -rf "$port"
	mkdir "$port"
	cp guestos/linux/port/graft.h "$port/"
	cat >"$port/Kbuild" <<-'EOT'
		obj-m := port.o
		port-y := tiny.o
		ccflags-y := -UMODULE -fno-stack-protector
		ccflags-remove-y := -pg -mrecord-mcount -mfentry
	EOT
	{
		cat <<-'EOT'
			#undef MODULE
			#include <linux/init.h>
			#include <linux/percpu.h>
			#include <linux/stddef.h>
			#include <generated/utsrelease.h>
			#include "graft.h"
			struct made_outer;
			enum made_enum { MADE_ENUM };
			extern char made_code[];
			void tiny_entry(void);
			void tiny_to(void);
			void tiny_entry(void) { for (;;) ; }
			void tiny_to(void) { }
		EOT
		printf '%s\n' "$@"
	} >"$port/tiny.c"
}

# graft [OPTION]... - runs it, leaving $rc, $out and $err without progress
graft() {
	run build/asan/lguest-graft -k "$headers" -p "$port" -o "$tmp/guest" \
		"$@" "$kernel"
	progress=$(echo "$err" | grep '/4 ')
	err=$(echo "$err" | grep -v "/4 " |
		sed "s,^lguest-graft: '$kernel': ,,; s,$release,VERSION,g; s,0xffffffff81200[0-9a-f]*,0xADDRESS,")
}

# refused STATUS ERR NAME - how it ended, and that nothing was left
refused() {
	is "$rc|$out|$err" "$1||$2" "$3"
	[ ! -e "$tmp/guest" ] || ok 1 'and nothing is left of it'
}

# at OFFSET COUNT - bytes of the kernel's, which is the first page behind the head
at() {
	od -An -v -tx1 -j $((0x1000 + $1)) -N "$2" "$good" | tr -d ' \n'
}

entry='GRAFT_PORT(tiny_entry);'
check='GRAFT_CHECK_PERCPU(made_percpu, 40);'

# ---- what comes out ----
made
port "$entry" "$check" \
	'GRAFT_DETOUR(GRAFT_JUMP, made_code, 0, tiny_to, 6, 0xc0, 0xc1);' \
	'static const char bytes[] = { 1, 2, 3 };' \
	'GRAFT_DETOUR(GRAFT_BYTES, made_code, 7, bytes, 3, 0xc7);' \
	'GRAFT_DETOUR(GRAFT_CALL, made_code, 10, tiny_to, 6);'
graft
is "$rc|$out|$err" "0|$tmp/guest|" 'a kernel and a port become one file' || {
	diag "$progress"
	exit 1
}
is "$(echo "$progress" | wc -l)" 4 'with a line for each of the long steps'
like "$progress" 'unpacking kernel .* MiB of lz4' 'which has a size'
like "$progress" 'compiling the port with gcc' 'and a reason'
head=$(readelf -hlW "$tmp/guest")
like "$head" 'Entry point address: +0x1200000$' \
	'it begins with the port, at a physical address'
like "$head" 'LOAD +0x[0-9a-f]+ 0xffffffff81000000 0x0000000001000000' \
	'the kernel is where it belongs'
like "$head" 'LOAD +0x[0-9a-f]+ 0xffffffff81200000 0x0000000001200000' \
	'and the port on the next 2 MiB'
cp "$tmp/guest" "$good"
to=$(($(at 0x41 4 | sed 's/\(..\)\(..\)\(..\)\(..\)/0x\4\3\2\1/') + 0x1000045))
[ $to -ge $((0x1200000)) ] && [ $to -lt $((0x1201000)) ]
ok $? 'a jump leads to the port'
is "$(at 0x40 1)$(at 0x45 5)" e9ccc6010203 \
	'and is filled up; bytes are copied; the rest is as it was'
is "$(at 0x4a 1)$(at 0x4f 1)" e890 'a call is filled with nops'

# ---- once ----
graft
is "$rc|$out|$err" "0|$tmp/guest|lguest-graft: '$tmp/guest': already made" \
	'what is there is not made again'
graft -n
is "$rc" 0 'which can be asked'
echo '/* another */' >>"$port/tiny.c"
graft -nq
is "$rc|$out|$err" '5||' 'but another port is another guest'
graft -n
is "$err" 'not made yet' 'and that is said'
graft -q
is "$rc|$out|$err$progress" "0|$tmp/guest|" 'quiet, it says only where it is'
made xen=yes packer=xz
graft -nq
is "$rc" 5 'another kernel is another guest'
graft -f
is "$(find "$tmp" -name 'guest*')" "$tmp/guest" 'no half of one is left about'
is "$(find /tmp -maxdepth 1 -name 'lguest-graft.*' -newer "$good" \
	-user "$(id -u)")" '' 'nor a folder to build in'
cp "$good" "$kernel"
graft
is "$rc|$err" "3|a graft already; a guest's kernel: can name it as it is" \
	'a graft is known again'
rm "$tmp/guest"

# ---- kernels that cannot be guests ----
made symbols=no
graft
refused 3 'kernel VERSION has no symbols that can be read: CONFIG_KALLSYMS is off, or they are in a way unknown here' \
	'one without symbols'
made xen=no
graft
refused 3 'kernel VERSION was built without CONFIG_XEN_PV, whose operations the port needs' \
	'one that was not made for it'
made btf=no
graft
refused 3 'kernel VERSION was built without CONFIG_DEBUG_INFO_BTF, by which the port is checked' \
	'one without types'
made banner=6.6.6
graft
refused 3 'a damaged kernel: its boot header says VERSION, and what is packed in it does not' \
	'one with another inside'

made
printf '# of\n6\n4.19\n' >"$port/kernels"
graft -n
refused 5 'not made yet' 'one of a version that the port knows may be tried'
made release=6.12.0-0-made
printf '# of\n4.19\n6.1\n' >"$port/kernels"
graft
refused 3 'kernel 6.12.0-0-made is of a version that the port does not know; it knows 4.19 6.1' \
	'one of another is not, however near'
rm "$port/kernels"

# ---- what is missing here ----
made release=6.1.0-1-other
graft
refused 4 "headers '$(echo "$headers" | sed "s,$release,VERSION,")' are for kernel VERSION, and this is 6.1.0-1-other; apt-get install linux-headers-6.1.0-1-other" \
	'headers of another kernel'
run build/asan/lguest-graft -p "$port" -o "$tmp/guest" "$kernel"
is "$rc|$err" "4|lguest-graft: '$kernel': needs the headers of kernel 6.1.0-1-other, which are neither in /lib/modules/6.1.0-1-other/build nor in /usr/src/linux-headers-6.1.0-1-other; apt-get install linux-headers-6.1.0-1-other" \
	'no headers'
made
run build/asan/lguest-graft -k "$tmp" -p "$port" -o "$tmp/guest" "$kernel"
is "$rc|$err" "4|lguest-graft: '$kernel': headers '$tmp': not a kernel's: no include/generated/utsrelease.h" \
	'headers that are none'
mkdir "$tmp/bin"
compiler=$(sed -n 's/^#define CONFIG_CC_VERSION_TEXT "\([^ ]*\).*/\1/p' \
	"$headers/include/generated/autoconf.h")
run env PATH="$tmp/bin" build/asan/lguest-graft -k "$headers" -p "$port" \
	-o "$tmp/guest" "$kernel"
is "$rc|$(echo "$err" | sed "s,$release,VERSION,")" \
	"4|lguest-graft: '$kernel': kernel VERSION was built with $compiler, which is not here; apt-get install $compiler" \
	'no compiler'
ln -s "$(command -v "$compiler")" "$tmp/bin/$compiler"
run env PATH="$tmp/bin" build/asan/lguest-graft -k "$headers" -p "$port" \
	-o "$tmp/guest" "$kernel"
is "$err" "lguest-graft: '$kernel': needs ld to link the port; apt-get install binutils" \
	'no linker'
ln -s "$(command -v ld)" "$tmp/bin/ld"
run env PATH="$tmp/bin" build/asan/lguest-graft -k "$headers" -p "$port" \
	-o "$tmp/guest" "$kernel"
is "$err" "lguest-graft: '$kernel': needs make to compile the port; apt-get install make" \
	'no make'
graft -o /proc/none
is "$rc|$err" "1|'/proc/none': No such file or directory" 'no room for it'

# ---- ports that do not fit ----
# fits LINE STATUS ERR NAME - a port with that line is refused
fits() {
	port "$entry" "$check" "$1"
	graft
	err=$(echo "$err" | tail -n 1)
	refused "$2" "$3" "$4"
}

fits 'extern char none[], nix[]; char *needs[] = { none, nix, made_code };' 3 \
	'kernel VERSION has no none, nix, which the port needs' \
	'a name the kernel has not'
fits 'extern char made_twice[]; char *needs = made_twice;' 3 \
	'kernel VERSION has more than one made_twice, and the port cannot tell which it needs' \
	'a name it has twice'
# shellcheck disable=SC2016 # these are no commands
fits 'GRAFT_DETOUR(GRAFT_JUMP, made_code, 0, tiny_to, 5, 0xc0, 0xff);' 3 \
	'kernel VERSION has `c0 c1` at made_code+0x0, and the port expects `c0 ff`' \
	'a place that looks otherwise'
fits 'GRAFT_DETOUR(GRAFT_JUMP, made_code, 0, tiny_to, 4, 0xc0);' 1 \
	'the port: detour at made_code+0x0: kind 1, 4 bytes, to 0xADDRESS: cannot be made' \
	'a place too small for a jump'
fits 'GRAFT_DETOUR(GRAFT_BYTES, made_code, 0, made_code, 4, 0xc0);' 1 \
	'the port: detour at made_code+0x0: kind 3, 4 bytes, to 0xffffffff81000040: cannot be made' \
	'bytes that are not the port'"'"'s'
fits 'GRAFT_DETOUR(GRAFT_JUMP, 0x1000, 0, tiny_to, 5);' 1 \
	'the port: detour at made_percpu+0xcc0: 5 bytes there, 0 of them expected, make no sense' \
	'a place that is nowhere'
fits 'struct made_outer { int a; }; GRAFT_CHECK_TYPE(struct made_outer);' 3 \
	'struct made_outer has 40 bytes in the kernel and 4 in its headers' \
	'a structure of another size'
fits 'struct made_new { int a; }; GRAFT_CHECK_TYPE(struct made_new);' 3 \
	'no struct made_new in the kernel, and the port needs it' \
	'a structure that is not there'
fits 'struct made_outer { int a, b, first; }; GRAFT_CHECK(struct made_outer, first);' 3 \
	'struct made_outer.first is at 0 (4 bytes) in the kernel and at 8 (4 bytes) in its headers' \
	'a member somewhere else'
fits 'struct made_outer { long first; }; GRAFT_CHECK(struct made_outer, first);' 3 \
	'struct made_outer.first is at 0 (4 bytes) in the kernel and at 0 (8 bytes) in its headers' \
	'a member of another size'
fits 'struct made_outer { int last; }; GRAFT_CHECK(struct made_outer, last);' 3 \
	'struct made_outer has no member last in the kernel, and the port needs it' \
	'a member that is not there'
fits 'GRAFT_CHECK_PERCPU(made_percpu, 41);' 3 \
	'per-CPU variable made_percpu has 40 bytes in the kernel, and the port needs 41' \
	'a per-CPU variable that is too small'
fits 'GRAFT_CHECK_PERCPU(made_none, 4);' 3 \
	'no per-CPU variable made_none in the kernel, and the port needs it' \
	'or not there'
# shellcheck disable=SC2016 # nor are these
fits 'GRAFT_CHECK_FUNCTION(int, made_function, const char *, struct made_outer *);' 3 \
	'function made_function is `int (const char *, struct made_outer *, u32)` in the kernel, and the port takes it for `int (const char *, struct made_outer *)`' \
	'a function of another type'
fits 'GRAFT_CHECK_FUNCTION(int, made_nothing, void);' 3 \
	"no function made_nothing in the kernel's types, and the port needs it" \
	'or not there'

# ---- ports that are not right at all ----
fits 'static int __init later(void) { return 0; } early_initcall(later);' 1 \
	'linking the port: ld ended with status 1' 'an initcall'
fits 'DEFINE_PER_CPU(int, own);' 1 'linking the port: ld ended with status 1' \
	'a per-CPU variable of its own'
fits 'void tiny_bug(void); void tiny_bug(void) { BUG(); }' 1 \
	'linking the port: ld ended with status 1' 'a BUG'
fits 'this is no C' 1 'compiling the port: make ended with status 2' \
	'something that is no C'
fits "$entry" 1 \
	'the port: not one GRAFT_PORT of version 1 in it (176 bytes)' \
	'two beginnings'
port "$check"
graft
refused 1 'the port: not one GRAFT_PORT of version 1 in it (0 bytes)' 'none'
port 'GRAFT_PORT(made_code);' "$check"
graft
refused 1 'the port: it begins at 0xffffffff81000040, which is not in it' \
	'a beginning that is not its own'
port "$entry"
graft
refused 1 'the port: nothing in it to be checked (0 bytes)' \
	'nothing that can be checked'
port '#undef UTS_RELEASE' '#define UTS_RELEASE "5.0"' "$entry" "$check"
graft
refused 4 'the port was compiled for kernel 5.0, and this is VERSION' \
	'one that was compiled for another kernel'
done_testing

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Debian's kernels can be made guests: the one whose headers are here, as it is.
#
# Images are those of Debian's packages, which are fetched once, into a folder of
# the user's cache.  Without the archive there is nothing to be seen here.  The
# port is ours, the compiler and the headers the machine's.
#
# Once: no CPU of the rig has a part in it.

. t/lib/tap.sh
. t/lib/kernels.sh

tap_tmp
: "$tmp"
unset MAKEFLAGS MAKELEVEL MFLAGS
make -s build/lguest-graft || bail_out 'lguest-graft is not built'
release=$(kernel_release)
plan 7

kernel=$(kernel_image "$release") || {
	skip 7 "linux-image-$release cannot be fetched"
	exit
}
run build/lguest-graft -o "$tmp/guest" "$kernel"
is "$rc|$out" "0|$tmp/guest" "Debian's $release and our port become one" || {
	diag "$err"
	skip 3 'there is nothing to look at'
	exit 1
}
head=$(readelf -hlW "$tmp/guest")
like "$head" 'LOAD +0x[0-9a-f]+ 0xffffffff81000000 0x0000000001000000' \
	'the kernel is where it was linked to be'
entry=$(echo "$head" | sed -n 's/.*Entry point address: *//p')
last=$(echo "$head" | sed -n 's/^ *LOAD *[^ ]* 0xffffffff\([^ ]*\).* R E .*/\1/p' |
	tail -n 1)
[ $((entry)) -ge $((0x$last - 0x80000000)) ]
ok $? 'it begins in the port, which is the last of it'
run build/lguest-graft -o "$tmp/guest" "$kernel"
like "$err" 'already made$' 'and need not be made again'

# Another flavour: other addresses and other packing, with the same sources.
flavour=${release%-amd64}-cloud-amd64
{ cloud=$(kernel_image "$flavour") && headers=$(kernel_headers "$flavour"); } || {
	skip 3 "Debian's cloud kernel cannot be fetched"
	exit
}
if [ -e "/usr/src/linux-headers-$flavour" ]; then
	skip 1 'its headers are installed'
else
	run build/lguest-graft -o "$tmp/cloud" "$cloud"
	like "$err" 'needs the headers of kernel .*-cloud-amd64' \
		'the cloud flavour is read, and wants its headers'
fi
run build/lguest-graft -k "$headers" -o "$tmp/cloud" "$cloud"
is "$rc" 0 'with them it is as good' || diag "$err"
like "$(readelf -lW "$tmp/cloud")" 'LOAD .* 0x0000000001000000' \
	'and is where it belongs'

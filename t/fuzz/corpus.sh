#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# corpus.sh - what a fuzzer of libFuzzer's has found worth keeping, as text
#
#	t/fuzz/corpus.sh unpack FILE FOLDER	write FILE's inputs to FOLDER
#	t/fuzz/corpus.sh pack FOLDER >FILE	and back
#
# An input is a line of hexadecimal digits, the shortest first.  Before packing,
# let the fuzzer throw out what adds nothing:
#
#	build/t/NAME-fuzz -merge=1 -use_counters=0 FOLDER build/fuzz/NAME

set -eu

case $1 in
unpack)
	mkdir -p "$3"
	# shellcheck disable=SC2016 # the dollars are perl's
	perl -ne 'chomp; open my $out, ">", sprintf("%s/%04d", $dir, $.) or die;
		print $out pack "H*", $_; BEGIN { $dir = pop }' "$2" "$3"
	;;
pack)
	# shellcheck disable=SC2016
	perl -0777 -ne 'print unpack("H*", $_), "\n"' "$2"/* |
		awk '{ print length, $0 }' | sort -n | cut -d ' ' -f 2
	;;
*)
	echo 'corpus.sh: pack or unpack?' >&2
	exit 2
	;;
esac

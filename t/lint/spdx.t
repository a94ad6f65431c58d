#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Every source file says in its first lines what licence it is under.
#
# checkpatch's spelling: a // comment on top of a .c file, a /* */ one on top of
# a .h or .S file.  The ABI headers are the only ones with the syscall note.

. t/lib/lint.sh

gpl='SPDX-License-Identifier: GPL-2\.0-only'
note=' WITH Linux-syscall-note'

# unlicensed - files whose first three lines lack the right tag
unlicensed() {
	{
		sources '*.[chS]' '*.lds' '*.sh' '*.t' '*.py' '*.mk' Makefile \
			Kbuild '*.yaml' '*.service' '*.socket' .clang-format \
			.editorconfig
		scripts
	} | sort -u | while read -r file; do
		case $file in
		hypervisor/include/lguest/*.h) line="^/\* $gpl$note \*/$" ;;
		*.c) line="^// $gpl$" ;;
		*.[hS]) line="^/\* $gpl \*/$" ;;
		*) line="$gpl\( \*/\)\?$" ;;
		esac
		head -n 3 "$file" | grep -q "$line" || echo "$file"
	done
}

plan 2
clean "$(unlicensed)" 'every source file carries its SPDX tag'
grep -q 'Version 2, June 1991' LICENSE && grep -q 'GPL-2\.0-only' LICENSE
ok $? 'LICENSE holds the text the tags refer to'

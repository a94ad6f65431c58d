#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# clang-format would change nothing.  `make fmt` puts right what this finds.

. t/lib/lint.sh

plan 2
clang-format --version 2>&1 | grep -q 'version 14\.'
ok $? 'clang-format 14 is here, the one whose opinion counts' || exit 1

clean "$(sources '*.[ch]' | xargs clang-format --dry-run -Werror 2>&1 |
	sed -n 's/:[0-9:]* error:.*//p' | uniq -c)" 'all C is formatted as .clang-format says'

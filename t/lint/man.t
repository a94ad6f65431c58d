#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Every manual is sound mdoc, and says nothing in a way that mandoc frowns on.
#
# Whether another manual that is named is installed here is not the question.

. t/lib/lint.sh

# frowns - what mandoc has to say, for it to be put right
frowns() {
	sources '*.[1578]' | while read -r file; do
		mandoc -Tlint -Wstyle "$file" 2>&1 |
			grep -v 'STYLE: referenced manual not found: '
	done
}

plan 2
command -v mandoc >/dev/null
ok $? 'mandoc is here' || exit 1

clean "$(frowns)" 'every manual passes mandoc -Tlint'

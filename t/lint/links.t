#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# What our documents point at is there.

. t/lib/lint.sh

# dangling - relative links in Markdown that lead nowhere
dangling() {
	sources '*.md' | while read -r file; do
		grep -o ']([^):#]*' "$file" | sed 's/^](//' |
			while read -r target; do
				[ -z "$target" ] ||
					[ -e "$(dirname "$file")/$target" ] ||
					echo "$file: $target"
			done
	done
}

plan 1
clean "$(dangling)" 'every relative link in a document leads to a file'
